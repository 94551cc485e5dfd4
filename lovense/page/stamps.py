"""Version stamps of regions: a few bytes that change whenever what the region shows may have
changed, read without what it shows. Nothing is rendered here.

A region without one, or with none as things stand, is rendered to see whether it has changed; its
topics say when to look."""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.template.loader import get_template

from ground import clock
from ground.mongodb.collections import collection
from lovense.models import Activation, Performer
from lovense.page.frame import is_over
from lovense.page.livepage import FEED_SHOWN
from lovense.patterns import library

Stamp = Callable[[Performer], Any]


def _stop(performer: Performer) -> Any:
    """None while she is stopped: what each device has answered comes bit by bit."""
    if performer.stopped_at is not None:
        return None
    paused = performer.paused_at, performer.paused_by, performer.paused_until
    is_on = performer.paused_at is not None and not is_over(performer.paused_until, clock.now())
    return performer.bridge, paused, is_on


def _versions(performer: Performer) -> Any:
    """A version is never changed; one is withdrawn only by publishing the next."""
    return performer.menu_version


def _patterns(performer: Performer) -> Any:
    """Drawing them is what costs."""
    return library.revisions(performer.performer_id)


def _feed(performer: Performer) -> Any:
    """The rows themselves, and what of them she has chosen to see: what is said of one is made of
    nothing else."""
    rows = collection(Activation).find(
        {"performer_id": performer.performer_id}, {"attempts": 0, "commands": 0}
    )
    latest = rows.sort([("created_at", -1), ("position", -1)]).limit(FEED_SHOWN)
    return [performer.page_choices, *latest]


# By page and name (lovense/regions.py).
STAMPS: Mapping[tuple[str, str], Stamp] = {
    ("", "stop"): _stop,
    ("menu-versions", "versions"): _versions,
    ("patterns", "patterns"): _patterns,
    ("live", "feed"): _feed,
}


def of(page: str, name: str, partial: str, performer: Performer) -> str:
    """The region's tag as its stamp says it; empty: it has to be rendered."""
    stamp = STAMPS.get((page, name))
    facts = stamp(performer) if stamp else None
    return "" if facts is None else tagged(repr((_source(partial), facts)))


def tagged(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


@lru_cache
def _source(partial: str) -> str:
    """Another release may write the same facts in other words."""
    template: Any = get_template(partial.partition("#")[0])
    return tagged(template.template.source)
