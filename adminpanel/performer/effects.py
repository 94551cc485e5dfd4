"""What an override will do before it is saved, in sentences: of each limit what binds then, and
what of her menu it concerns. Reads her menu in force, and nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adminpanel.performer import limits
from adminpanel.performer.limits import BindingLimit
from lovense.deciding.rules import Rules
from lovense.menus import content, versions
from lovense.menus.matching import Item
from lovense.menus.ruler import high_of
from lovense.performers import overrides
from lovense.performers.overrides import SECONDS, STRENGTH, TIP, OverrideWish
from lovense.rows import PerformerRow

_CONCERNS: Mapping[str, tuple[Callable[[Item, int], bool], str]] = {
    TIP: (lambda item, least: high_of(item) < least, "below it: nothing answers there any more"),
    SECONDS: (lambda item, most: item["durationSec"] > most, "longer: cut to it"),
    STRENGTH: (lambda item, most: item["intensity"] > most, "stronger: played no stronger"),
}


def of(rules: Rules, performer_id: str, wish: OverrideWish) -> list[str]:
    """`rules`: with her row, at the moment that is asked for; `wish`: one that may be set."""
    if overrides.is_so(rules.performers[performer_id], wish):
        return ["It is so already: nothing changes."]
    before = limits.of(rules, performer_id)
    after = limits.of(_as_if(rules, performer_id, wish), performer_id)
    items = _items(rules.performers[performer_id])
    told = [
        line
        for was, then in zip(before, after, strict=True)
        if was.override != then.override
        for line in _told(was, then, items)
    ]
    return [*told, f"It ends by itself on {wish.until:%d %b %Y, %H:%M} UTC. She reads the reason."]


def _as_if(rules: Rules, performer_id: str, wish: OverrideWish) -> Rules:
    made: Any = {"limits": dict(wish.limits), "until": wish.until}
    row: Any = {**rules.performers[performer_id], "overrides": made}
    return replace(rules, performers={performer_id: row})


def _items(row: PerformerRow) -> Sequence[Item]:
    """Those that answer, of her menu in force."""
    if not row["menu_version"]:
        return []
    menu = versions.of(row["_id"], row["menu_version"])
    return [item for item in content.of_version(menu) if item["active"]]


def _told(was: BindingLimit, then: BindingLimit, items: Sequence[Item]) -> Iterator[str]:
    if was.binds == then.binds:
        yield f"{then.label}: stays {then.words}, which is {then.whose}."
        return
    yield f"{then.label}: {then.words}, now {was.words}."
    concerns, words = _CONCERNS.get(then.name, (None, ""))
    if concerns is None or not items:
        return
    number = sum(concerns(item, then.binds) for item in items)
    yield f"{number} of {len(items)} items of her menu {'is' if number == 1 else 'are'} {words}."
