"""A menu with an item that leaves everything to chance, and what is to be drawn of it."""

from ground.mongodb.collections import collection
from lovense.menus import draws, publishing
from lovense.menus.draws import Draw
from lovense.models import MenuSeal, TipMenu
from tests.lovense.menus.offers import said

LUCKY = {
    "intensity": {"from": 5, "to": 15},
    "durationSec": {"from": 3, "to": 9},
    "patterns": [{"pattern": "wave", "weight": 3}, {"pattern": "pulse", "weight": 1}],
}
NAMES = ("pattern", "intensity", "durationSec")


def lucky(random=LUCKY, **more):
    """Of all amounts but 77, which a plain one answers."""
    own = {name: None for name in NAMES if random}
    first = said("Lucky", itemId="lucky", minimum=1, maximum=None, random=random) | own | more
    return [first, said("Plain", itemId="plain", minimum=77, maximum=77)]


def publish(chain, at=None, **more):
    """The key of the version."""
    return publishing.publish(chain.performer_id, lucky(**more), at or chain.now).pk


def seal_of(key):
    return collection(MenuSeal).find_one({"_id": key})


def menu_of(key):
    return collection(TipMenu).find_one({"_id": key})


def expected(key, tip_id, random=LUCKY):
    secret = bytes.fromhex(seal_of(key)["secret"])
    return draws.drawn({"random": random}, secret, Draw(key, tip_id, "lucky"))


def values(row):
    return {name: row["item"][name] for name in NAMES}
