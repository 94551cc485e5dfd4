"""Pairings of hosts that are known, how pairings end, what a process that dies leaves, and every pair of
states."""

from datetime import timedelta

import pytest

from ground.audit.models import AuditEntry
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from lovense.devices import pairing
from lovense.models import Host, Pairing
from lovense.models import PairingStatus as P
from tests.factories import NOW
from tests.flows.nursery import SLOT, SURVIVED
from tests.ground.conftest import in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.devices.pairings import cancel, host, pair, rogue, rows, simulated, statuses, told
from tests.states import coded, documented, pairs

__all__ = ["in_threads", "rogue", "simulated"]
pytestmark = pytest.mark.django_db

LIFE = timedelta(seconds=900)
TICK = timedelta(milliseconds=1)


# --- hosts -------------------------------------------------------------------------------------------------


def test_a_host_that_is_paired_again_keeps_its_uid_and_gets_another_utoken(ana, simulated):
    known = host(ana, 1)
    first, second = pair(ana, host_id=known["_id"]), pair(ana, host_id=known["_id"])
    assert {first["uid"], second["uid"]} == {known["uid"]}
    assert {first["host_id"], second["host_id"]} == {known["_id"]}
    assert len({first["utoken_hash"], second["utoken_hash"], known["utoken_hash"]}) == 3
    assert collection(Host).find_one() == known, "it is the callback that changes it"
    entry = collection(AuditEntry).find_one({"target": first["_id"]})
    assert entry["after"] == {"hostId": known["_id"], "isNewHost": False}


def test_a_host_that_is_not_hers_or_unpaired_is_none(ana, carol, rogue):
    host(carol, 1), host(ana, 2, unpaired_at=NOW)
    for number in (1, 2, 3):
        with pytest.raises(pairing.NoSuchHost) as none:
            pair(ana, host_id=f"{number:024x}")
        assert none.value.status == 404
    assert (rows(), told(), rogue.asked) == ([], [], [])


def test_four_hosts_are_the_most_and_may_be_paired_again(ana, carol, rogue):
    for number in range(1, 4):
        host(ana, number)
    host(ana, 8, unpaired_at=NOW), host(carol, 9)
    open_one = pair(ana)
    host(ana, 4)
    with pytest.raises(pairing.TooManyHosts) as many:
        pair(ana)
    assert (many.value.status, many.value.code) == (409, "too_many_hosts")
    assert pairing.current(ana.pk, now=NOW) == open_one, "what was open stays so"
    assert pair(ana, host_id=f"{4:024x}")["status"] == "shown"


# --- ending ------------------------------------------------------------------------------------------------


def test_cancelling_ends_it_once(ana, simulated):
    row = pair(ana)
    for later in (TICK, 2 * TICK):
        cancel(ana, row["_id"], now=NOW + later)
    ended = pairing.find(ana.pk, row["_id"])
    assert (pairing.step_of(ended), ended["ended_at"]) == ("cancelled", NOW + TICK)
    assert (ended["uid"], ended["utoken_hash"], ended["open_for"], ended["image"]) == ("", "", "", None)
    assert told() == [("open", row["_id"]), ("cancel", row["_id"])]


def test_cancelling_at_once_is_told_once(ana, simulated, in_threads):
    row = pair(ana)
    in_threads(lambda: cancel(ana, row["_id"]), times=8)
    assert told() == [("open", row["_id"]), ("cancel", row["_id"])]


def test_what_has_connected_is_not_cancelled(ana, simulated):
    row = pair(ana)
    assert pairing.advance(row["_id"], P.CONNECTED, now=NOW, toys_count=2)
    cancel(ana, row["_id"])
    ended = pairing.find(ana.pk, row["_id"])
    assert (pairing.step_of(ended), ended["toys_count"]) == ("connected", 2)
    assert told() == [("open", row["_id"])]


def test_another_performers_pairing_does_not_exist(ana, carol, simulated):
    row = pair(ana)
    for call in (lambda: pairing.find(carol.pk, row["_id"]), lambda: cancel(carol, row["_id"])):
        with pytest.raises(pairing.NoSuchPairing):
            call()
    assert pairing.current(carol.pk, now=NOW) is None
    assert statuses() == ["shown"]


def test_it_expires_when_its_time_is_over_and_only_then(ana, carol, simulated):
    row = pair(ana)
    pair(carol, now=NOW + LIFE / 2)
    assert pairing.expire(now=NOW + LIFE - TICK) == set()
    assert pairing.expire(now=NOW + LIFE) == {ana.pk}
    assert pairing.expire(now=NOW + LIFE) == set()
    ended = pairing.find(ana.pk, row["_id"])
    assert (pairing.step_of(ended), ended["ended_at"], ended["uid"]) == ("expired", NOW + LIFE, "")
    assert statuses() == ["expired", "shown"]


def test_what_was_scanned_and_has_no_toy_expires_too(ana, simulated):
    row = pair(ana)
    pairing.advance(row["_id"], P.SCANNED, now=NOW)
    assert pairing.step_of(pairing.find(ana.pk, row["_id"])) == "scanned"
    assert pairing.expire(now=NOW + LIFE) == {ana.pk}


def test_two_sweeps_at_once_tell_it_once(ana, simulated, in_threads):
    pair(ana)
    found = in_threads(lambda: pairing.expire(now=NOW + LIFE), times=4, workers=4)
    assert sum(map(len, found)) == 1


def test_an_end_is_shown_for_some_minutes(ana, simulated):
    row = pair(ana)
    pairing.expire(now=NOW + LIFE)
    over = NOW + LIFE + pairing.RECENT
    assert pairing.current(ana.pk, now=over - TICK)["_id"] == row["_id"]
    assert pairing.current(ana.pk, now=over) is None
    assert pairing.current(ana.pk) is None, "by the clock, too"


def test_she_has_none_before_her_first(ana):
    assert pairing.current(ana.pk, now=NOW) is None


# --- crashed -----------------------------------------------------------------------------------------------


@pytest.fixture
def dies(ana, nursery, simulated, written_elsewhere):
    """`dies(last)`: a process that opens a pairing beside an open one is killed after its last-th write; how
    it ended."""

    def run(last, key=""):
        given = {"performer_id": ana.pk, "cloud": simulated.simulator.url, "key": key}
        status, _ = nursery("open_pairing", last=last, **given)
        abandoned.end(SLOT)
        return status

    return run


def test_a_process_that_dies_while_it_opens_one_leaves_the_old_or_the_new_one(ana, simulated, dies):
    """Its writes: replaced, opened, audited, committed; shown."""
    for last in range(1, 6):
        collection(Pairing).delete_many({}), collection(AuditEntry).delete_many({})
        before = pair(ana)
        assert dies(last) != SURVIVED
        expected = {4: ["opened", "replaced"], 5: ["replaced", "shown"]}.get(last, ["shown"])
        assert statuses() == expected, last
        assert len(told()) == len(expected), last
        if last < 4:
            assert pairing.current(ana.pk, now=NOW) == before
    assert dies(6) == SURVIVED


def test_what_a_dead_process_opened_is_replaced_or_expires(ana, dies):
    assert dies(3) != SURVIVED
    assert statuses() == ["opened"], "durable, and the vendor not asked"
    row = pair(ana)
    assert statuses() == ["replaced", "shown"]
    cancel(ana, row["_id"])
    assert dies(3) != SURVIVED
    (opened,) = (each for each in rows() if each["status"] == "opened")
    assert pairing.expire(now=opened["expires_at"]) == {ana.pk}


def test_what_a_dead_process_opened_is_shown_to_the_same_key(ana, dies):
    assert dies(3, key="k") != SURVIVED
    (opened,) = rows()
    shown = pair(ana, key="k")
    assert (shown["_id"], shown["status"]) == (opened["_id"], "shown")


# --- states ------------------------------------------------------------------------------------------------

MOVES = {
    P.OPENED: lambda ana, row: None,  # nothing leads back to it
    P.SHOWN: lambda ana, row: pairing._introduce(row, "utoken", NOW),
    P.SCANNED: lambda ana, row: pairing.advance(row["_id"], P.SCANNED, now=NOW),
    P.CONNECTED: lambda ana, row: pairing.advance(row["_id"], P.CONNECTED, now=NOW),
    P.EXPIRED: lambda ana, row: pairing.expire(now=NOW + LIFE),
    P.REPLACED: lambda ana, row: pair(ana),
    P.CANCELLED: lambda ana, row: cancel(ana, row["_id"]),
}


@pytest.mark.parametrize("both", pairs(P), ids=lambda both: f"{both[0]} to {both[1]}")
def test_a_pairing_moves_exactly_as_its_table_says(ana, rogue, both):
    start, to = both
    row = pair(ana)
    mine = {"_id": row["_id"]}
    if start in pairing.FINAL:
        assert pairing.advance(row["_id"], start, now=NOW)
    else:
        collection(Pairing).update_one(mine, {"$set": {"status": start.value}})
    before = collection(Pairing).find_one(mine)
    MOVES[to](ana, before)
    after = collection(Pairing).find_one(mine)
    has_moved = after["status"] == to and after != before
    assert has_moved == (start in pairing.PREDECESSORS.get(to, frozenset()))
    if not has_moved:
        assert after == before


def test_the_documented_table_of_a_pairing_is_the_codes():
    assert documented("Pairing") == coded(pairing.PREDECESSORS)
    assert set(P) == pairing.OPEN | pairing.FINAL


def test_every_state_is_a_step_that_she_is_told():
    assert {pairing.step_of({"status": each.value}) for each in P} == set(pairing.STEPS)
    assert pairing.step_of({"status": "opened"}) == pairing.step_of({"status": "shown"}) == "waiting"


# --- found by an index -------------------------------------------------------------------------------------


def test_nothing_reads_all_pairings(ana, rogue):
    def row(number):
        return {
            "_id": f"{number:024x}",
            "performer_id": f"{number // 4:024x}",
            "status": "expired",
            "open_for": "",
            "uid": "",
            "idempotency_key": "",
            "opened_at": NOW,
            "expires_at": NOW,
            "ended_at": NOW,
        }

    fill(Pairing, row)
    with recorded(run=True) as plans:
        opened = pair(ana, key="k")
        pair(ana, key="k2")
        cancel(ana, opened["_id"])
        pairing.current(ana.pk, now=NOW)
        pairing.expire(now=NOW + LIFE)
        pairing.current(ana.pk, now=NOW)
    assert scans([plan for plan in plans if plan.command != "insert"]) == []
    assert max(plan.examined for plan in plans) <= 4
    assert {"pairing_runs_out", "pairing_open", "pairing_once", "pairing_of_performer"} <= {
        name for plan in plans for name in plan.indexes
    }


def test_a_sweep_reads_with_one_statement_what_is_due(ana, carol, rogue):
    pair(ana), pair(carol, now=NOW + TICK)
    with recorded(run=True) as plans:
        pairing.expire(now=NOW + LIFE)
    assert [plan.command for plan in plans] == ["find", "update"]
