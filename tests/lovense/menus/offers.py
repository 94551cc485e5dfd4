"""Items of a draft as a performer says them, and who writes."""

from lovense.menus import drafts, versions, wishes
from lovense.menus.drafts import Writing
from lovense.menus.versions import Publication
from tests.factories import NOW


def said(title="Wave", **more):
    usual = {"minimum": 25, "maximum": 49, "pattern": "wave", "intensity": 8, "durationSec": 8}
    return usual | {"title": title} | more


def writing(performer, seen=None, *, now=NOW):
    return Writing(performer.pk, seen, "ana", now)


def added(performer, *titles, **more):
    """These items at the end of the draft; the draft."""
    for title in titles:
        drafts.add(writing(performer), wishes.WishedItem(wishes.new(said(title, **more)), None))
    return drafts.of(performer.pk)


def titles(draft):
    return [item["title"] for item in draft.items]


def publication(performer, seen=None, *, key, note="", now=NOW):
    return Publication(writing(performer, seen, now=now), key, note)


def published(performer, *, key, now=NOW):
    return versions.publish(publication(performer, key=key, now=now))
