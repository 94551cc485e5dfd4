"""What a page is told of the caps that bind now: her devices as decisions know them, and the
strictest of hers and the platform's. The last hop keeps them (docs/fence.md)."""

from collections.abc import Collection
from typing import cast

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.menus.vibration import LONGEST_ITEM_SECONDS
from lovense.models import Performer
from lovense.rows import Json, PerformerRow

FIELDS = ("devices", "maximum_intensity", "maximum_seconds")


def among(performer_ids: Collection[str]) -> dict[str, Json]:
    """By performer, in two reads for all of them."""
    most = platform.current().maximum_seconds
    rows = collection(Performer).find(
        {"_id": {"$in": list(performer_ids)}}, dict.fromkeys(FIELDS, 1)
    )
    return {row["_id"]: _of(cast(PerformerRow, row), most) for row in rows}


def _of(row: PerformerRow, most: int) -> Json:
    return {
        "devices": row.get("devices"),
        "maximumIntensity": row["maximum_intensity"],
        "maximumSeconds": min(most, row["maximum_seconds"] or LONGEST_ITEM_SECONDS),
    }
