"""A menu as a file: what it says, in one form that comes out the same, byte for byte, after it was
taken in again. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from lovense.menus import content, reactions, wishes
from lovense.menus.matching import DEFAULT_ITEM, Item
from lovense.menus.parts import HerToys
from lovense.menus.publishing import MAXIMUM_ITEMS, FieldError
from lovense.menus.wishes import InvalidItem
from lovense.rows import Json

FORMAT = "tip-menu/1"
ID, REACTION = "itemId", "defaultReaction"
ID_RULE = "must be 1 to 64 letters, digits, '_', '-' or '.', and of one item alone"


class InvalidFile(Refusal):
    """Every item of a file is complete and within its limits."""

    code, status = "invalid_file", 400

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(map(str, errors[:5])) + ".")
        self.details = [asdict(each) for each in errors]


def written(items: Iterable[Item], reaction: Json | None = None) -> Json:
    """Every field of every item, always in one order; the default reaction, where there is one."""
    said = [{name: item[name] for name in (ID, *content.FIELDS)} for item in items]
    file: Json = {"format": FORMAT, "items": said}
    if reaction is not None:
        file[REACTION] = {name: reaction[name] for name in reactions.FIELDS}
    return file


def reaction_of(file: Fields) -> Json | None:
    """What it says of the default reaction; None: nothing. Raises InvalidFile."""
    if not file.has(REACTION):
        return None
    try:
        return reactions.read(file.object(REACTION), reactions.usual())
    except InvalidItem as wrong:
        errors = [FieldError(0, f"{REACTION}.{each.field}", each.rule) for each in wrong.errors]
        raise InvalidFile(errors) from None


def read(file: Fields, toys: HerToys | None = None) -> list[Item]:
    """An item keeps its id; one without gets a new one. `toys`: what it may name of her devices.
    Raises Malformed, InvalidFile with all that is wrong."""
    file.only("format", "items", REACTION)
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
    is_id = (
        isinstance(item_id, str)
        and item_id != DEFAULT_ITEM
        and Fields.is_reference(item_id)
        and len(item_id) <= 64
    )
    if not is_id or item_id in taken:
        raise InvalidItem([FieldError(1, ID, ID_RULE)])
    return item | {ID: item_id}
