"""The fact "published": once, repeated, concurrent, crashed; going back; and the history."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.deciding import foresight
from lovense.menus import content, drafts, publishing, versions, wishes
from lovense.menus.drafts import ChangedMeanwhile
from lovense.menus.versions import (
    PUBLISHED_PER_HOUR,
    NoSuchVersion,
    NotPublishable,
    OtherPublication,
    PublishedTooOften,
)
from lovense.models import Performer, TipMenu
from tests.chain import Chain
from tests.factories import NOW
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.conftest import in_collection
from tests.lovense.menus.offers import added, publication, published, said, titles, writing
from tests.lovense.patterns.written import rewritten, saved

__all__ = ["fail_command", "in_threads"]
pytestmark = pytest.mark.django_db


def menu_version(performer):
    return collection(Performer).find_one({"_id": performer.pk})["menu_version"]


def actions():
    return [row["action"] for row in collection(AuditEntry).find({"type": "menu"}).sort("_id", 1)]


def changed(performer, title):
    """The first item of her draft has another title."""
    draft = drafts.of(performer.pk)
    wish = wishes.read(Fields({"title": title}, ""), draft.items[0])
    return drafts.change(writing(performer), draft.items[0]["itemId"], wish)


# --- once --------------------------------------------------------------------------------------------------


def test_a_draft_is_published_as_the_next_version_and_answers(ana):
    added(ana, "Wave")
    made = versions.publish(publication(ana, 1, key="a", note="First"))
    row = collection(TipMenu).find_one({"_id": f"{ana.pk}.1"})
    assert made.is_new
    assert (row["published_by"], row["note"], row["based_on"], row["retired_at"]) == (
        "ana",
        "First",
        None,
        None,
    )
    assert menu_version(ana) == 1
    seen = foresight.read(ana.pk, version=None, is_draft=False, now=NOW).of(30)
    assert (seen.version, seen.found.item["title"]) == ("1", "Wave")


def test_the_version_before_is_retired_once(ana):
    added(ana, "Wave")
    published(ana, key="a")
    changed(ana, "Other")
    published(ana, key="b", now=NOW + timedelta(minutes=1))
    newest, oldest = versions.history(ana.pk)
    assert (newest["version"], newest["retired_at"]) == (2, None)
    assert oldest["retired_at"] == NOW + timedelta(minutes=1)
    assert titles(drafts.Draft(0, versions.of(ana.pk, 1)["items"])) == ["Wave"]


def test_a_tip_is_decided_by_what_was_published_and_not_by_the_draft(ana, bob):
    chain = Chain(ana)
    chain.publish_menu()
    drafts.remove(writing(ana), drafts.of(ana.pk).items[0]["itemId"])
    before = foresight.read(ana.pk, version=None, is_draft=False, now=NOW).of(100)
    assert before.version == "1"
    assert before.found.item is not None


def test_what_breaks_a_rule_is_refused_with_every_item_that_does(ana):
    with pytest.raises(NotPublishable, match="at least one active item"):
        published(ana, key="a")
    added(ana, "One", "Two", minimum=100, maximum=100)
    with pytest.raises(NotPublishable) as refused:
        published(ana, key="a")
    ids = [item["itemId"] for item in drafts.of(ana.pk).items]
    assert [each["itemId"] for each in refused.value.details] == ids
    assert all("“One” and “Two”" in each["rule"] for each in refused.value.details)
    assert menu_version(ana) == 0


def test_of_two_items_with_one_amount_an_inactive_one_is_no_error(ana):
    added(ana, "One", minimum=100, maximum=100)
    added(ana, "Two", minimum=100, maximum=100, active=False)
    assert published(ana, key="a").is_new


def test_who_saw_another_draft_publishes_nothing(ana):
    added(ana, "Wave")
    changed(ana, "Other")
    with pytest.raises(ChangedMeanwhile):
        versions.publish(publication(ana, 1, key="a"))
    assert menu_version(ana) == 0


def meanwhile(asked, *works):
    """As the same, where each of these happens once, after a look at the draft and before it is written."""
    left = list(works)

    def linted(draft):
        if left:
            left.pop(0)()
        return []

    return asked._replace(errors=linted)


def test_a_draft_that_changes_while_it_is_looked_at_is_looked_at_again(ana):
    added(ana, "Wave")
    asked = publication(ana, key="a")
    made = versions.publish(meanwhile(asked, *(lambda n=n: changed(ana, f"New {n}") for n in range(3))))
    assert (made.menu["version"], made.menu["items"][0]["title"]) == (1, "New 2")
    changed(ana, "Newer")
    with pytest.raises(ChangedMeanwhile) as refused:
        versions.publish(meanwhile(publication(ana, 5, key="b"), lambda: changed(ana, "Newest")))
    assert refused.value.details["revision"] == 6
    assert (menu_version(ana), actions().count("publish")) == (1, 1)


def test_what_others_publish_or_rewrite_while_it_is_looked_at_is_seen(ana):
    added(ana, "Wave")
    made = versions.publish(meanwhile(publication(ana, key="a"), lambda: published(ana, key="other")))
    assert (made.is_new, menu_version(ana)) == (False, 1), "it is in force already"
    row = saved(ana, "Tide", "5 1s")
    added(ana, "Tide", pattern="my/Tide", minimum=60, maximum=70)
    made = versions.publish(meanwhile(publication(ana, key="b"), lambda: rewritten(ana, row, text="6 1s")))
    assert made.menu["patterns"] == {"my/Tide": "6 1s"}


def test_who_is_always_overtaken_is_told_so(ana):
    added(ana, "Wave")
    works = [lambda n=n: changed(ana, f"New {n}") for n in range(versions.TRIES)]
    with pytest.raises(ChangedMeanwhile):
        versions.publish(meanwhile(publication(ana, key="a"), *works))
    assert menu_version(ana) == 0


def test_what_is_remembered_of_an_item_is_of_what_it_says_alone():
    one = content.whole(said("Wave", itemId="a", order=1)) | {"order": 1}
    (bare,) = publishing.validated([one])
    bare["title"] = "spoilt"
    assert publishing.validated([one])[0]["title"] == "Wave"
    for wrong in ({"intensity": True}, {"intensity": 8.0}, {"intensity": 21}):
        with pytest.raises(publishing.InvalidMenu) as refused:
            publishing.validated([one, one | {"itemId": "b", "minimum": 60, "maximum": 70} | wrong])
        assert [(each.item, each.field) for each in refused.value.errors] == [(2, "intensity")]


# --- repeated ----------------------------------------------------------------------------------------------


def test_the_same_call_again_is_the_same_version_whatever_came_after(ana):
    added(ana, "Wave")
    published(ana, key="a")
    changed(ana, "Other")
    published(ana, key="b")
    again = published(ana, key="a")
    assert (again.menu["version"], again.is_new) == (1, False)
    assert menu_version(ana) == 2


def test_the_same_content_is_no_new_version(ana):
    added(ana, "Wave")
    published(ana, key="a")
    again = published(ana, key="b")
    assert (again.menu["version"], again.is_new) == (1, False)
    assert actions() == ["add", "publish"]


def test_a_key_stands_for_one_publication(ana):
    added(ana, "Wave")
    published(ana, key="a")
    with pytest.raises(OtherPublication):
        versions.publish(publication(ana, key="a", note="another one"))


def test_a_key_is_her_own(ana, carol):
    for performer in (ana, carol):
        added(performer, "Wave")
        assert published(performer, key="a").is_new


def test_more_than_twenty_in_an_hour_are_refused_until_the_first_is_an_hour_old(ana):
    added(ana, "0")
    for number in range(PUBLISHED_PER_HOUR):
        changed(ana, f"Item {number}")
        published(ana, key=str(number), now=NOW + timedelta(minutes=number))
    changed(ana, "One more")
    later = NOW + timedelta(minutes=30)
    with pytest.raises(PublishedTooOften) as refused:
        published(ana, key="more", now=later)
    assert 30 * 60 <= refused.value.retry_after <= 30 * 60 + 1
    assert published(ana, key="more", now=NOW + timedelta(hours=1)).menu["version"] == 21


# --- concurrent --------------------------------------------------------------------------------------------


def test_the_same_call_at_the_same_moment_publishes_once(ana, in_threads):
    added(ana, "Wave")
    made = in_threads(lambda: published(ana, key="a"), times=4, workers=4)
    assert [each.menu["version"] for each in made] == [1, 1, 1, 1]
    assert sum(each.is_new for each in made) == 1
    assert collection(TipMenu).count_documents({}) == menu_version(ana) == 1


def test_different_calls_at_the_same_moment_get_a_version_each(ana, in_threads):
    for number in range(1, 5):
        publishing.publish(ana.pk, [said(str(number))], NOW)
    turns = iter([1, 2, 3])

    def back():
        version = next(turns)
        return versions.roll_back(publication(ana, key=str(version)), version).menu["version"]

    assert sorted(in_threads(back, times=3, workers=3)) == [5, 6, 7]
    assert menu_version(ana) == 7
    in_force = collection(TipMenu).count_documents({"performer_id": ana.pk, "retired_at": None})
    assert in_force == 1


# --- crashed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [TipMenu, Performer, AuditEntry])
def test_what_dies_in_the_middle_has_published_nothing_and_may_be_repeated(ana, fail_command, model):
    added(ana, "Wave")
    fail_command("insert", "update", errorCode=8000, **in_collection(model))
    with pytest.raises((PyMongoError, DatabaseError)):
        published(ana, key="a")
    assert (menu_version(ana), collection(TipMenu).count_documents({})) == (0, 0)
    assert published(ana, key="a").menu["version"] == 1
    assert actions() == ["add", "publish"]


def test_what_died_after_it_was_written_is_found_by_the_repeat(ana):
    """The answer was lost, and the draft went on."""
    added(ana, "Wave")
    published(ana, key="a")
    changed(ana, "Other")
    assert published(ana, key="a").menu["version"] == 1
    assert collection(TipMenu).count_documents({}) == 1


# --- back --------------------------------------------------------------------------------------------------


def test_going_back_publishes_the_old_content_as_a_new_version(ana):
    added(ana, "Wave")
    published(ana, key="a")
    changed(ana, "Other")
    published(ana, key="b")
    made = versions.roll_back(publication(ana, key="c"), 1)
    assert (made.menu["version"], made.menu["based_on"]) == (3, 1)
    assert made.menu["items"] == versions.of(ana.pk, 1)["items"]
    assert menu_version(ana) == 3
    assert actions()[-1] == "roll_back"


def test_a_draft_without_changes_follows_and_any_other_stays(ana):
    added(ana, "Wave")
    published(ana, key="a")
    changed(ana, "Other")
    published(ana, key="b")
    versions.roll_back(publication(ana, key="c"), 1)
    followed = drafts.of(ana.pk)
    assert (titles(followed), followed.revision) == (["Wave"], 3)
    changed(ana, "Unpublished")
    versions.roll_back(publication(ana, key="d"), 2)
    assert titles(drafts.of(ana.pk)) == ["Unpublished"]


def test_a_version_of_another_performer_is_not_there(ana, carol):
    added(ana, "Wave")
    published(ana, key="a")
    with pytest.raises(NoSuchVersion):
        versions.of(carol.pk, 1)
    with pytest.raises(NoSuchVersion):
        versions.roll_back(publication(carol, key="a"), 1)


# --- read --------------------------------------------------------------------------------------------------


def test_the_history_goes_on_where_it_ended(ana):
    for number in range(1, 4):
        publishing.publish(ana.pk, [said(str(number))], NOW)
    assert [row["version"] for row in versions.history(ana.pk)] == [3, 2, 1]
    assert [row["version"] for row in versions.history(ana.pk, before=3)] == [2, 1]
    assert "items" not in versions.history(ana.pk)[0]


def test_a_version_of_an_earlier_release_is_read_with_what_is_usual(ana):
    chain = Chain(ana)
    chain.publish_menu()
    items = content.listed(versions.of(ana.pk, 1)["items"])
    assert all(item["active"] and item["section"] == "" for item in items)


def test_versions_are_found_by_their_index(ana):
    def row(n):
        return {
            "_id": f"{n:024x}.1",
            "performer_id": f"{n:024x}",
            "version": 1,
            "items": [],
            "published_at": NOW,
            "publish_key": f"{n}",
        }

    fill(TipMenu, row)
    added(ana, "Wave")
    with recorded() as plans:
        published(ana, key="a")
        versions.history(ana.pk)
        versions.history(ana.pk, before=5)
        versions.of(ana.pk, 1)
    of_menus = [plan for plan in plans if plan.collection == "tip_menus"]
    assert len(of_menus) >= 5
    assert scans(of_menus) == []
