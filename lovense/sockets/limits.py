"""What a page is told of what binds now: her devices as decisions know them, the strictest caps of
hers and the platform's, and the path that she has chosen. The last hop keeps them (docs/fence.md).

Where her pages tell her toys over her own network, they are also told where her apps are; nobody
else is, and no page is told what proves an app."""

from collections.abc import Collection, Sequence
from typing import cast

from ground import clock
from ground.mongodb.collections import collection
from lovense import bridges
from lovense.deciding import platform
from lovense.devices import hosts
from lovense.menus.vibration import LONGEST_ITEM_SECONDS
from lovense.models import Performer
from lovense.performers import overrides
from lovense.rows import DeviceSummary, Json, PerformerRow

FIELDS = (
    *("bridge", "devices", "maximum_intensity", "maximum_seconds"),
    *("minimum_tip", "overrides"),
)


def among(performer_ids: Collection[str]) -> dict[str, Json]:
    """By performer, in two reads for all of them, and a third where pages must know addresses."""
    most = platform.current().maximum_seconds
    found = collection(Performer).find(
        {"_id": {"$in": list(performer_ids)}}, dict.fromkeys(FIELDS, 1)
    )
    # Of an override's end a page is told one look before it, and refuses nothing that follows it.
    at = clock.now() + overrides.TOLD_EARLY
    rows = [overrides.bound(cast(PerformerRow, row), at) for row in found]
    told = {row["_id"]: _of(row, most) for row in rows}
    by_pages = bridges.told_in_slices_by_pages()
    addresses = hosts.addresses_of([row["_id"] for row in rows if row["bridge"] in by_pages])
    for performer_id, hers in addresses.items():
        told[performer_id]["hosts"] = hers
    return told


def _told(devices: Sequence[DeviceSummary] | None) -> list[Json] | None:
    """Their types are for statistics."""
    if devices is None:
        return None
    return [{name: said for name, said in each.items() if name != "type"} for each in devices]


def _of(row: PerformerRow, most: int) -> Json:
    return {
        "bridge": row["bridge"],
        "devices": _told(row.get("devices")),
        "maximumIntensity": row["maximum_intensity"],
        "maximumSeconds": min(most, row["maximum_seconds"] or LONGEST_ITEM_SECONDS),
    }
