"""Steps of a draft: a place before another item, back to what is in force, and one step back."""

import pytest

from lovense.menus import drafts
from lovense.menus.drafts import ChangedMeanwhile, NoSuchItem, NothingPublished, NothingToUndo
from tests.lovense.menus.offers import added, published, titles, writing

pytestmark = pytest.mark.django_db


def ids(performer):
    return {item["title"]: item["itemId"] for item in drafts.of(performer.pk).items}


def test_an_item_goes_before_another_one_and_takes_its_section(ana):
    added(ana, "One", "Two", section="Quick")
    added(ana, "Three", section="Long")
    known = ids(ana)
    after = drafts.place(writing(ana, 3), known["Three"], before=known["One"], section="Long")
    assert titles(after) == ["Three", "One", "Two"]
    assert {item["section"] for item in after.items} == {"Quick"}


def test_without_another_one_it_is_the_last_of_the_section(ana):
    added(ana, "One", "Two", section="Quick")
    added(ana, "Three", section="Long")
    after = drafts.place(writing(ana, 3), ids(ana)["One"], before="", section="Quick")
    assert titles(after) == ["Two", "One", "Three"]
    again = drafts.place(writing(ana, 4), ids(ana)["One"], before="", section="gone")
    assert (titles(again), again.revision) == (titles(after), 4)


def test_who_places_late_or_what_is_not_there_changes_nothing(ana):
    added(ana, "One", "Two")
    known = ids(ana)
    with pytest.raises(ChangedMeanwhile):
        drafts.place(writing(ana, 1), known["Two"], before=known["One"], section="")
    for item_id, before in ((known["One"], "none"), ("none", known["One"]), (known["One"], known["One"])):
        with pytest.raises(NoSuchItem):
            drafts.place(writing(ana, 2), item_id, before=before, section="")
    assert titles(drafts.of(ana.pk)) == ["One", "Two"]


def test_one_step_is_undone_and_a_second_time_done_again(ana):
    with pytest.raises(NothingToUndo):
        drafts.undo(writing(ana, 0))
    draft = added(ana, "One", "Two")
    assert drafts.last_action(ana.pk) == "add"
    drafts.remove(writing(ana, 2), draft.items[0]["itemId"])
    assert titles(drafts.undo(writing(ana, 3))) == ["One", "Two"]
    assert titles(drafts.undo(writing(ana, 4))) == ["Two"]
    with pytest.raises(ChangedMeanwhile):
        drafts.undo(writing(ana, 4))


def test_what_is_discarded_is_what_is_in_force_and_can_come_back(ana):
    added(ana, "One")
    with pytest.raises(NothingPublished):
        drafts.discard(writing(ana, 1))
    published(ana, key="a")
    drafts.react(writing(ana, 1), {"active": True, "pattern": "wave", "intensity": 5, "durationSec": 5})
    added(ana, "Two")
    after = drafts.discard(writing(ana, 3))
    assert (titles(after), after.reaction) == (["One"], None)
    back = drafts.undo(writing(ana, 4))
    assert titles(back) == ["One", "Two"]
    assert back.reaction["active"]
