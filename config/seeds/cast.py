"""Who and what is in a seeded evening: viewers, devices, and a menu in two versions. Only data."""

import hashlib
from typing import Any

MARK = "5eed"  # so begins every id that is given out here

Json = dict[str, Any]

VIEWERS = (
    *("bob", "eve", "max", "lea", "tomasz", "kim", "ivo", "sam"),
    *("marguerite_de_la_tour", "Zoë", "nightowl_77", "ليلى", "quiet_moon", "J"),
)
TOKENS_EACH = 2_000_000
MESSAGES = (
    *("Great show tonight, thank you!", "For the song you played earlier", "Hello from Lisbon"),
    *("Happy birthday", "One more for the road", "You made my week"),
)
# What is tipped, and how often: small ones often, large ones seldom.
AMOUNTS = (
    *(10, 12, 15, 20, 25, 25, 25, 30, 33, 40, 50, 50, 50, 60, 69, 75, 88, 100, 100),
    *(120, 150, 200, 222, 250, 300, 400, 555, 750, 999),
)

HELLO, WARM, UP, TOP = "Say hello", "Warm up", "Turn it up", "All the way"
PATTERNS = {
    "Knock": "(18 0.2s, 0 0.2s) x 4, 8 2s",
    "Slow evening": "3>12 5s, 12>5 5s",
}


def _item(  # noqa: PLR0917
    section: str, title: str, low: int, high: int | None, pattern: str, strength: int, seconds: int
) -> Json:
    shape = {"pattern": pattern, "intensity": strength, "durationSec": seconds}
    return {"section": section, "title": title, "minimum": low, "maximum": high, **shape}


# Of her first shows: twelve items, and nothing for more than 999.
FIRST_MENU: tuple[Json, ...] = (
    _item(HELLO, "A little hello", 10, 24, "level", 5, 4),
    _item(HELLO, "Heartbeat", 25, 25, "heartbeat", 8, 6),
    _item(HELLO, "Soft wave", 26, 49, "wave", 8, 8),
    _item(WARM, "Tease", 50, 74, "my/Slow evening", 20, 10),
    _item(WARM, "Make me blush", 69, 69, "pulse", 12, 9),
    _item(WARM, "Slow climb", 75, 99, "climb", 12, 12),
    _item(UP, "Fireworks", 100, 149, "fireworks", 15, 12),
    _item(UP, "Long waves", 150, 199, "tide", 14, 20),
    _item(UP, "Storm", 200, 299, "rain", 15, 18),
    _item(TOP, "Earthquake", 300, 499, "earthquake", 18, 24),
    _item(TOP, "Full power", 500, 749, "rollercoaster", 20, 24),
    _item(TOP, "Grand finale", 750, 999, "fireworks", 20, 30),
)
# Of tonight: eighteen, with all that an item can have.
MENU: tuple[Json, ...] = (
    *FIRST_MENU[:3],
    _item(HELLO, "Lucky dip", 33, 33, "pulse", 18, 15)
    | {"random": {"intensity": {"from": 6, "to": 18}, "durationSec": {"from": 5, "to": 15}}},
    *FIRST_MENU[3:6],
    _item(WARM, "Double knock", 88, 88, "my/Knock", 20, 8) | {"loops": 2, "pauseSec": 1},
    *FIRST_MENU[6:9],
    _item(UP, "Once an hour", 222, 222, "fireworks", 18, 25) | {"cooldownSec": 3600},
    _item(UP, "Only in private", 250, 250, "breath", 16, 30) | {"shows": ["private"]},
    *FIRST_MENU[9:11],
    _item(TOP, "The last three", 555, 555, "earthquake", 20, 28) | {"stock": 3},
    FIRST_MENU[11] | {"maximum": None},
    _item(TOP, "Birthday special", 777, 777, "fireworks", 20, 30) | {"active": False},
)
LIMITED = {222, 555}  # amounts whose item does not always answer

# As a page reports the virtual devices lush, nora and edge.
TOYS: tuple[Json, ...] = (
    {"id": "virtual-1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 90},
    {"id": "virtual-2", "name": "Nora", "toyType": "nora", "status": 1, "battery": 90},
    {"id": "virtual-3", "name": "Edge", "toyType": "edge", "status": 1, "battery": 90},
)


def performer_id(name: str) -> str:
    return _id("performer", name)


def viewer_id(name: str) -> str:
    return _id("viewer", name)


def prefix_of_tips(performer: str, kind: str) -> str:
    """With which the ids of her tips begin, of an evening or of a long history."""
    return _id(kind, performer)[:16]


def tip_id(prefix: str, number: int) -> str:
    return f"{prefix}{number:08x}"


def _id(*names: str) -> str:
    return MARK + hashlib.sha256("/".join(names).encode()).hexdigest()[:20]


def secret_of(*names: str) -> str:
    """What proves an app of hers. It guards nothing: these apps are nobody's."""
    return hashlib.sha256("/".join(("app", *names)).encode()).hexdigest()[:40]
