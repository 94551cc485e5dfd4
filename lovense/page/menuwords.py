"""What an item of a menu says, in words: its amounts, what it does, for how long, and what is not
usual of it. Nothing is read here."""

from collections.abc import Mapping

from ground.ui import charts
from lovense.menus import chance, parts
from lovense.menus.draws import INTENSITY, RANDOM, SECONDS
from lovense.menus.matching import Item
from lovense.page.livepage import LivePage
from lovense.patterns.library import MINE


def amounts(item: Item) -> str:
    """Of a range without an end `from 500 tokens`."""
    low, high = item["minimum"], item["maximum"]
    if high is None:
        return f"from {_tokens(low)}"
    return _tokens(low) if low == high else f"{low} to {_tokens(high)}"


def _tokens(amount: int) -> str:
    return f"{amount} token{'' if amount == 1 else 's'}"


def price(low: int, high: int | None) -> str:
    """As short as a column wants it: `500`, `10\u201399`, `500+`."""
    if high is None:
        return f"{charts.words(low)}+"
    return charts.words(low) if low == high else f"{charts.words(low)}\u2013{charts.words(high)}"


def does(item: Item, nicknames: Mapping[str, str] | None = None) -> str:
    usual = f"{patterns(item)}, strength {strength(item)} of 20, {seconds(item)} s"
    drawn = "drawn at random" if item.get(RANDOM) else ""
    return ", ".join(filter(None, (usual, parts.words(item, nicknames or {}), drawn)))


def patterns(item: Item) -> str:
    weights = chance.weights_of(item)
    return " or ".join(_weighed(name, weights) for name in weights)


def strength(item: Item) -> str:
    return str(chance.bounds_of(item, INTENSITY))


def seconds(item: Item) -> str:
    return str(chance.bounds_of(item, SECONDS))


def drawn_seconds(item: Item) -> str:
    """As short as a column wants it."""
    return seconds(item).replace(" to ", "\u2013")


def _weighed(name: str, weights: Mapping[str, int]) -> str:
    """How often it comes, where it is one of several."""
    words = pattern_words(name)
    return f"{words} ({chance.share(weights[name], weights)})" if len(weights) > 1 else words


def pattern_words(name: str) -> str:
    """A shipped one begins with a capital; one of hers is called as she calls it."""
    return name.removeprefix(MINE) if name.startswith(MINE) else name.capitalize()


def held_back(live: LivePage) -> str:
    """Why a test that is asked for now does not play by itself, and what to do; empty: it does."""
    if not live.is_held:
        return (
            "this server cannot tell your devices at the moment. See your devices."
            if live.is_told_by_server
            else "no page holds your devices. Open Live and go on air."
        )
    if live.is_away:
        return "none of your devices is connected. Connect one."
    return "you have paused. Resume to play it." if live.pause else ""
