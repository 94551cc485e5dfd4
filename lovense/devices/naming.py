"""What a performer's devices are called and have: what an item of her menu may name of them."""

from lovense.devices import choices, toytable
from lovense.menus.parts import HerToys, folded
from lovense.menus.vibration import STROKE, THRUST
from lovense.rows import DeviceRow


def of(performer_id: str) -> HerToys:
    """Those that are paired, whether they are connected or not."""
    return of_rows(choices.of(performer_id).kept)


def of_rows(rows: list[DeviceRow]) -> HerToys:
    """Pure. While she has none, whatever a toy may have can be named."""
    names: dict[str, str] = {}
    for row in rows:
        names |= dict.fromkeys((folded(row["nickname"]), row["toy_id"], row["_id"]), row["toy_id"])
    names.pop("", None)
    found = {each["name"] for row in rows for each in row["functions"]} if rows else toytable.TOPS
    known = set(found) - set(toytable.NOT_USED)
    if THRUST in known:
        known.add(STROKE)
    nicknames = {row["toy_id"]: row["nickname"] for row in rows}
    return HerToys(names, frozenset(known), nicknames)
