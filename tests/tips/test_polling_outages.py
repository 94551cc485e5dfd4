"""While the ledger does not answer, tips keep what is known of them, and are looked at again."""

from datetime import timedelta

import pytest

from ledger.gateway import REVERSAL
from tests.factories import NOW
from tests.remote import SECOND, remote
from tests.tips.calls import SETTLED, WAITING, cancelled, failed, found, settle, state
from tests.tips.looks import HERS, PATIENCE, VIEWER, TooBusy, doubt, heard, look, posted, recorded, ref
from tips.settlement import polling

__all__ = ["remote"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("proven", "remote")]


@pytest.mark.parametrize("failure", [TooBusy("later"), KeyError("entry_id")], ids=["foreseen", "unforeseen"])
def test_one_that_fails_does_not_stop_the_others_and_comes_again(remote, failure):
    for number in (1, 2, 3):
        posted(remote, number)
        recorded(number)
    remote.failures[ref(2)] = failure
    assert look().handled == 3
    assert [state(number) for number in (1, 2, 3)] == [SETTLED, WAITING, SETTLED]
    row = found(2)
    assert (row["look_error"], row["looks"]) == (getattr(failure, "code", "") or type(failure).__name__, 0)
    assert row["next_look_at"] == NOW + polling.SHORTEST_RETRY
    del remote.failures[ref(2)]
    look(row["next_look_at"])
    assert (state(2), found(2)["look_error"]) == (SETTLED, "")


def test_a_ledger_that_wants_to_be_left_alone_is(remote):
    recorded()
    remote.failures[ref()] = TooBusy()
    remote.failures[ref()].retry_after = 42.5
    look()
    assert found()["next_look_at"] == NOW + timedelta(seconds=42.5)
    remote.failures[ref()].retry_after = 10.0**6
    look(found()["next_look_at"])
    assert found()["next_look_at"] == NOW + timedelta(seconds=42.5) + polling.LONGEST_RETRY


def test_a_long_outage_is_asked_sparingly_shown_after_two_days_and_asked_on(remote, monkeypatch):
    monkeypatch.setattr(polling, "LONGEST_RETRY", timedelta(hours=1))
    recorded()
    remote.failures[ref()] = TooBusy()
    waits, now = [], NOW
    while not doubt():
        waits.append((found()["next_look_at"] - now).total_seconds())
        now = found()["next_look_at"]
        look(now)
    assert waits[:3] == [0, 5, 5]
    assert max(waits) == polling.LONGEST_RETRY.total_seconds()
    assert len(waits) < 150
    assert (doubt(), now, found()["next_look_at"]) == (
        "not_answered",
        NOW + PATIENCE,
        NOW + PATIENCE + polling.LONGEST_RETRY,
    )
    del remote.failures[ref()]
    posted(remote)
    look(found()["next_look_at"])
    assert (state(), doubt(), found()["look_error"]) == (SETTLED, "", "")


def doubtful_after_its_end(remote, ends):
    recorded()
    look()
    ends()
    settle()
    posted(remote)
    return heard(NOW + SECOND)


def doubtful_after_its_settlement(remote, _):
    posted(remote)
    recorded()
    look()
    remote.entry(ref(), HERS, 1)
    return heard(NOW + SECOND)


def doubtful_while_open(remote, _):
    remote.entry(ref(), VIEWER, -1)
    recorded()
    look()
    return doubt()


@pytest.mark.parametrize("failure", [TooBusy("later"), KeyError("entry_id")], ids=["foreseen", "unforeseen"])
@pytest.mark.parametrize(
    ("begin", "ends"),
    [
        (doubtful_after_its_end, cancelled),
        (doubtful_after_its_end, failed),
        (doubtful_after_its_settlement, None),
        (doubtful_while_open, None),
    ],
)
@pytest.mark.parametrize("age", [2 * SECOND, 2 * PATIENCE], ids=["young", "old"])
def test_a_look_without_an_answer_leaves_every_doubt_and_comes_again(remote, begin, ends, failure, age):
    before = begin(remote, ends)
    assert before
    remote.failures[ref()] = failure
    now = NOW + age
    for _ in range(3):  # staff press the button, and press it again
        assert heard(now) == before
        assert found()["look_error"] == getattr(failure, "code", "") or type(failure).__name__
        assert now < found()["next_look_at"] <= now + polling.LONGEST_RETRY
        now = found()["next_look_at"]
    del remote.failures[ref()]
    remote.entries.pop(ref())
    posted(remote)
    look(now)
    is_ended = begin is doubtful_after_its_end
    assert doubt() == (before if is_ended else "")
    assert (found()["look_error"], found()["next_look_at"]) == ("", None)


def test_a_reversal_that_is_announced_while_the_ledger_does_not_answer_is_seen_when_it_does(remote):
    posted(remote)
    recorded()
    look()
    remote.entry(ref(), VIEWER, 100, kind=REVERSAL)
    remote.failures[ref()] = TooBusy()
    assert heard(NOW + SECOND) == ""
    del remote.failures[ref()]
    look(found()["next_look_at"])
    assert (state(), doubt(), found()["next_look_at"]) == (SETTLED, "reversed", None)


def test_an_answer_that_cannot_be_written_does_not_stop_the_others(remote):
    for number in (1, 2, 3):
        recorded(number)
    posted(remote, 1)
    remote.entry(ref(2), VIEWER, -100, entry_id="\ud800")
    posted(remote, 3)
    assert look().handled == 3
    assert [state(number) for number in (1, 2, 3)] == [SETTLED, WAITING, SETTLED]
    assert found(2)["look_error"] == "TypeError"
