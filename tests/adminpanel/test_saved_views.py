"""A view is kept once under its name: said again, at once, or by a process that dies in the middle; and a
person keeps only so many."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pymongo.errors import PyMongoError

from adminpanel.lists import saved
from adminpanel.lists.saved import MOST_VIEWS, NoSuchView, OnlyAdminsShare, TooManyViews, Unnamed, ViewWish
from adminpanel.models import SavedView
from ground.audit.models import AuditEntry
from tests.factories import NOW
from tests.ground.plans import fill, recorded, scans

pytestmark = pytest.mark.django_db(transaction=True)
HERS = ViewWish(owner="a" * 24, list_name="audit", by="dina", now=NOW)
ADMINS = ViewWish(owner="b" * 24, list_name="audit", by="root", now=NOW, may_share=True)


def kept(wish=HERS):
    return [(row["name"], row["query"]) for row in saved.views(wish.owner, "audit")]


def together(*calls):
    """All of them at the same moment; what each returned or raised."""
    barrier = Barrier(len(calls))

    def one(call):
        barrier.wait()
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_a_view_is_kept_once_however_often_it_is_said():
    first = saved.save(HERS, name=" Stops ", query="action:stop")
    assert saved.save(HERS, name="Stops", query="action:stop") == first
    assert kept() == [("Stops", "action:stop")]


def test_a_view_that_is_called_so_becomes_this_one():
    key = saved.save(HERS, name="Mine", query="actor:a")
    assert saved.save(HERS, name="Mine", query="actor:b", columns=["at"]) == key
    assert kept() == [("Mine", "actor:b")]


def test_at_the_same_moment_it_is_kept_once():
    keys = together(*[lambda: saved.save(HERS, name="Mine", query="actor:a")] * 6)
    assert len(set(keys)) == 1
    assert kept() == [("Mine", "actor:a")]


def test_several_at_the_same_moment_all_have_a_place():
    calls = [lambda n=n: saved.save(HERS, name=f"View {n}", query="") for n in range(6)]
    assert len(set(together(*calls))) == 6
    assert len(kept()) == 6


def test_a_person_keeps_no_more_than_so_many_also_at_the_same_moment():
    for number in range(MOST_VIEWS - 1):
        saved.save(HERS, name=f"View {number}", query="")
    calls = [lambda n=n: saved.save(HERS, name=f"More {n}", query="") for n in range(4)]
    refused = [each for each in together(*calls) if isinstance(each, TooManyViews)]
    assert (len(refused), len(kept())) == (3, MOST_VIEWS)
    saved.save(HERS, name="View 7", query="actor:a")  # one that she has
    saved.forget(
        HERS, next(row["_id"] for row in saved.views(HERS.owner, "audit") if row["name"] == "View 8")
    )
    saved.save(HERS, name="Again", query="")
    assert len(kept()) == MOST_VIEWS


def test_a_process_that_dies_before_the_end_leaves_nothing_and_after_it_all(monkeypatch):
    def died(*args, **more):
        raise PyMongoError

    with monkeypatch.context() as dying:
        dying.setattr(saved.audit_log, "record", died)
        with pytest.raises(PyMongoError):
            saved.save(ADMINS, name="Ours", query="actor:a", is_shared=True)
    assert (kept(ADMINS), AuditEntry.objects.count()) == ([], 0)
    for _ in range(2):
        saved.save(ADMINS, name="Ours", query="actor:a", is_shared=True)
    assert kept(ADMINS) == [("Ours", "actor:a")]
    assert AuditEntry.objects.count() == 1


def test_what_is_shared_is_seen_by_all_and_changed_by_its_owner_alone():
    key = saved.save(ADMINS, name="Ours", query="actor:a", is_shared=True)
    assert kept() == [("Ours", "actor:a")]
    with pytest.raises(NoSuchView):
        saved.forget(HERS, key)
    with pytest.raises(OnlyAdminsShare):
        saved.save(HERS, name="Mine", query="", is_shared=True)
    saved.forget(ADMINS, key)
    assert kept() == []
    told = list(AuditEntry.objects.order_by("at", "pk").values_list("action", "before", "after"))
    said = {"name": "Ours", "query": "actor:a", "columns": [], "is_shared": True}
    assert told == [("save_view", None, said), ("remove_view", said, None)]


def test_a_view_that_is_gone_is_said_to_be_and_one_without_a_name_is_none():
    key = saved.save(HERS, name="Mine", query="")
    saved.forget(HERS, key)
    with pytest.raises(NoSuchView):
        saved.forget(HERS, key)
    for name in ("", "   ", "\u200b"):
        with pytest.raises(Unnamed):
            saved.save(HERS, name=name, query="")


def test_what_one_chooses_leaves_the_rest_as_it_is():
    saved.choose(HERS.owner, "audit", columns=["at"])
    saved.choose(HERS.owner, "audit", first="stops")
    found = saved.choice(HERS.owner, "audit")
    assert (found["columns"], found["first_view"]) == (["at"], "stops")
    assert saved.choice(ADMINS.owner, "audit") == {"columns": [], "first_view": ""}


def test_views_are_found_among_many():
    fill(
        SavedView,
        lambda n: {
            "_id": f"{n:024}/0",
            "owner": f"{n:024}",
            "list_name": "audit",
            "name": f"View {n}",
            "is_shared": n % 1000 == 0,
        },
    )
    saved.save(HERS, name="Mine", query="")
    with recorded(run=True) as plans:
        assert len(saved.views(HERS.owner, "audit")) == 6
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 7
