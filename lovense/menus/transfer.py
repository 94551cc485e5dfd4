"""A menu as a file: what it says, in one form that comes out the same, byte for byte, after it was
taken in again. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from lovense.menus import content, wishes
from lovense.menus.matching import Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS, FieldError
from lovense.menus.wishes import InvalidItem
from lovense.rows import Json

FORMAT = "tip-menu/1"
ID = "itemId"
ID_RULE = "must be 1 to 64 letters, digits, '_', '-' or '.', and of one item alone"


class InvalidFile(Refusal):
    """Every item of a file is complete and within its limits."""

    code, status = "invalid_file", 400

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(map(str, errors[:5])) + ".")
        self.details = [asdict(each) for each in errors]


def written(items: Iterable[Item]) -> Json:
    """Every field of every item, always in one order."""
    said = [{name: item[name] for name in (ID, *content.FIELDS)} for item in items]
    return {"format": FORMAT, "items": said}


def read(file: Fields, toys: HerToys | None = None) -> list[Item]:
    """An item keeps its id; one without gets a new one. `toys`: what it may name of her devices.
    Raises Malformed, InvalidFile with all that is wrong."""
    file.only("format", "items")
    if not file.says("format", FORMAT):
        raise Malformed("menu.format", f"must be {FORMAT}")
    items, errors = list[Item](), list[FieldError]()
    for place, said in enumerate(file.objects("items", maximum=MAXIMUM_ITEMS), start=1):
        try:
            items.append(item_of(said.whole, {item[ID] for item in items}, toys))
        except InvalidItem as wrong:
            errors += [FieldError(place, each.field, each.rule) for each in wrong.errors]
    if errors:
        raise InvalidFile(errors)
    return items


def item_of(said: Json, taken: set[str], toys: HerToys | None = None) -> Item:
    """Keeps its id, unless it has none. Raises InvalidItem."""
    item = wishes.new({name: value for name, value in said.items() if name != ID}, toys)
    if ID not in said:
        return item
    item_id = said[ID]
    is_id = isinstance(item_id, str) and Fields.is_reference(item_id) and len(item_id) <= 64
    if not is_id or item_id in taken:
        raise InvalidItem([FieldError(1, ID, ID_RULE)])
    return item | {ID: item_id}
