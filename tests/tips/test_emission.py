"""Consumers of the event log: each takes every event once, in order, at its own pace, and fails alone."""

import itertools
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from pymongo.errors import AutoReconnect

from ground.mongodb import collections
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.states import coded, documented
from tests.tips import calls
from tests.tips.calls import tip_id
from tips.log import archive, emission, events
from tips.log.emission import Consumer
from tips.models import EventConsumer, FailedEmission

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
PARTS = ("tipId", "amount")


class Trouble(Exception):
    """What a consumer says of an event that it cannot take."""


class Book:
    """A consumer that counts how often it took each event, in a collection of its own."""

    def __init__(self, name):
        self.name, self.bad, self.error, self.announced, self.calls = name, set(), Trouble, [], 0
        self.consumer = Consumer(name, PARTS, record=self.record, announce=self.announce)

    @property
    def rows(self):
        return collections.current()[f"taken_by_{self.name}"]

    def record(self, envelopes, *, now, session):
        self.calls += 1
        for envelope in envelopes:
            self.rows.update_one(
                {"_id": envelope["data"]["tipId"]}, {"$inc": {"times": 1}}, upsert=True, session=session
            )
            if envelope["data"]["tipId"] in self.bad:
                raise self.error

    def announce(self, envelopes):
        self.announced += [int(envelope["data"]["tipId"], 16) for envelope in envelopes]

    @property
    def taken(self):
        return {int(row["_id"], 16): row["times"] for row in self.rows.find()}

    @property
    def row(self):
        return collection(EventConsumer).find_one({"_id": self.name})

    @property
    def dead(self):
        return list(collection(FailedEmission).find({"consumer": self.name, "state": "dead"}))


@pytest.fixture
def books(monkeypatch, db):
    """Two consumers in the place of the product's own."""
    made = Book("one"), Book("two")
    monkeypatch.setattr(emission, "CONSUMERS", {book.name: book.consumer for book in made})
    return made


@pytest.fixture
def one(books):
    return books[0]


def settle(*numbers, now=NOW):
    for number in numbers:
        calls.bought(1000, number=number)
        calls.succeeded(number, 100 + number)
    calls.settle(now)


def drain(seconds=0, **more):
    while emission.drain(now=NOW + seconds * SECOND, **more):
        pass


def once(*numbers):
    return dict.fromkeys(numbers, 1)


# --- once, repeated, concurrent ----------------------------------------------------------------------------


def test_every_consumer_takes_every_event_once_and_in_order(books):
    settle(3, 1, 2)
    drain()
    for book in books:
        assert book.taken == once(1, 2, 3)
        assert book.announced == [3, 1, 2]
        assert (book.row["position"], book.row["errors"], book.row["retry_at"]) == (3, [], None)


def test_an_event_comes_as_an_envelope_of_the_channel_with_the_parts_that_are_read(monkeypatch, db):
    seen = []
    asks = Consumer(
        "asks", ("tipId", "settlement.settledAt"), record=lambda envelopes, **more: seen.extend(envelopes)
    )
    monkeypatch.setattr(emission, "CONSUMERS", {"asks": asks})
    settle(1)
    drain()
    data = {"tipId": tip_id(1), "settlement": {"settledAt": "2026-01-03T04:15:00.000Z"}}
    assert seen == [{"channel": "TIP_ACTIVATED_CHANNEL", "eventName": "TipActivated", "data": data}]
    assert events.envelope(data) == seen[0]


def test_draining_again_changes_nothing(one):
    settle(1)
    drain()
    before = one.row
    drain(seconds=9)
    assert (one.taken, one.row) == (once(1), before)


def test_nothing_is_asked_of_a_consumer_when_nothing_is_new(one):
    drain()
    assert one.calls == 0


def test_a_long_log_is_taken_in_batches(one):
    settle(*range(1, 8))
    assert emission.drain(now=NOW, limit=3)
    assert one.row["position"] == 3
    drain(limit=3)
    assert one.taken == once(*range(1, 8))
    assert one.calls == 3


def test_many_that_drain_at_once_hand_over_each_event_once(books, in_threads):
    settle(*range(1, 31))
    in_threads(lambda: drain(limit=4), times=8)
    drain()
    for book in books:
        assert book.taken == once(*range(1, 31))
        assert sorted(book.announced) == list(range(1, 31))  # after the commits, by whoever committed


def test_a_new_consumer_begins_with_the_first_event_even_when_that_is_archived(one):
    settle(1, 2)
    settle(3, now=NOW + 9 * SECOND)
    archive.run(before=NOW + SECOND, time=lambda: NOW)
    drain()
    assert one.taken == once(1, 2, 3)
    assert one.announced == [1, 2, 3]


def test_a_name_stands_for_one_consumer(books):
    emission.register(books[0].consumer)
    with pytest.raises(emission.AlreadyRegistered):
        emission.register(Consumer("one", ()))


# --- errors ------------------------------------------------------------------------------------------------


def test_an_error_holds_up_its_own_consumer_only_and_only_at_its_event(books):
    one, two = books
    one.bad = {tip_id(3)}
    settle(*range(1, 6))
    before = calls.everything()
    drain()
    assert one.taken == once(1, 2)
    assert one.announced == [1, 2]
    assert two.taken == once(*range(1, 6))
    assert (one.row["position"], one.row["errors"]) == (
        2,
        [{"at": "2026-01-03T04:15:00.000Z", "error": "Trouble"}],
    )
    assert calls.everything() == before  # neither tips nor their settlement know of it


def test_it_is_tried_again_after_pauses_that_grow_and_goes_on_when_it_succeeds(one):
    one.bad = {tip_id(1)}
    settle(1, 2)
    when, moments = 0, []
    for pause in emission.PAUSES_SECONDS[:3]:
        drain(when)
        tried = one.calls
        drain(when + pause - 0.001)
        assert one.calls == tried
        when += pause
        moments.append(when)
    assert moments == [1, 5, 21]
    one.bad = set()
    drain(when)
    assert one.taken == once(1, 2)
    assert one.row["errors"] == []


def fail(book, *numbers, bad):
    """Settles these tips, of which one is never taken, and lets every attempt pass; the moment of the
    last."""
    book.bad = {tip_id(bad)}
    settle(*numbers)
    when = 0
    drain()
    for pause in emission.PAUSES_SECONDS:
        when += pause
        drain(when)
    return NOW + when * SECOND


def test_after_its_attempts_the_event_is_dead_and_the_consumer_goes_on(one):
    died_at = fail(one, 1, 2, 3, bad=2)
    assert one.taken == once(1, 3)
    assert (one.row["position"], one.row["errors"], one.row["retry_at"]) == (3, [], None)
    (row,) = one.dead
    assert (row["_id"], row["sequence"], row["died_at"]) == (f"one/{tip_id(2)}", 2, died_at)
    assert [told["at"][14:19] for told in row["errors"]] == ["15:00", "15:01", "15:05", "15:21", "16:25"]
    assert {told["error"] for told in row["errors"]} == {"Trouble"}


def test_two_that_see_the_same_failure_count_it_once(one, in_threads):
    one.bad = {tip_id(1)}
    settle(1)
    in_threads(lambda: emission.drain(now=NOW), times=4, workers=4)
    assert len(one.row["errors"]) == 1


def test_a_database_that_does_not_answer_counts_for_no_event(one):
    one.bad, one.error = {tip_id(1)}, AutoReconnect
    settle(1)
    drain()
    assert (one.row["position"], one.row["errors"]) == (0, [])
    one.bad = set()
    drain()
    assert one.taken == once(1)


def test_a_round_whose_commit_is_lost_is_made_again_and_counts_once(one, fail_command):
    settle(1, 2)
    fail_command("commitTransaction", times=1, closeConnection=True)
    drain()
    drain()
    assert one.taken == once(1, 2)


def test_an_announcement_that_fails_is_told_to_nobody_and_lost(one, monkeypatch):
    def announce(envelopes):
        raise Trouble

    monkeypatch.setitem(
        emission.CONSUMERS, "one", Consumer("one", PARTS, record=one.record, announce=announce)
    )
    settle(1)
    drain()
    assert one.taken == once(1)
    assert (one.row["position"], one.row["errors"]) == (1, [])


# --- dead emissions ----------------------------------------------------------------------------------------


def retry(book, number, seconds=99):
    return emission.retry(f"{book.name}/{tip_id(number)}", by="dina", now=NOW + seconds * SECOND)


def test_a_dead_emission_is_delivered_once_however_often_it_is_retried(one):
    fail(one, 1, 2, bad=1)
    one.bad = set()
    assert retry(one, 1)
    assert retry(one, 1, seconds=100)
    assert one.taken == once(1, 2)
    assert one.announced == [2, 1]
    row = collection(FailedEmission).find_one()
    assert (row["state"], row["delivered_at"], row["delivered_by"]) == (
        "delivered",
        NOW + 99 * SECOND,
        "dina",
    )


def test_many_that_retry_at_once_deliver_it_once(one, in_threads):
    fail(one, 1, bad=1)
    one.bad = set()
    seconds = itertools.count(99)
    assert all(in_threads(lambda: retry(one, 1, next(seconds)), times=8))
    assert one.taken == once(1)
    assert one.announced == [1]


def test_what_fails_again_stays_dead_with_its_whole_history(one):
    fail(one, 1, bad=1)
    assert not retry(one, 1)
    (row,) = one.dead
    assert len(row["errors"]) == 6
    assert row["errors"][-1] == {"at": "2026-01-03T04:16:39.000Z", "error": "Trouble", "by": "dina"}
    assert one.taken == {}


def test_the_states_are_documented():
    assert coded(emission.PREDECESSORS) == documented("Emission")


def test_what_is_not_dead_is_not_retried(one):
    settle(1)
    drain()
    with pytest.raises(emission.NotFailed):
        retry(one, 1)


def command(capsys, *arguments):
    call_command("retry_emissions", *arguments)
    return capsys.readouterr().out.splitlines()


def test_the_command_counts_first_and_delivers(one, capsys):
    fail(one, 1, 2, bad=1)
    assert command(capsys, "--dry-run") == [
        "1 dead emissions",
        f"one {tip_id(1)} 5 attempts, 2026-01-03T04:16:25.000Z Trouble",
    ]
    with pytest.raises(CommandError) as caught:
        call_command("retry_emissions")
    assert caught.value.returncode == 1
    assert capsys.readouterr().out.splitlines() == ["1 dead emissions", "0 delivered, 1 still dead"]
    one.bad = set()
    assert command(capsys) == ["1 dead emissions", "1 delivered, 0 still dead"]
    assert command(capsys) == ["0 dead emissions"]
    assert one.taken == once(1, 2)


def test_the_command_takes_one_consumer_or_one_tip(books, capsys):
    one, two = books
    two.bad = {tip_id(1)}
    fail(one, 1, 2, bad=1)
    one.bad = two.bad = set()
    assert command(capsys, "--tip", tip_id(2)) == ["0 dead emissions"]
    assert command(capsys, "--consumer", "two", "--tip", tip_id(1)) == [
        "1 dead emissions",
        "1 delivered, 0 still dead",
    ]
    assert (one.taken, two.taken) == (once(2), once(1, 2))
    assert command(capsys, "--consumer", "two") == ["0 dead emissions"]
    assert command(capsys) == ["1 dead emissions", "1 delivered, 0 still dead"]


# --- where everybody stands --------------------------------------------------------------------------------


def test_standings_tell_how_many_wait_and_since_when(books):
    settle(1, 2)
    books[0].bad = {tip_id(2)}
    drain()
    settle(3, now=NOW + 9 * SECOND)
    found = {standing.name: standing for standing in emission.standings()}
    assert (found["one"].position, found["one"].depth, found["one"].waits_since) == (1, 2, NOW)
    assert (found["one"].attempts, found["one"].error, found["one"].retry_at) == (1, "Trouble", NOW + SECOND)
    assert (found["two"].position, found["two"].depth, found["two"].waits_since) == (2, 1, NOW + 9 * SECOND)
    assert found["two"].attempts == found["two"].dead == 0


def test_a_consumer_that_never_ran_has_everything_before_it(one):
    settle(1)
    assert [(standing.position, standing.depth) for standing in emission.standings()] == [(0, 1), (0, 1)]
