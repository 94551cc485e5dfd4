"""What pages say after a press is kept for that press, once: of her toys, by page and toy."""

import pytest

from ground.mongodb.collections import collection
from lovense.models import StopPress
from lovense.stopping import presses
from lovense.stopping.presses import MAX_ANSWERS, Still, StillToy
from tests.factories import NOW
from tests.ground.plans import fill, recorded, scans
from tests.lovense.conftest import seconds
from tests.lovense.stopping.presses import lane, press, presses_of

__all__ = ["lane"]
pytestmark = pytest.mark.django_db


def say(lane, *toys, epoch=1, page="desk", now=NOW):
    said = Still(epoch, tuple(toys))
    return presses.answered(said, performer_id=lane.performer_id, page_id=page, now=now)


def answers(lane, epoch=1):
    return [(each["page"], each["toyId"], each["ms"]) for each in presses.of_epoch(lane.performer_id, epoch)]


def test_a_page_says_of_its_toy_how_long_it_took(lane):
    press(lane.performer)
    assert say(lane, StillToy("toy-1", 84.0, "still"))
    assert answers(lane) == [("desk", "toy-1", 84.0)]


def test_said_again_it_is_kept_once_and_the_first_word_counts(lane):
    press(lane.performer)
    say(lane, StillToy("toy-1", 84.0))
    assert not say(lane, StillToy("toy-1", 2.0), now=NOW + seconds(1))
    assert answers(lane) == [("desk", "toy-1", 84.0)]


def test_said_at_once_it_is_kept_once(lane, in_threads):
    press(lane.performer)
    news = in_threads(lambda: say(lane, StillToy("toy-1", 84.0)), times=8)
    assert (sum(news), answers(lane)) == (1, [("desk", "toy-1", 84.0)])


def test_each_page_has_its_own_word_and_one_without_toys_too(lane):
    press(lane.performer)
    say(lane, StillToy("toy-1", 84.0))
    say(lane, page="phone")
    say(lane, StillToy("toy-1", 90.0), page="phone")
    assert answers(lane) == [("desk", "toy-1", 84.0), ("phone", "", None), ("phone", "toy-1", 90.0)]


def test_toys_of_others_and_unknown_ones_are_passed_over(lane):
    press(lane.performer)
    assert say(lane, StillToy("theirs", 1.0), StillToy("toy-1", 84.0))
    assert not say(lane, StillToy("theirs", 1.0), page="phone")
    assert answers(lane) == [("desk", "toy-1", 84.0)]


def test_an_older_epoch_is_kept_for_its_own_press_and_one_that_was_never_pressed_for_none(lane):
    press(lane.performer)
    press(lane.performer)
    assert say(lane, StillToy("toy-1", 84.0), epoch=1)
    assert not say(lane, StillToy("toy-1", 84.0), epoch=0)
    assert not say(lane, StillToy("toy-1", 84.0), epoch=3)
    assert (answers(lane, 1), answers(lane, 2)) == ([("desk", "toy-1", 84.0)], [])


def test_a_press_of_another_performer_is_not_reached(lane, carol):
    press(carol)
    assert not say(lane, StillToy("toy-1", 84.0))
    assert presses_of(carol)[0]["answers"] == []


def test_the_words_of_one_press_are_bounded(lane):
    press(lane.performer)
    for number in range(MAX_ANSWERS + 3):
        say(lane, page=f"page-{number}")
    assert len(answers(lane)) == MAX_ANSWERS


def test_listing_presses_reads_what_it_shows(lane):
    def row(number):
        whose = f"{number % 50:024x}"
        return {"_id": f"{whose}.{number}", "performer_id": whose, "epoch": number, "answers": []}

    fill(StopPress, row)
    with recorded(run=True) as plans:
        found = presses.newest(f"{7:024x}", before=10_000, limit=50)
    assert len(found) == 50
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 51
    assert collection(StopPress).count_documents({}) > 50
