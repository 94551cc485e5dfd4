"""Fixes: changes of a draft that make a finding of the lint go. Pure.

What is suggested has been tried: applied to the menu, the finding is gone and no other has come. A
fix is a list of changes as `POST …/patch` takes them: `change` of fields of an item, or `add` of a
new one."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ground.json.errors import Refusal
from ground.json.fields import Fields
from lovense.menus import chance, content, lint, parts, wishes
from lovense.menus.compiler import LOWERED, ROUNDED_UP, SHORTENED
from lovense.menus.draws import INTENSITY, RANDOM, SECONDS
from lovense.menus.lint import Linted, MenuFinding
from lovense.menus.matching import Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS, FieldError
from lovense.menus.vibration import LONGEST_ITEM_SECONDS
from lovense.menus.wishes import InvalidItem
from lovense.rows import Json

MOST = 20  # findings of one menu for which a fix is tried, the worst first
VIBRATION = ("pattern", "intensity", "durationSec", *parts.FIELDS, RANDOM)
ON, OFF = {"active": True}, {"active": False}

Patch = list[Json]


class InvalidChange(Refusal):
    """Each change of a patch leaves its item complete and within its limits."""

    code, status = "malformed", 400

    def __init__(self, number: int, errors: Sequence[FieldError]) -> None:
        told: list[Json] = [
            {"item": number, "field": each.field, "rule": each.rule} for each in errors
        ]
        super().__init__(f"Change {number}: {'; '.join(f'{e.field}: {e.rule}' for e in errors)}.")
        self.details = {**told[0], "errors": told}


class FixedFinding(NamedTuple):
    """`fix` None: nothing is known that helps and harms nothing."""

    finding: MenuFinding
    fix: Patch | None


def suggested(menu: Linted, most: int = MOST) -> list[FixedFinding]:
    found = menu.findings
    first = [FixedFinding(each, of(menu, each)) for each in found[:most]]
    return first + [FixedFinding(each, None) for each in found[most:]]


def applied(items: Sequence[Item], patch: Patch, toys: HerToys | None = None) -> list[Item]:
    """The items after these changes; what is not changed is the same object. Raises InvalidChange,
    ValueError for an item that is not there."""
    after = list(items)
    for number, change in enumerate(patch, start=1):
        try:
            _apply(after, change, toys)
        except InvalidItem as wrong:
            raise InvalidChange(number, wrong.errors) from None
    return after


def _apply(after: list[Item], change: Json, toys: HerToys | None) -> None:
    """A new item at its place, or at the end; one that is changed at its new place, or where it
    is."""
    if "itemId" not in change:
        wish = wishes.read(Fields(change["add"], ""), toys=toys)
        after.insert((wish.place or len(after) + 1) - 1, wish.item)
        return
    place = [each["itemId"] for each in after].index(change["itemId"])
    wish = wishes.read(Fields(change["change"], ""), after[place], toys=toys)
    del after[place]
    after.insert(place if wish.place is None else wish.place - 1, wish.item)


def of(menu: Linted, finding: MenuFinding) -> Patch | None:
    """The first that helps and harms nothing; None: none is known."""
    known = {each.key for each in menu.findings}
    for patch in _candidates(menu, finding):
        try:
            after = _tried(menu, patch)
        except InvalidChange:
            continue
        keys = {each.key for each in after.findings}
        if finding.key not in keys and keys <= known:
            return patch
    return None


def _tried(menu: Linted, patch: Patch) -> Linted:
    """Only what the patch touches is looked at anew."""
    plain = {id(item): item for item in menu.items}
    after = applied(menu.items, patch)
    items = [
        each if id(each) in plain and each["order"] == place else {**each, "order": place}
        for place, each in enumerate(after, start=1)
    ]
    return Linted(items, menu.look, menu.least, menu.default, menu.looks)


# --- what may help -------------------------------------------------------------------------------


def _candidates(menu: Linted, finding: MenuFinding) -> Iterator[Patch]:
    """The one that changes least first."""
    items = {item["itemId"]: item for item in menu.items}
    about = [items[item_id] for item_id in finding.items if item_id in items]
    if finding.code == lint.GAP:
        yield from _for_gap(menu, finding)
    elif about:
        yield from _OF_ITEMS[finding.code](menu, about)


def _change(item: Item, **fields: object) -> Patch:
    return [{"itemId": item["itemId"], "change": fields}]


def _for_gap(menu: Linted, gap: MenuFinding) -> Iterator[Patch]:
    """The item below reaches up, the one above reaches down, or a copy of either fills it."""
    found = menu.intervals(gap.show or menu.shows[0])
    under = [each.item for each in found if each.item and each.low < gap.amount]
    below = under[-1] if under else None
    above = next((each.item for each in found if each.item and each.low > gap.amount), None)
    if below is not None and below["maximum"] == gap.amount - 1:
        yield _change(below, maximum=gap.until)
    if above is not None and gap.until is not None and above["minimum"] == gap.until + 1:
        yield _change(above, minimum=gap.amount)
    for item in filter(None, (below, above)):
        if len(menu.items) < MAXIMUM_ITEMS:
            yield [{"add": _copy(item, gap.amount, gap.until, item["order"] + 1)}]


def _copy(item: Item, low: int, high: int | None, order: int) -> Json:
    said = {name: value for name, value in item.items() if name in content.FIELDS}
    return said | {"minimum": low, "maximum": high, "order": min(order, MAXIMUM_ITEMS)}


def _off(menu: Linted, about: list[Item]) -> Iterator[Patch]:
    if len(menu.active) > 1:
        yield _change(about[0], **OFF)


def _for_overlap(menu: Linted, about: list[Item]) -> Iterator[Patch]:
    """The lower range ends where the other begins; of two equal ones the second rests."""
    late, first = about
    lower, upper = sorted((late, first), key=lambda item: int(item["minimum"]))
    if lower["minimum"] < upper["minimum"]:
        yield _change(lower, maximum=upper["minimum"] - 1)
        if lower["maximum"] is not None:
            yield _change(upper, minimum=lower["maximum"] + 1)
    yield from _off(menu, [late])


def _for_inversion(menu: Linted, about: list[Item]) -> Iterator[Patch]:
    """Longer, stronger, or the same as what costs less."""
    if len(about) < 2:
        return
    item, best = about
    look, wanted = menu.seen(item), menu.seen(best)
    if look.effect:
        seconds = -(-item["durationSec"] * wanted.effect // look.effect)
        yield _change(item, durationSec=int(seconds))
        level = -(-item["intensity"] * wanted.effect // look.effect)
        yield _change(item, intensity=int(level))
    yield _change(item, **{name: best.get(name, parts.USUAL.get(name)) for name in VIBRATION})


def _for_device(menu: Linted, about: list[Item]) -> Iterator[Patch]:
    """Only on those that can; else without what they cannot."""
    item = about[0]
    able = menu.seen(item).able
    if able:
        offsets = parts.offsets(item)
        yield _change(
            item,
            devices=[{"device": toy_id, "offsetMs": offsets.get(toy_id, 0)} for toy_id in able],
        )
    else:
        yield _change(item, functions={})
        yield _change(item, devices=[])
        yield _change(item, functions={}, devices=[])
        yield _change(item, loops=1, pauseSec=0, rampInSec=0, rampOutSec=0)
        yield from _off(menu, about)


def _for_cap(menu: Linted, about: list[Item]) -> Iterator[Patch]:
    """It asks for what it gets."""
    item = about[0]
    look, fields = menu.seen(item), dict[str, object]()
    if SHORTENED in look.notes:
        played = look.seconds if look.longest is None else look.longest
        fields |= _shorter(item, played)
    if LOWERED in look.notes:
        for level in range(item["intensity"] - 1, 0, -1):
            weaker = chance.within({**item, **fields}, INTENSITY, most=level)
            if LOWERED not in menu.look(chance.settled({**item, **weaker}, weaker)).notes:
                fields |= weaker
                break
    yield _change(item, **fields)


def _shorter(item: Item, seconds: int) -> dict[str, object]:
    """No longer than that, whole loops."""
    loops, pause = item.get("loops", 1), item.get("pauseSec", 0)
    fitting = min(loops, (seconds + pause) // (item["durationSec"] + pause))
    if fitting > 1:
        return {"loops": fitting}
    single: dict[str, object] = chance.within(item, SECONDS, most=seconds)
    return single | ({"loops": 1, "pauseSec": 0} if loops > 1 else {})


def _for_altered(menu: Linted, about: list[Item]) -> Iterator[Patch]:
    item = about[0]
    if ROUNDED_UP in menu.seen(item).notes:
        yield _change(item, **chance.within(item, SECONDS, least=2, most=LONGEST_ITEM_SECONDS))
    if item.get("functions"):
        yield _change(item, functions={})


def _for_stuck(_menu: Linted, about: list[Item]) -> Iterator[Patch]:
    item = about[0]
    fields: dict[str, object] = {"cooldownSec": 0} if item.get("cooldownSec") else {}
    if item.get("stock") is not None:
        fields["stock"] = None
    yield _change(item, **fields)


_OF_ITEMS = {
    lint.SAME_PRICE: _off,
    lint.UNREACHABLE: _off,
    lint.OVERLAP: _for_overlap,
    lint.INVERSION: _for_inversion,
    lint.CANNOT: _for_device,
    lint.OVER_CAP: _for_cap,
    lint.ALTERED: _for_altered,
    lint.STUCK: _for_stuck,
}
