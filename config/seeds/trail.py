"""What staff and performers did in a seeded past, as the audit log tells it: entries as the
product writes them, of deeds that leave nothing else behind. Pure but for the key that addresses
are hashed by; the same for the same chance."""

import hashlib
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bson import ObjectId

from adminpanel.people.attempts import LOG_IN
from adminpanel.people.deeds import ACCOUNT
from config.seeds.crowd import CrowdStep
from config.seeds.script import MINUTE
from ground import clock
from ground.audit import log as audit_log

STAFF = ("dina", "ines", "omar", "wen")  # names of nobody's accounts
ROUTES = ("staff_settings", "staff_lane_skip", "staff_override")
REASONS = ("", "", "A break", "Dinner", "The phone rang")
ADDRESSES = 40
DEEDS = {"look": 40, "log_in": 20, "pause": 30, "export": 6, "refused": 4}
_FREE = {"paused_at": None, "paused_until": None, "paused_by": "", "paused_why": ""}

Entry = dict[str, Any]


def entries(steps: list[CrowdStep], chance: random.Random) -> Iterator[Entry]:
    """Of the time of these, without an end."""
    names, weights = list(DEEDS), list(DEEDS.values())
    while True:
        deed = chance.choices(names, weights)[0]
        step = chance.choice(steps)
        with audit_log.coming_from(f"192.0.2.{1 + chance.randrange(ADDRESSES)}"):
            yield from _told(deed, step, chance)


def _told(deed: str, step: CrowdStep, chance: random.Random) -> Iterator[Entry]:
    who, now = chance.choice(STAFF), step.at
    if deed == "pause":
        yield from _pause(step, chance)
    elif deed == "look":
        target = step.her.performer_id
        yield audit_log.written(kind="performer", action="look", by=who, target=target, now=now)
    elif deed == "log_in":
        yield audit_log.written(kind=ACCOUNT, action=LOG_IN, by=who, target=who, now=now)
    elif deed == "export":
        after = {"query": "", "format": "csv", "rows": chance.randrange(1000)}
        about: Entry = {"by": who, "target": "audit", "now": now, "after": after}
        yield audit_log.written(kind="export", action="export", **about)
    else:
        about = {"by": who, "target": chance.choice(ROUTES), "now": now, "success": False}
        yield audit_log.written(kind="access", action="refused", **about)


def _pause(step: CrowdStep, chance: random.Random) -> Iterator[Entry]:
    """Hers, after the show: nothing is held by it. She resumes two minutes later."""
    at, name, why = step.show.ends + MINUTE, step.her.name, chance.choice(REASONS)
    held = {"paused_at": clock.iso(at), "paused_until": None, "paused_by": name, "paused_why": why}
    place: Entry = {
        "kind": "performer",
        "target": step.her.performer_id,
        "lane": step.her.performer_id,
    }
    paused: Entry = {"action": "pause", "before": _FREE, "after": held, "why": why, "now": at}
    resumed: Entry = {"action": "resume", "before": held, "after": _FREE, "now": at + 2 * MINUTE}
    for told in (paused, resumed):
        yield audit_log.written(by=name, **place, **told)


def key(seed: int, number: int, at: datetime) -> ObjectId:
    """Of the `number`-th entry of a history: the same again."""
    marked = hashlib.sha256(f"trail/{seed}".encode()).digest()[:4]
    return ObjectId(int(at.timestamp()).to_bytes(4) + marked + number.to_bytes(4))
