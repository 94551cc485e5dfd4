"""What one call says of an item, read strictly: all that is wrong with it at once. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from ground import ids, words
from ground.json.errors import Refusal
from ground.json.fields import Fields
from lovense.menus import chance, content, parts, publishing
from lovense.menus.draws import RANDOM
from lovense.menus.matching import SHOWS, Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS, FieldError
from lovense.rows import Json

NAMES = (*content.FIELDS, "amount", "order")
TEXTS = ("title", "description", "section")
UNKNOWN = f"there is no such field, only {', '.join(NAMES)}"
TEXT_RULE = "must not hold control characters or signs that turn the line around"


class InvalidItem(Refusal):
    """Every field of an item is known and within its limits."""

    code, status = "malformed", 400

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.rule}" for each in errors) + ".")
        told: list[Json] = [{"field": each.field, "rule": each.rule} for each in errors]
        self.errors = errors
        self.details = {**told[0], "errors": told}


class WishedItem(NamedTuple):
    """The item as it is to be, and its place among all, from 1; None: where it is."""

    item: Item
    place: int | None


def read(body: Fields, now: Item | None = None, *, toys: HerToys | None = None) -> WishedItem:
    """What the body does not name stays as it is `now`; without that, a new item. `toys`: what it
    may name of her devices; None: that is not asked. Raises InvalidItem."""
    said = {name: value for name, value in body.whole.items() if name != "revision"}
    errors = [*_unknown(said), *_texts(said), *_place(said)]
    base = now or content.whole({"itemId": ids.fresh()})
    item = base | {name: said[name] for name in content.FIELDS if name in said} | _amounts(said)
    item = chance.settled(item, said)
    of_fields = publishing.item_errors(item | {"order": 0}, 1)
    errors += [each for each in of_fields if each.field not in {one.field for one in errors}]
    errors += _foreign(said, base, errors, toys) if toys else ()
    if errors:
        raise InvalidItem(errors)
    item = parts.named(item, toys)
    item |= {name: item[name].strip() for name in TEXTS}
    item[RANDOM] = chance.ordered(item[RANDOM])
    item["shows"] = [show for show in SHOWS if show in item["shows"]]
    return WishedItem(item, said.get("order"))


def new(said: Json, toys: HerToys | None = None) -> Item:
    """Of a template or a file. Raises InvalidItem."""
    return read(Fields(said, ""), toys=toys).item


def _amounts(said: Json) -> Json:
    return {"minimum": said["amount"], "maximum": said["amount"]} if "amount" in said else {}


def _unknown(said: Json) -> Iterator[FieldError]:
    for name in said:
        if name not in NAMES:
            yield FieldError(1, name if Fields.is_reference(name) else "body", UNKNOWN)
    if "amount" in said and ("minimum" in said or "maximum" in said):
        yield FieldError(1, "amount", "must not stand beside minimum or maximum")


def _texts(said: Json) -> Iterator[FieldError]:
    for name in TEXTS:
        text = said.get(name)
        if isinstance(text, str) and words.cleaned(text, maximum=len(text)) != text.strip():
            yield FieldError(1, name, TEXT_RULE)


def _foreign(
    said: Json, base: Item, errors: list[FieldError], toys: HerToys
) -> Iterator[FieldError]:
    """Only of what is new: a device that is gone keeps nobody from changing a title."""
    broken = {each.field for each in errors}
    right = {
        name: value
        for name, value in said.items()
        if name not in broken and value != base.get(name)
    }
    for field, rule in parts.foreign(right, toys):
        yield FieldError(1, field, rule)


def _place(said: Json) -> Iterator[FieldError]:
    place = said.get("order", 1)
    if type(place) is not int or not 1 <= place <= MAXIMUM_ITEMS:
        yield FieldError(1, "order", f"must be a whole number from 1 to {MAXIMUM_ITEMS}")
