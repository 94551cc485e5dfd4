"""Every status and every reason has its words, and they say nothing that is not known."""

import pytest

from lovense.deciding.gates import DELAYS, GATES
from lovense.menus.matching import WHY_NOTHING
from lovense.models import Activation, ActivationStatus
from lovense.page import outcome
from tests.factories import NOW

ITEM = {"title": "Wave"}


def told(status, reason="", **more):
    gates = [{"gate": "minimum", "passed": False, "saw": "5 of at least 10", "at": ""}]
    fields = {"amount": 5, "item": ITEM, "gates": gates, "promised_seconds": 8} | more
    return outcome.of(Activation(status=status, reason=reason, **fields))


@pytest.mark.parametrize("status", ActivationStatus)
def test_every_status_has_a_word_a_tone_and_a_sentence(status):
    found = told(status)
    assert found.word
    assert found.tone in {"good", "warn", "bad", "info", "idle", "accent"}
    assert found.text.endswith(".")


def test_a_run_that_was_cut_short_is_not_called_completed():
    assert told("completed", delivered_seconds=8.0).word == "Completed"
    short = told("completed", delivered_seconds=3.5)
    assert (short.word, short.tone) == ("Shortened", "warn")
    assert short.text == "“Wave” played for 3.5 of 8 s promised."


def test_a_run_whose_seconds_are_unknown_does_not_claim_any():
    assert told("completed").text == "“Wave” played, 8 s promised."


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("below_minimum", "below the minimum (5 of at least 10 tokens)"),
        ("no_match", "no menu item answers 5 tokens"),
        ("no_menu", "no tip menu is published"),
        ("kill_switch", "activations are switched off"),
        ("unknown_performer", "not enrolled"),
        ("something_new", "something new"),
    ],
)
def test_a_skipped_tip_says_which_gate_said_no(reason, words):
    found = told("skipped", reason, item=None)
    assert found.text.startswith("Did nothing: ")
    assert words in found.text


def test_every_reason_for_which_a_gate_ends_a_tip_has_its_clause():
    """One that only delays is no reason to do nothing."""
    assert set(outcome.WHY_NOT) == {*GATES.values(), *WHY_NOTHING} - DELAYS - {""}


def test_a_stop_by_the_performer_is_not_called_a_failure_of_the_page():
    assert told("failed", "stopped").text == "STOP ended it."
    assert "toy unreachable" in told("failed", "toy_unreachable").text


def test_an_unknown_end_is_said_to_be_unknown():
    assert "not known" in told("timeout").text
    assert "nothing played" in told("dead").text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "before it was handed over: nothing played"),
        ({"dispatched_at": NOW, "reason": "not_confirmed"}, "no page said how much"),
        ({"dispatched_at": NOW}, "Ended before it played"),
        ({"dispatched_at": NOW, "delivered_seconds": 2.5}, "“Wave” was ended after 2.5 of 8 s promised"),
    ],
)
def test_a_cancelled_one_says_how_far_it_came(more, words):
    assert words in told("cancelled", **{"reason": "cancelled"} | more).text


def test_what_is_being_ended_is_not_called_playing():
    for status in ("dispatched", "activated"):
        found = told(status, cancelled_at=NOW)
        assert found.word == "Ending"
        assert found.text.startswith("Being ended")


def test_who_ended_it_and_why_is_in_words_of_its_own():
    row = Activation(cancelled_at=NOW, cancelled_by="dina", cancelled_why="a complaint")
    assert outcome.by_whom(row) == "04:15:00 UTC by dina: a complaint"
    assert (
        outcome.by_whom(Activation(cancelled_at=NOW, cancelled_by="dina", cancelled_why=""))
        == "04:15:00 UTC by dina"
    )
    assert outcome.by_whom(Activation()) == ""


def test_a_run_of_several_says_so():
    assert (
        told("activated", members=["b.all"], run_seconds=16).text
        == "“Wave” is playing, 8 s of a run of 16 s for 2 requests."
    )
    assert told("activated", leader="a.all").text == "“Wave” is playing, 8 s as part of a longer run."


def test_a_dead_letter_says_why():
    assert "died" in told("dead", "worker_died").text
    assert "(not connected)" in told("dead", "not_connected").text


# --- devices that are told in slices -----------------------------------------------------------------------


def leg(nickname, outcome, delivered, promised=10):
    return {"nickname": nickname, "outcome": outcome, "delivered": delivered, "promised": promised}


def played_on(*legs, delivered=10.0):
    row = Activation(
        status="completed", promised_seconds=10, delivered_seconds=delivered, item={"title": "Wave"}
    )
    row.legs = list(legs)
    return outcome.of(row)


def test_a_device_that_fell_short_is_named():
    found = played_on(leg("Lush", "played", 10.0), leg("Nora", "away", 5.0))
    assert found.text == "“Wave” played for 10 s. Nora was away: 5 of 10 s."


def test_where_all_of_them_fell_short_each_is_named():
    found = played_on(leg("Lush", "unknown", 0.0), leg("Nora", "unsupported", 5.0), delivered=5.0)
    assert found.text.endswith(" Lush did not answer: 0 of 10 s. Nora cannot do it: 5 of 10 s.")
    assert found.word == "Shortened"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("pairing_lost", "has to be paired again"),
        ("operator_fault", "its operator has to mend that"),
        ("bad_command", "a defect of this site"),
    ],
)
def test_a_failure_that_she_cannot_mend_says_who_can(reason, said):
    row = Activation(status="failed", reason=reason, promised_seconds=10, item={"title": "Wave"})
    assert said in outcome.of(row).text
