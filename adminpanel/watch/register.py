"""What all devices together are: how full, of which firmware, and what the toy table does not
know. Counted once a minute with everything else that is looked at (`adminpanel/watch/moment.py`),
so that no page has to read them all; of more than MOST_READ those that were heard last."""

from collections.abc import Mapping
from typing import Any, TypedDict

from ground.mongodb.collections import collection
from lovense.devices import summary, toytable
from lovense.models import Device

MOST_READ = 20_000
MOST_SHOWN = 12
STEP = 20  # percent


class FirmwareSeen(TypedDict):
    """As apps told it: what a page makes up is in no table."""

    type: str
    firmware: str
    devices: int


class StrangeSeen(TypedDict):
    """A type that the toy table lacks, or words for functions that nobody here knows; as apps told
    them."""

    type: str
    is_known: bool
    words: list[str]
    devices: int


class RegisterSeen(TypedDict):
    """`batteries`: by the percent that a step begins with; those that say none are in no step."""

    devices: int
    batteries: dict[str, int]
    firmwares: list[FirmwareSeen]
    strange: list[StrangeSeen]


_STEP: dict[str, Any] = {
    "$subtract": [
        {"$min": ["$battery", 99]},
        {"$mod": [{"$min": ["$battery", 99]}, STEP]},
    ]
}
_READ = dict.fromkeys(("battery", "firmware", "toy_type", "unsupported", "host_id"), 1)
_TOLD_BY_APPS = {"host_id": {"$gt": summary.PAGE}}
_ONE: dict[str, Any] = {"$sum": 1}
_MOST_FIRST: list[dict[str, Any]] = [{"$sort": {"n": -1, "_id": 1}}, {"$limit": MOST_SHOWN}]


def look() -> RegisterSeen:
    """Reads all of them once."""
    stages: list[dict[str, Any]] = [
        {"$match": {"nickname_key": {"$gt": ""}}},
        {"$limit": MOST_READ},
        {"$project": _READ},
        {"$facet": {"all": [{"$count": "n"}], **_facets()}},
    ]
    found = next(iter(collection(Device).aggregate(stages, hint="device_by_time")))
    return {
        "devices": sum(row["n"] for row in found["all"]),
        "batteries": {str(int(row["_id"])): row["n"] for row in found["batteries"]},
        "firmwares": [_firmware(row) for row in found["firmwares"]],
        "strange": [_strange(row) for row in found["strange"]],
    }


def _facets() -> dict[str, list[dict[str, Any]]]:
    firmware = {"type": "$toy_type", "firmware": "$firmware"}
    strange = {
        **_TOLD_BY_APPS,
        "$or": [{"toy_type": {"$nin": _known()}}, {"unsupported.0": {"$exists": True}}],
    }
    words = {"type": "$toy_type", "words": "$unsupported"}
    return {
        "batteries": [
            {"$match": {"battery": {"$ne": None}}},
            {"$group": {"_id": _STEP, "n": _ONE}},
            {"$sort": {"_id": 1}},
        ],
        "firmwares": [
            {"$match": {"firmware": {"$gt": ""}, **_TOLD_BY_APPS}},
            {"$group": {"_id": firmware, "n": _ONE}},
            *_MOST_FIRST,
        ],
        "strange": [
            {"$match": strange},
            {"$group": {"_id": words, "n": _ONE}},
            *_MOST_FIRST,
        ],
    }


def _known() -> list[str]:
    return sorted(toytable.names())


def _firmware(row: Mapping[str, Any]) -> FirmwareSeen:
    named = row["_id"]
    return {"type": named["type"], "firmware": named["firmware"], "devices": row["n"]}


def _strange(row: Mapping[str, Any]) -> StrangeSeen:
    named = row["_id"]
    return {
        "type": named["type"],
        "is_known": named["type"] in toytable.names(),
        "words": named["words"],
        "devices": row["n"],
    }
