"""No hot look-up of lanes, activations and pages costs more when there is much: the plan of every command
that the real code sends is checked."""

from datetime import timedelta

import pytest

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.lane import cancellation
from lovense.models import Activation, PageLease, Performer, Show
from lovense.sending import pages
from lovense.shows import keeping as show_keeping
from lovense.shows import onair
from lovense.shows import sums as show_sums
from lovense.stopping import stop, underway
from tests.factories import NOW
from tests.ground.plans import MANY, fill, recorded, scans
from tips.models import Mode, Priority, QueueRequest
from tips.queue import claims, counts

pytestmark = pytest.mark.django_db


def in_lane(number):
    return {"lane": f"L{number:02}", "line": f"L{number:02}/10"}


def test_the_heads_of_all_lanes_cost_one_look_per_lane():
    fill(
        QueueRequest,
        lambda n: (
            {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "turn": MANY - n} | in_lane(n % 50)
        ),
    )
    lanes = [f"L{n:02}" for n in range(0, 50, 2)]
    with recorded(run=True) as plans:
        heads = claims.heads(lanes)
    assert sorted(head["lane"] for head in heads) == lanes
    assert {head["turn"] for head in heads} == {50 - n for n in range(0, 50, 2)}
    assert "DISTINCT_SCAN" in plans[0].stages
    assert plans[0].indexes == ["request_claim"]
    # A lane has four lines: the head of one of them, a step to each of the others that is empty, one over a
    # lane not asked for.
    assert plans[0].examined <= 4 * len(lanes)


def test_a_claim_among_many_reads_what_it_takes(now):
    def row(n):
        status = "pending" if n % 4 else "completed"
        return {
            "_id": f"r{n}",
            "idempotency_key": n,
            "status": status,
            "turn": n,
            "available_at": now,
            "attempts": 0,
        } | in_lane(n % 50)

    fill(QueueRequest, row)
    with recorded(run=True) as plans:
        claimed = claims.claim(
            claims.fronts([f"L{n:02}" for n in range(50)]), by="worker-0", now=now, lease_seconds=10
        )
    assert len(claimed) == 50
    assert scans(plans) == []
    # An $in of the four lines of 50 lanes also touches the keys between them, whatever the depth.
    assert max(plan.examined for plan in plans) <= 200


def test_what_was_tried_is_found_behind_whatever_waits(now):
    def row(n, **more):
        waits = {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "turn": n, "attempts": 0}
        return waits | {"available_at": now, "lane": "L01", "line": "L01/10"} | more

    fill(QueueRequest, row)
    tried, again = row(MANY, attempts=1), row(-1, attempts=4, attempts_before=4)
    collection(QueueRequest).insert_many([tried, again, row(-2, attempts=1, status="completed")])
    with recorded(run=True) as plans:
        assert claims.tried(["L01", "L02"]) == [tried]
        claimed = claims.claim(claims.fronts(["L01"]), by="worker-0", now=now, lease_seconds=10)
    assert [row["_id"] for row in claimed] == [tried["_id"]]
    assert plans[0].indexes == ["request_tried"]
    assert plans[0].examined <= 2
    assert scans(plans) == []


def test_leases_that_ran_out_cost_as_many_looks_as_there_are_claims(now):
    fill(
        QueueRequest,
        lambda n: {
            "_id": f"r{n}",
            "idempotency_key": n,
            "status": "completed",
            "lane": f"L{n}",
            "lease_until": None,
        },
    )
    taken = [
        {"_id": f"c{n}", "idempotency_key": f"c{n}", "status": "claimed", "lane": f"L{n}", "lease_until": now}
        for n in range(9)
    ]
    collection(QueueRequest).insert_many([claim | {"claimed_by": "worker-0/1"} for claim in taken])
    with recorded(run=True) as plans:
        assert len(claims.expired(now=now, limit=100)) == 9
        assert claims.expire_claims_of("worker-0", now=now - timedelta(1)) == 9
    assert scans(plans) == []
    assert [plan.examined for plan in plans] == [9, 9]


def test_what_waits_is_found_by_its_lane(now):
    fill(
        QueueRequest,
        lambda n: {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "turn": n} | in_lane(n % 50),
    )
    with recorded(run=True) as plans:
        assert len(counts.waiting_lanes()) == 50
        counts.waiting_in("L01", before=now, limit=20)
    assert scans(plans) == []
    assert plans[0].examined == 50
    assert plans[1].examined <= MANY / 50


def test_a_performers_newest_activations_cost_as_many_as_are_shown():
    fill(
        Activation,
        lambda n: {
            "_id": f"{n}.all",
            "performer_id": f"P{n % 3}",
            "created_at": NOW + timedelta(seconds=n // 9),
            "position": n,
            "status": "completed",
        },
    )
    newest = [("created_at", -1), ("position", -1)]
    with recorded(run=True) as plans:
        shown = list(collection(Activation).find({"performer_id": "P1"}).sort(newest).limit(20))
        hers = Activation.objects.filter(performer_id="P1")
        list(hers.order_by("-created_at", "-position").values_list("pk")[:20])
    assert shown[0]["position"] == MANY - 1
    assert [plan.indexes for plan in plans] == [["activation_history"]] * 2
    assert [plan.examined for plan in plans] == [20, 20]


def test_what_a_performer_has_in_flight_does_not_cost_her_history():
    fill(
        Activation, lambda n: {"_id": f"{n}.all", "performer_id": "P1", "position": n, "status": "completed"}
    )
    collection(Activation).insert_one(
        {"_id": "x.all", "performer_id": "P1", "position": 1, "status": "activated"}
    )
    wanted = {"performer_id": {"$in": ["P1", "P2"]}, "status": {"$in": ["dispatched", "activated"]}}
    with recorded(run=True) as plans:
        assert len(list(collection(Activation).find(wanted))) == 1
        mine = Activation.objects.filter(performer_id="P1", status__in=["dispatched", "activated"])
        assert len(mine) == 1
        assert mine.order_by("position").values_list("pk", flat=True).first() == "x.all"
    assert [plan.indexes for plan in plans] == [["activation_in_flight"]] * 3
    assert [plan.examined for plan in plans] == [1, 1, 1]
    assert scans(plans) == []


def test_a_performer_who_has_nothing_in_flight_does_not_pay_for_her_history():
    fill(
        Activation, lambda n: {"_id": f"{n}.all", "performer_id": "P1", "position": n, "status": "completed"}
    )
    with recorded(run=True) as plans:
        found = (
            Activation.objects.filter(performer_id="P1", status__in=["dispatched", "activated"])
            .order_by("position")
            .first()
        )
    assert found is None
    assert plans[0].examined == 0


def test_pages_of_many_performers_cost_those_that_are_open(now):
    fill(
        PageLease,
        lambda n: {"_id": f"P{n}", "slot": "web-0", "channel": "old", "expires_at": now - timedelta(days=1)},
    )
    pages.take("open", page_id="p", channel="c", slot="web-0", now=now)
    with recorded(run=True) as plans:
        assert pages.holders(now=now) == {"open": pages.Holder("c", 1)}
    assert plans[0].examined == 1


def test_rounds_of_shows_cost_those_that_are_due_and_their_sums_what_they_span(now):
    fill(PageLease, lambda n: {"_id": f"P{n}", "expires_at": now, "show_look_at": None})
    fill(
        Show,
        lambda n: (
            {"_id": f"s{n}", "performer_id": f"P{n % 50}", "began_at": now, "is_open": False}
            | {"ended_at": now, "look_at": None, "sums": None}
        ),
    )
    old = {"status": "completed", "created_at": now - timedelta(days=1)}
    fill(Activation, lambda n: {"_id": f"{n}.all", "performer_id": "P1", "position": n, **old})
    pages.take("on air", page_id="p", channel="c", slot="web-0", now=now)
    with recorded(run=True) as plans:
        assert show_keeping.drain(now=now, limit=100) == 1
        assert show_sums.drain(now=now, limit=100) == 0
        onair.ended("P1", limit=9)
        show_sums.of("P1", began_at=now, ended_at=now)
    assert scans(plans) == []
    assert max(plan.examined for plan in plans if plan.collection in ("page_leases", "shows")) <= 9


@pytest.mark.parametrize("mode", Mode)
def test_a_claim_reads_the_same_keys_at_any_depth(mode, now):
    """One lane, all four lines; in batch mode with the look at what may join."""
    examined = []
    for depth in (200, 10_000):
        collection(QueueRequest).delete_many({})
        rows = [
            {
                "_id": f"r{n}",
                "idempotency_key": n,
                "status": "pending",
                "lane": "L1",
                "line": f"L1/{Priority.values[n % 4]}",
            }
            | {"turn": n, "waiting_since": now, "available_at": now - timedelta(seconds=2), "attempts": 0}
            for n in range(depth)
        ]
        collection(QueueRequest).insert_many(rows)
        with recorded(run=True) as plans:
            (row,) = claims.claim(
                claims.fronts(["L1"]), by="worker-0", now=now, lease_seconds=10, modes={"L1": mode}
            )
            counts.waiting_in("L1", limit=99)
        assert scans(plans) == []
        examined.append([plan.examined for plan in plans])
    assert row["_id"] == ("r3" if mode is Mode.PRIORITY else "r0")
    assert examined[0] == examined[1]


def test_who_is_stopped_is_asked_of_ones_own_pages_only(now):
    def row(n):
        since = now if n % 2 else None
        return {"_id": f"{n:024x}", "user_id": n, "stop_epoch": 1, "stopped_at": since}

    fill(Performer, row)
    asked = [f"{n:024x}" for n in range(40)]
    with recorded(run=True) as plans:
        found = stop.stopped_among(asked)
    assert sorted(found) == asked[1::2]
    (plan,) = plans
    assert plan.indexes == ["_id_"]
    assert plan.examined <= len(asked) + 1


def test_a_press_reads_what_is_under_way_of_hers(now):
    def row(n):
        whose = {"_id": f"a{n}", "performer_id": f"{n % 2000:024x}", "position": n, "request_id": f"r{n}"}
        return whose | {"status": "dispatched" if n % 10 == 3 else "completed", "stopped_at": None}

    fill(Activation, row)
    hers = f"{3:024x}"
    with recorded(run=True) as plans:
        transactions.run(lambda session: underway.end(hers, 1, now=now, session=session))
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 30


def test_what_was_stopped_and_heard_of_no_more_is_found_among_many(now):
    def row(n):
        whose = {"_id": f"a{n}", "performer_id": "x", "position": n, "request_id": f"r{n}"}
        is_live = n < 5
        status = "dispatched" if is_live else "failed"
        return whose | {"status": status, "stopped_at": now - timedelta(minutes=1)}

    fill(Activation, row)
    with recorded(run=True) as plans:
        cancellation.heal(now=now, limit=100)
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 10
