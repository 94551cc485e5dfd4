"""A published menu holds her patterns by value: what is changed afterwards changes no version, and what plays
is what was on show."""

import pytest

from ground.mongodb.collections import collection
from lovense.menus import content, drafts, publishing, versions
from lovense.menus.publishing import InvalidMenu
from lovense.menus.versions import NotPublishable
from lovense.models import Performer, TipMenu
from lovense.patterns import library
from lovense.sending import envelope
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.lovense.conftest import activation_of, request_of
from tests.lovense.menus.offers import added, publication, published, said
from tests.lovense.patterns.written import rewritten, saved, writing

pytestmark = pytest.mark.django_db


def version(performer, number):
    return collection(TipMenu).find_one({"_id": f"{performer.pk}.{number}"})


def test_a_version_holds_the_text_of_each_pattern_once(ana):
    saved(ana, "Tide", "5 1s")
    saved(ana, "Unused", "6 1s")
    added(ana, "a", pattern="my/Tide", maximum=30)
    added(ana, "b", pattern="my/tide", minimum=31)
    added(ana, "c", pattern="heartbeat", minimum=50, maximum=60)
    published(ana, key="1")
    assert version(ana, 1)["patterns"] == {"my/Tide": "5 1s", "my/tide": "5 1s"}


def test_changing_or_archiving_a_pattern_changes_no_version_and_is_a_change_to_publish(ana):
    row = saved(ana, "Tide", "5 1s")
    added(ana, "a", pattern="my/Tide")
    published(ana, key="1")
    before = version(ana, 1)
    assert not published(ana, key="same").is_new
    row = rewritten(ana, row, text="6 1s")
    assert version(ana, 1) == before
    assert published(ana, key="2").is_new
    assert version(ana, 2)["patterns"] == {"my/Tide": "6 1s"}
    library.archive(writing(ana), row["_id"], seen=row["revision"])
    assert version(ana, 2)["patterns"] == {"my/Tide": "6 1s"}


def test_a_menu_that_names_a_pattern_that_is_not_there_is_not_published(ana):
    added(ana, "a", pattern="my/None")
    with pytest.raises(NotPublishable) as refused:
        published(ana, key="1")
    assert [(each["item"], each["field"]) for each in refused.value.details] == [(1, "pattern")]
    with pytest.raises(InvalidMenu, match="no pattern None"):
        publishing.publish(ana.pk, [said("a", pattern="my/None", order=1)], NOW)


def test_going_back_brings_the_old_text_back(ana):
    row = saved(ana, "Tide", "5 1s")
    added(ana, "a", pattern="my/Tide")
    published(ana, key="1")
    rewritten(ana, row, text="6 1s")
    published(ana, key="2")
    versions.roll_back(publication(ana, key="3"), 1)
    assert version(ana, 3)["patterns"] == {"my/Tide": "5 1s"}


def test_a_difference_says_that_a_pattern_was_rewritten(ana):
    row = saved(ana, "Tide", "5 1s")
    added(ana, "a", pattern="my/Tide")
    published(ana, key="1")
    rewritten(ana, row, text="6 1s")
    items = drafts.of(ana.pk).items
    now = content.resolved(items, publishing.texts_of(ana.pk, items))
    (change,) = content.diff(content.of_version(version(ana, 1)), now).changed
    assert change.fields == {"patternText": ("5 1s", "6 1s")}


# --- what plays --------------------------------------------------------------------------------------------


TEXT = "(20 0.5s, 0 0.5s) x 2, 10 1s"


@pytest.fixture
def chain(ana, bob):
    made = Chain(ana)
    saved(ana, "Tide", TEXT)
    added(ana, "Tide", pattern="my/Tide", minimum=100, maximum=None, intensity=20, durationSec=6)
    published(ana, key="1")
    ana.refresh_from_db()
    made.hold()
    fund(bob, 10_000)
    return made


def test_a_tip_plays_the_text_that_was_published(chain, bob, ana):
    (row,) = library.of(ana.pk)
    rewritten(ana, row, text="1 1s")
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    activation = activation_of(tip_id)
    (command,) = activation["commands"]
    assert (command["rule"], command["strength"]) == ("V:1;F:v;S:500#", "20;0;20;0;10;10")
    assert (activation["item"]["patternText"], activation["promised_seconds"]) == (TEXT, 6)
    assert "notes" not in activation


def test_what_is_not_played_as_it_was_written_is_noted(chain, bob, ana):
    (row,) = library.of(ana.pk)
    rewritten(ana, row, text="(20 0.11s, 0 0.12s) x 8")
    published(ana, key="2")
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    assert activation_of(tip_id)["notes"] == ["resampled"]


def test_the_page_is_told_the_type_of_what_plays(chain, bob, ana):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    activation = activation_of(tip_id)
    performer = collection(Performer).find_one({"_id": ana.pk})
    told = envelope.message(activation, request_of(tip_id), performer)["item"]["vibration"]
    assert (told["type"], told["presetName"], told["pattern"]) == ("PATTERN", None, "20;0;20;0;10;10")
