"""Performers in lists: who is meant by a name or an id, and what those of a slice are called."""

from collections.abc import Iterable, Mapping, Sequence

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse

from adminpanel.asking.kinds import NoSuchValue
from adminpanel.lists.columns import EMPTY
from ground.mongodb.collections import collection
from ground.ui.cells import ShownCell
from lovense.models import Performer


def performers_named(names: Sequence[str]) -> list[str]:
    """Their ids. Raises NoSuchValue. By two looks at keys: a join would read every performer."""
    users = list(User.objects.filter(username__in=names).values_list("pk", flat=True))
    meant = Q(pk__in=names) | Q(user__in=users)
    found = set(Performer.objects.filter(meant).values_list("pk", flat=True))
    if not found:
        raise NoSuchValue("no performer of that name or id")
    return sorted(found)


def names_of(ids: Iterable[str | None]) -> dict[str, str]:
    """What she is called, by her id."""
    wanted = {each for each in ids if each}
    if not wanted:
        return {}
    found = collection(Performer).find({"_id": {"$in": sorted(wanted)}}, {"display_name": 1})
    return {row["_id"]: row["display_name"] for row in found}


def whose(performer_id: str, names: Mapping[str, str]) -> ShownCell:
    """A cell that leads to her page, where she is known here."""
    known = performer_id in names
    href = reverse("staff-performer", args=[performer_id]) if known else ""
    name = names.get(performer_id, performer_id) or EMPTY
    return ShownCell(name, href=href, copies=performer_id)
