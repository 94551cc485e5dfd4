"""The draft of a menu: each change once, guarded by the revision that was seen, with its audit entry."""

import pytest
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.json.fields import Fields, Malformed
from ground.mongodb.collections import collection
from lovense.menus import drafts, publishing, starter, wishes
from lovense.menus.drafts import ChangedMeanwhile, DraftHasItems, NoSuchItem, TooManyItems
from lovense.menus.publishing import MAXIMUM_ITEMS
from lovense.menus.wishes import InvalidItem, WishedItem
from lovense.models import MenuDraft
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.conftest import in_collection
from tests.lovense.menus.offers import added, said, titles, writing

__all__ = ["fail_command", "in_threads"]
pytestmark = pytest.mark.django_db


def entries():
    return list(collection(AuditEntry).find({"type": "menu"}).sort("_id", 1))


def wish(draft, place=0, **changes):
    return wishes.read(Fields(changes, ""), draft.items[place])


# --- what a draft is ---------------------------------------------------------------------------------------


def test_until_her_first_change_it_is_what_is_in_force(ana, now):
    assert drafts.of(ana.pk) == (0, [], None)
    publishing.publish(ana.pk, [said("Second", order=2), said("First", order=1)], now)
    draft = drafts.of(ana.pk)
    assert (draft.revision, titles(draft)) == (0, ["First", "Second"])
    assert added(ana, "Third").revision == 1
    assert titles(drafts.of(ana.pk)) == ["First", "Second", "Third"]


def test_an_item_is_itself_through_all_its_changes(ana):
    draft = added(ana, "a", "b")
    item_id = draft.items[0]["itemId"]
    draft = drafts.change(writing(ana, draft.revision), item_id, wish(draft, title="A", order=2))
    assert titles(draft) == ["b", "A"]
    assert draft.items[1]["itemId"] == item_id


def test_an_item_goes_where_its_order_says(ana):
    added(ana, "a", "b")
    draft = drafts.add(writing(ana), WishedItem(wishes.new(said("first")), 1))
    assert titles(draft) == ["first", "a", "b"]


def test_moving_goes_past_the_next_of_the_same_section(ana):
    for title, section in (("a", "x"), ("b", "y"), ("c", "x")):
        draft = added(ana, title, section=section)
    c = draft.items[2]["itemId"]
    draft = drafts.move(writing(ana, draft.revision), c, is_up=True)
    assert titles(draft) == ["c", "a", "b"]
    assert drafts.move(writing(ana, draft.revision), c, is_up=True) == draft
    assert titles(drafts.move(writing(ana, draft.revision), c, is_up=False)) == ["a", "c", "b"]


def test_a_template_fills_an_empty_draft_alone(ana):
    draft = drafts.fill(writing(ana, 0), starter.STARTER)
    assert len({item["itemId"] for item in draft.items}) == 5
    with pytest.raises(DraftHasItems):
        drafts.fill(writing(ana, draft.revision), starter.STARTER)


def test_a_full_menu_takes_no_more(ana, now):
    full = [said(str(n), minimum=n, maximum=n) for n in range(1, MAXIMUM_ITEMS + 1)]
    publishing.publish(ana.pk, full, now)
    with pytest.raises(TooManyItems):
        added(ana, "one more")


def test_all_that_is_wrong_with_an_item_is_said_at_once(ana):
    wrong = said("\u202eevil", minimum=0, intensity=21, order=0, price=3, active="yes")
    with pytest.raises(InvalidItem) as refused:
        wishes.read(Fields(wrong, ""))
    fields = {each["field"] for each in refused.value.details["errors"]}
    assert fields == {"title", "minimum", "intensity", "order", "price", "active"}


def test_an_amount_is_an_equal_minimum_and_maximum():
    plain = {"title": "x", "pattern": "pulse", "intensity": 5, "durationSec": 3}
    item = wishes.new({**plain, "amount": 100})
    assert (item["minimum"], item["maximum"]) == (100, 100)
    with pytest.raises(InvalidItem, match="must not stand beside"):
        wishes.new({**plain, "amount": 100, "minimum": 5})


@pytest.mark.parametrize(
    ("named", "rule"),
    [
        (lambda ids: ids[:2], "missing: "),
        (lambda ids: [*ids, "other"], "of this menu alone: other"),
        (lambda ids: [*ids, ids[0]], "every item once"),
    ],
)
def test_an_order_names_every_item_once(ana, named, rule):
    draft = added(ana, "a", "b", "c")
    ids = [item["itemId"] for item in draft.items]
    with pytest.raises(Malformed, match=rule):
        drafts.reorder(writing(ana, draft.revision), named(ids))
    assert titles(drafts.reorder(writing(ana, draft.revision), ids[::-1])) == ["c", "b", "a"]


# --- the revision ------------------------------------------------------------------------------------------


def test_a_write_that_saw_another_revision_changes_nothing_and_is_told_both(ana):
    draft = added(ana, "a")
    item_id = draft.items[0]["itemId"]
    drafts.change(writing(ana, 1), item_id, wish(draft, title="Hers"))
    for late in (
        lambda: drafts.change(writing(ana, 1), item_id, wish(draft, title="Late")),
        lambda: drafts.remove(writing(ana, 1), item_id),
        lambda: drafts.reorder(writing(ana, 1), [item_id]),
    ):
        with pytest.raises(ChangedMeanwhile) as refused:
            late()
        assert (refused.value.details["seen"], refused.value.details["revision"]) == (1, 2)
    assert titles(drafts.of(ana.pk)) == ["Hers"]


def test_the_item_as_it_is_now_is_told_to_who_was_late(ana):
    draft = added(ana, "a")
    item_id = draft.items[0]["itemId"]
    drafts.change(writing(ana, 1), item_id, wish(draft, title="Hers"))
    with pytest.raises(ChangedMeanwhile) as refused:
        drafts.change(writing(ana, 1), item_id, wish(draft, title="Late"))
    assert refused.value.details["item"]["title"] == "Hers"


def test_the_same_again_is_no_new_revision(ana):
    draft = added(ana, "a")
    item_id = draft.items[0]["itemId"]
    again = drafts.change(writing(ana, 1), item_id, wish(draft, title="a"))
    assert again.revision == 1
    assert len(entries()) == 1


def test_of_two_pages_at_the_same_moment_one_writes(ana, in_threads):
    draft = added(ana, "a")
    item_id = draft.items[0]["itemId"]
    turns = iter(["One", "Two", "Three", "Four"])

    def change():
        try:
            return drafts.change(writing(ana, 1), item_id, wish(draft, title=next(turns))).revision
        except ChangedMeanwhile as late:
            return late.details["revision"]

    assert in_threads(change, times=4, workers=4) == [2, 2, 2, 2]
    assert drafts.of(ana.pk).revision == 2
    assert [row["action"] for row in entries()] == ["add", "change"]


def test_items_added_to_a_new_draft_at_the_same_moment_are_all_there(ana, in_threads):
    names = iter("abcd")
    in_threads(lambda: added(ana, next(names)), times=4, workers=4)
    draft = drafts.of(ana.pk)
    assert (draft.revision, sorted(titles(draft))) == (4, list("abcd"))


# --- records -----------------------------------------------------------------------------------------------


def test_every_change_is_in_the_audit_log_with_what_it_was(ana):
    draft = added(ana, "a", "b")
    a, b = (item["itemId"] for item in draft.items)
    drafts.change(writing(ana, 2), a, wish(draft, intensity=12))
    drafts.reorder(writing(ana, 3), [b, a])
    drafts.remove(writing(ana, 4), b)
    _, _, changed, moved, removed = entries()
    assert (changed["actor"], changed["target"], changed["lane"]) == ("ana", a, ana.pk)
    assert changed["before"] == {"revision": 2, "items": {a: {"intensity": 8}}}
    assert changed["after"] == {"revision": 3, "items": {a: {"intensity": 12}}}
    assert (moved["before"]["itemIds"], moved["after"]["itemIds"]) == ([a, b], [b, a])
    assert removed["before"]["items"][b]["title"] == "b"
    assert removed["after"] == {"revision": 5}


def test_a_change_that_cannot_be_recorded_is_not_made(ana, fail_command):
    added(ana, "a")
    fail_command("insert", errorCode=8000, **in_collection(AuditEntry))
    with pytest.raises(PyMongoError):
        added(ana, "b")
    assert titles(drafts.of(ana.pk)) == ["a"]
    assert len(entries()) == 1


def test_another_performers_item_is_not_there(ana, carol):
    item_id = added(ana, "a").items[0]["itemId"]
    with pytest.raises(NoSuchItem):
        drafts.remove(writing(carol, 0), item_id)
    with pytest.raises(NoSuchItem):
        drafts.of(carol.pk).owned(item_id)


def test_a_draft_is_found_by_its_key(ana, now):
    def row(n):
        return {"_id": f"{n:024x}", "revision": 1, "items": [], "changed_at": now}

    fill(MenuDraft, row)
    with recorded() as plans:
        added(ana, "a")
        added(ana, "b")
    assert scans(plans) == []
