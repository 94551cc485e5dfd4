"""The hours of statistics: recomputed from what is there, by however many and however often, and never behind
it for longer than a round."""

import signal
from collections import Counter
from datetime import timedelta
from itertools import chain as joined
from itertools import repeat

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from adminpanel.models import PerformerTipHour
from adminpanel.watch import recounting
from adminpanel.watch.recounting import Recounter
from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.history import daysums, hours
from lovense.models import (
    Activation,
    ActivationDay,
    ActivationHour,
    PageLease,
    Performer,
    PerformerDay,
    PerformerHour,
)
from lovense.sending import acknowledgement
from lovense.sending.acknowledgement import Ack
from tests.adminpanel.statistics.rows import waiting_since
from tests.factories import NOW
from tests.ground.plans import fill as many
from tests.ground.plans import recorded, scans
from tests.lovense.history.rows import add, row
from tests.lovense.owed.rest import keep, kept, playing, requeue, waive
from tips.log import archive, emission

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
COUNTED = {"performer_hours", "performer_days", "activation_hours", "activation_days", "heartbeats"}
MARKS = ("unsummed_since", "unadded_since", "revision")
SUMS = ("tips", "tokens", "net", "promised", "delivered", "owed", "waits", "waited_ms")


def run(now=NOW):
    assert Recounter().run(now=now, limit=100)


def cells(performer, hour=None):
    """By item and outcome what that hour held."""
    found = PerformerHour.objects.filter(pk=hours.key_of(performer.pk, hour or hours.floor(NOW))).first()
    told = found.cells if found else []
    return {(cell["title"], cell["outcome"]): {name: cell[name] for name in SUMS} for cell in told}


def everything():
    rows = collection(PerformerHour).find({}, dict.fromkeys(("counted_at", *MARKS), 0))
    return sorted(rows, key=lambda row: row["_id"])


def together():
    """The hours of all performers, then the days."""
    return [
        row
        for model in (ActivationHour, ActivationDay)
        for row in collection(model).find({}, {"revision": 0})
    ]


def days(performer):
    return list(collection(PerformerDay).find({"performer_id": performer.pk}).sort("_id", 1))


# --- once --------------------------------------------------------------------------------------------------


def test_an_hour_holds_what_was_tipped_and_what_it_became(chain, bob, ana):
    chain.played(bob, 100, seconds=9.5)
    chain.played(bob, 100)
    chain.settled(bob, 300)
    chain.settled(bob, 5)
    chain.dispatch()
    keep()
    run()
    fireworks = {"tips": 2, "tokens": 200, "net": 150, "promised": 200, "delivered": 195, "owed": 5}
    waited = {"waits": 2, "waited_ms": 40}
    nothing = dict.fromkeys(SUMS, 0)
    assert cells(ana) == {
        ("Fireworks", "played"): fireworks | waited,
        ("", "no_match"): nothing | {"tips": 1, "tokens": 300, "net": 225},
        ("", "below_minimum"): nothing | {"tips": 1, "tokens": 5, "net": 4},
    }


def test_what_plays_counts_as_under_way_until_it_has_ended(chain, bob, ana):
    tip_id = playing(chain, bob)
    run()
    assert list(cells(ana)) == [("Fireworks", "under_way")]
    chain.acknowledge(tip_id, "finished", delivered_seconds=10)
    run(NOW + timedelta(minutes=1))
    assert list(cells(ana)) == [("Fireworks", "played")]


def test_tests_are_no_tips_and_count_nowhere(ana):
    add(ana, 1, tip_id=None, amount=0)
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW)
    assert cells(ana) == {}
    assert PerformerHour.objects.get().rows == 1


def test_seconds_that_play_because_they_were_owed_are_delivered_and_not_promised_again(chain, bob, ana):
    tip_id = kept(chain, bob)
    again = requeue(tip_id).owed["requeued_as"]
    chain.dispatch()
    key = activation_id(f"owed-{activation_id(tip_id)}")
    said = [
        Ack(ana.pk, key, 1, "started", NOW),
        Ack(ana.pk, key, 1, "finished", NOW, 6.0),
    ]
    acknowledgement.acknowledge(said)
    run()
    [cell] = cells(ana).values()
    assert again
    assert (cell["tips"], cell["promised"], cell["delivered"], cell["owed"]) == (1, 100, 92, 0)


def test_each_hour_is_that_in_which_its_turn_came(ana):
    for n in (1, 2, 70, 140):
        add(ana, n)  # so many minutes ago
    PageLease.objects.create(pk=ana.pk, taken_at=NOW, expires_at=NOW)
    run()
    counted = {at.hour.hour: [cell["tips"] for cell in at.cells] for at in PerformerHour.objects.all()}
    assert counted == {4: [2], 3: [1], 1: [1]}


def test_waits_are_those_of_requests_in_the_archive_too(chain, bob, ana):
    chain.played(bob, 100)
    run()
    before = everything()
    assert archive.run(before=NOW + HOUR, time=lambda: NOW) is not None
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW + HOUR)
    assert everything() == before


# --- repeated ----------------------------------------------------------------------------------------------


def test_counted_again_it_is_the_same_and_what_is_unchanged_is_not_counted(chain, bob, ana):
    chain.played(bob, 100)
    run()
    first = PerformerHour.objects.get()
    run(NOW + timedelta(minutes=1))
    assert PerformerHour.objects.get().counted_at == first.counted_at == NOW
    daysums.count(ana.pk, [first.hour], now=NOW + HOUR)
    assert PerformerHour.objects.get().cells == first.cells


def test_what_was_counted_later_is_not_overwritten_by_what_was_seen_before(chain, bob, ana):
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW + HOUR)
    chain.played(bob, 100)
    daysums.count(ana.pk, [hours.floor(NOW)], now=NOW)
    assert cells(ana) == {}
    run(NOW + 2 * HOUR)
    assert len(cells(ana)) == 1


def test_the_command_gives_the_same_numbers(chain, bob, ana, monkeypatch, capsys):
    chain.played(bob, 100)
    kept(chain, bob)
    run(NOW)
    rounds = everything()
    collection(PerformerHour).delete_many({})
    monkeypatch.setattr("ground.clock.now", lambda: NOW)
    call_command("recount_hours", "--performer", ana.pk)
    assert everything() == rounds
    call_command("recount_hours", "--from", "2026-01-03", "--to", "2026-01-03")
    assert everything() == rounds
    assert "1 hours of 1 performers counted" in capsys.readouterr().out


def test_the_command_empties_an_hour_that_holds_nothing_any_more(chain, bob, ana, monkeypatch):
    chain.played(bob, 100)
    run(NOW)
    collection(Activation).delete_many({})
    monkeypatch.setattr("ground.clock.now", lambda: NOW)
    call_command("recount_hours")
    assert cells(ana) == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--performer", "nobody"], "no performer"),
        (["--from", "2026-01-03", "--to", "2026-01-02"], "must not be before"),
        (["--from", "yesterday"], "must be a day"),
    ],
)
def test_the_command_says_what_is_wrong(given, says, ana):
    with pytest.raises(CommandError, match=says):
        call_command("recount_hours", *given)


# --- concurrent --------------------------------------------------------------------------------------------


def test_many_that_count_at_once_count_each_tip_once(chain, bob, ana, in_threads):
    for _ in range(6):
        chain.played(bob, 100)
    in_threads(run, times=8)
    [cell] = cells(ana).values()
    assert (cell["tips"], cell["tokens"]) == (6, 600)
    assert PerformerHour.objects.count() == 1
    assert days(ana)[0]["tokens"][NOW.hour] == 600
    assert not hours.unsettled(limit=9)


# --- crashed -----------------------------------------------------------------------------------------------


def test_a_process_that_dies_after_any_write_leaves_what_the_next_one_completes(
    chain, bob, ana, nursery, written_elsewhere
):
    chain.played(bob, 100)
    tip_id = kept(chain, bob)
    waive(tip_id)
    ended = False
    for last in range(1, 29):
        status, writes = nursery("recount", last=last, now=clock.iso(NOW))
        ended = status != -signal.SIGKILL
        if ended:
            break
        assert {write.split()[-1] for write in writes} <= COUNTED
        assert len(writes) == last
    assert ended
    seen, summed = everything(), together()
    run(NOW + timedelta(minutes=1))
    assert (everything(), together()) == (seen, summed)
    assert [row["facets"] for row in summed] == [seen[0]["facets"]] * 2  # the hour, and its day
    assert waiting_since() is None
    [cell] = cells(ana).values()
    assert (cell["tips"], cell["delivered"], cell["owed"]) == (2, 132, 0)
    assert days(ana)[0]["cells"] == seen[0]["cells"]
    assert not hours.unsettled(limit=9)


# --- late ends ---------------------------------------------------------------------------------------------


def late(chain):
    """Nobody is active any more, and the hour is long over."""
    collection(PageLease).delete_many({})
    collection(PerformerTipHour).delete_many({})
    return NOW + timedelta(days=2)


def test_what_was_under_way_is_counted_however_late_it_ends(chain, bob, ana):
    tip_id = playing(chain, bob)
    run()
    then = late(chain)
    chain.acknowledge(tip_id, "finished", delivered_seconds=10, later=timedelta(days=2))
    run(then)
    assert list(cells(ana)) == [("Fireworks", "played")]


def test_an_end_that_is_corrected_later_marks_its_hour(chain, bob, ana):
    tip_id = playing(chain, bob)
    collection(Activation).update_many({}, {"$set": {"status": "timeout", "finished_at": NOW}})
    run()
    assert list(cells(ana)) == [("Fireworks", "timeout")]
    then = late(chain)
    chain.acknowledge(tip_id, "finished", delivered_seconds=10, later=timedelta(days=2))
    keep(then)
    run(then)
    assert list(cells(ana)) == [("Fireworks", "played")]


@pytest.mark.parametrize("decide", [waive, requeue])
def test_what_is_decided_about_seconds_owed_marks_their_hour(chain, bob, ana, decide):
    tip_id = kept(chain, bob)
    run()
    assert [cell["owed"] for cell in cells(ana).values()] == [68]
    then = late(chain)
    decide(tip_id)
    run(then)
    assert [cell["owed"] for cell in cells(ana).values()] == [0]
    assert not hours.unsettled(limit=9)


# --- who is looked at --------------------------------------------------------------------------------------


def test_who_was_tipped_or_held_devices_is_looked_at_and_nobody_else(chain, bob, ana, carol):
    chain.settled(bob, 100)
    while emission.drain(now=NOW, limit=100):
        pass
    assert list(recounting.active(now=NOW)) == [ana.pk]
    assert list(recounting.active(now=NOW + 4 * HOUR)) == []
    PageLease.objects.create(pk=carol.pk, taken_at=NOW, expires_at=NOW + 2 * HOUR)
    assert list(recounting.active(now=NOW + 4 * HOUR)) == [carol.pk]
    assert list(recounting.active(now=NOW, after=ana.pk)) == [carol.pk]


def test_a_round_that_takes_too_long_is_gone_on_with(ana, carol):
    for performer in (ana, carol):
        add(performer, 1 if performer is ana else 2)
        PageLease.objects.create(pk=performer.pk, taken_at=NOW, expires_at=NOW)
    clocks = joined((0.0, 0.0), repeat(99.0))
    counter = Recounter(lambda: next(clocks))
    assert not counter.run(now=NOW, limit=9)
    assert Counter(found.performer_id for found in PerformerHour.objects.all()) == {ana.pk: 1}
    assert counter.run(now=NOW, limit=9)
    assert PerformerHour.objects.count() == 2


def test_a_round_reads_by_indexes_and_a_quiet_performer_costs_two_looks(ana, now):
    many(Activation, lambda n: row(n, f"{n % 50:024x}"))
    many(PerformerHour, lambda n: {"_id": f"x/{n}", "performer_id": "x", "hour": now, "live": 0})
    many(PerformerTipHour, lambda n: {"_id": f"x/{n}", "performer_id": "x", "hour": now - n * HOUR})
    many(PageLease, lambda n: {"_id": f"p{n}", "expires_at": now - timedelta(days=1 + n)})
    add(ana, 9001, at=now)
    PageLease.objects.create(pk=ana.pk, taken_at=now, expires_at=now)
    run()
    with recorded(run=True) as plans:
        run(now + timedelta(minutes=1))
    assert scans(plans) == []
    assert len(plans) <= 8 + 2 * len(list(recounting.active(now=now)))
    assert max(plan.examined for plan in plans) <= 10
    assert Performer.objects.count() == 1
