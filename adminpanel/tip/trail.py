"""What stands around a tip: whether the log's chain holds around its event, which consumers have
taken it, what staff did about it, and where else it occurs. Reads only, each by a key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from adminpanel.tip.story import Story
from ground.audit import log as audit_log
from ground.people import Role
from tips.log import emission, eventlog, events
from tips.log.emission import Emitted
from tips.models import LoggedEvent, RequestStatus
from tips.queue import requests as queue

ENTRIES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """`rows`: how many were looked at; `broken`: what is wrong with one of them."""

    rows: int
    broken: str = ""


class Occurrence(NamedTuple):
    words: str
    href: str


def chain_around(event: LoggedEvent | None) -> ChainCheck | None:
    """The event, the one before it and the one after it, computed anew."""
    if event is None:
        return None
    try:
        return ChainCheck(eventlog.verify_around(event.sequence))
    except events.BrokenChain as broken:
        return ChainCheck(0, str(broken))


def consumers(event: LoggedEvent | None) -> list[Emitted]:
    return emission.of_event(event.tip_id, event.sequence) if event else []


def entries(found: Story) -> list[dict[str, Any]]:
    """Of the audit log, the newest first: about the tip and all that came of it."""
    return audit_log.of(*_targets(found), limit=ENTRIES_SHOWN)


def _targets(found: Story) -> Iterator[str]:
    yield found.tip_id
    yield queue.request_id(found.tip_id)
    yield from (row.activation_id for row in found.activations)
    yield from (row.key for row in found.deliveries)
    yield from (f"{name}/{found.tip_id}" for name in sorted(emission.CONSUMERS))


# --- every place it occurs -----------------------------------------------------------------------


def occurrences(found: Story, role: Role | None) -> list[Occurrence]:
    """Pages and records, those that this person may open."""
    said = {"q": f"tip:{found.tip_id} archive:yes"}
    links = [Occurrence("Audit log", f"{reverse('staff-audit')}?{urlencode(said)}")]
    if found.request is not None and found.request["status"] == RequestStatus.DEAD:
        key = queue.request_id(found.tip_id)
        links.append(Occurrence("Dead letter", reverse("staff-dead-letter", args=[key])))
    return [*links, *_records(found)]


def _records(found: Story) -> Iterator[Occurrence]:
    tip = found.tip
    if tip is None:
        return
    yield _record("Tip as stored", "tips_tip", tip.tip_id)
    if found.event is not None:
        yield _record("Event as stored", f"tips_{found.event._meta.model_name}", tip.tip_id)
    if found.request is not None:
        yield _record("Request as stored", "tips_queuerequest", queue.request_id(tip.tip_id))
    for row in found.activations:
        yield _record("Run as stored", "lovense_activation", row.activation_id)
    yield _record("Performer as stored", "lovense_performer", tip.performer_id)


def _record(words: str, model: str, key: str) -> Occurrence:
    return Occurrence(words, reverse(f"admin:{model}_change", args=[key]))
