"""Priority of items: where a queue goes by priority, a tip waits with that of the item which answers it. Set
once, by the first look; a menu without priorities pays nothing for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import PyMongoError

from ground.mongodb.collections import collection
from lovense.deciding import platform, priorities
from lovense.deciding.rules import Rules
from lovense.lane import controls, eta
from lovense.menus import publishing, reading, wishes
from lovense.menus.publishing import InvalidMenu
from lovense.models import Performer
from lovense.sending import dispatch
from tests.chain import SECOND
from tests.commands import RECORDER
from tests.factories import NOW
from tests.ground.conftest import fail_command
from tests.ground.plans import fill, recorded, scans
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.conftest import activation_of, in_collection, request_of
from tests.lovense.menus.offers import added, said
from tests.lovense.menus.test_terms import press
from tests.tips.test_ordering import AGEING, order, request
from tips.models import Mode, Priority, QueueRequest
from tips.queue import claims, ordering
from tips.queue import priorities as places
from tips.queue import requests as queue

__all__ = ["_nobody_is_woken", "fail_command", "press"]
db = pytest.mark.django_db
ROOT = "/api/lovense/tip-menu"
AMOUNTS = {"LOW": 20, "NORMAL": 30, "HIGH": 40}
POINTS = {"LOW": 1, "NORMAL": 5, "HIGH": 10}


def items():
    return [
        said(name.title(), itemId=name, minimum=amount, maximum=amount, priority=name, durationSec=5)
        for name, amount in AMOUNTS.items()
    ]


@pytest.fixture
def ranking(chain):
    """Her queue goes by priority, and of her items each has another one."""
    platform.change(key="queue_mode", value="priority", by="dina", now=NOW)
    publishing.publish(chain.performer_id, items(), chain.now)
    return chain


def waiting(chain, bob, *amounts):
    """Settled one second after another, in this order; nothing is under way."""
    found = []
    for amount in amounts:
        chain.now += SECOND
        found.append(chain.settled(bob, amount))
    chain.hold()
    return found


def turns(chain, tips):
    """The order in which they start, each played to its end."""
    found = []
    for _ in tips:
        chain.dispatch()
        running = [tip_id for tip_id in tips if request_of(tip_id)["status"] == "claimed"]
        found += running
        chain.now += SECOND
        for stage, more in (("received", {}), ("started", {}), ("finished", {"delivered_seconds": 5})):
            chain.acknowledge(running[0], stage, **more)
    return found


def place(tip_id):
    row = request_of(tip_id)
    return row.get("item_priority"), ordering.priority_of(row)


def looked(chain):
    return priorities.look([chain.performer_id], Rules.read([chain.performer_id]))


# --- the order ---------------------------------------------------------------------------------------------


@db
def test_the_highest_item_goes_first_and_equal_ones_in_their_order(ranking, bob):
    low, normal, high, late = tips = waiting(ranking, bob, 20, 30, 40, 40)
    assert turns(ranking, tips) == [high, late, normal, low]


@db
@pytest.mark.parametrize("mode", ["fifo", "batch"])
def test_in_the_other_modes_nobody_looks_and_the_first_goes_first(ranking, bob, mode):
    platform.change(key="queue_mode", value=mode, by="dina", now=NOW)
    low, high = waiting(ranking, bob, 20, 40)
    ranking.dispatch(later=2 * SECOND)
    assert request_of(low)["status"] == "claimed"
    assert place(high) == place(low) == (None, 10)


@db
def test_a_lower_one_is_overtaken_no_longer_than_the_bound_of_the_queue(ranking, bob):
    """Nine points are worth four and a half minutes of waiting, and not a second more."""
    (low,) = waiting(ranking, bob, 20)
    ranking.now += AGEING * 9 + SECOND
    high = ranking.settled(bob, 40)
    ranking.hold()
    assert turns(ranking, [low, high]) == [low, high]


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(sorted(POINTS))), min_size=1, max_size=12))
def test_placing_what_waits_keeps_the_bound_for_all_of_them(pairs):
    """The very bound of the queue: AGEING for each point of difference."""
    moments = sorted(seconds for seconds, _ in pairs)
    rows = [
        places.placed(
            request(turn, after=timedelta(seconds=moment), lane="507f191e810c19729de860eb"),
            Priority(POINTS[pairs[turn][1]]),
        )
        for turn, moment in enumerate(moments)
    ]
    found = order(rows, Mode.PRIORITY)
    for at, overtaken in enumerate(found):
        for first in found[:at]:
            later = first["waiting_since"] - overtaken["waiting_since"]
            points = ordering.priority_of(first) - ordering.priority_of(overtaken)
            assert (later, first["turn"]) < (AGEING * points, overtaken["turn"])


@db
def test_more_lower_ones_than_one_look_sees_do_not_hide_a_higher_one(ranking, bob, monkeypatch):
    monkeypatch.setattr(priorities, "LOOKED_AT", 2)
    *lower, high = waiting(ranking, bob, 20, 20, 20, 20, 20, 40)
    ranking.dispatch()
    assert request_of(high)["status"] == "claimed"
    assert {place(tip_id) for tip_id in lower} == {(1, 1)}


@db
def test_it_is_that_of_the_item_in_the_version_that_the_viewer_saw(ranking, bob):
    (seen,) = waiting(ranking, bob, 20)
    ranking.now += SECOND
    publishing.publish(ranking.performer_id, [said(minimum=1, maximum=None)], ranking.now)
    (later,) = waiting(ranking, bob, 20)
    assert turns(ranking, [seen, later]) == [later, seen]
    assert (place(seen), place(later)) == ((1, 1), (None, 10))


@db
def test_what_no_item_answers_waits_as_every_tip(ranking, bob):
    none, low = waiting(ranking, bob, 999, 20)
    looked(ranking)
    assert (place(none), place(low)) == ((10, 10), (1, 1))


@db
def test_the_start_that_is_foreseen_is_in_the_order_in_which_they_start(ranking, bob):
    tips = waiting(ranking, bob, 20, 30, 40)
    starts = eta.of_lane(ranking.performer_id, now=ranking.now)
    foreseen = [start.request["payload"]["tipId"] for start in starts]
    assert [place(tip_id) for tip_id in tips] == [(None, 10)] * 3  # it only foresees
    assert foreseen == turns(ranking, tips)


@db
def test_what_a_person_moved_up_is_moved_by_no_item(ranking, bob):
    low, normal, high = tips = waiting(ranking, bob, 20, 30, 40)
    controls.move_up(
        request_id=queue.request_id(low), performer_id=ranking.performer_id, by="ana", now=ranking.now
    )
    assert turns(ranking, tips) == [high, low, normal]


# --- once, repeated, concurrent, crashed -------------------------------------------------------------------


@db
def test_the_first_look_sets_it(ranking, bob):
    tips = waiting(ranking, bob, 20, 30, 40)
    assert looked(ranking) == 3
    assert [place(tip_id) for tip_id in tips] == [(1, 1), (5, 5), (10, 10)]


@db
def test_a_second_look_changes_nothing_whatever_the_menu_is_by_then(ranking, bob):
    tips = waiting(ranking, bob, 20, 40)
    looked(ranking)
    before = [request_of(tip_id) for tip_id in tips]
    other = [each | {"priority": "HIGH" if each["priority"] == "LOW" else "LOW"} for each in items()]
    publishing.publish(ranking.performer_id, other, ranking.now)
    assert looked(ranking) == 0
    assert [request_of(tip_id) for tip_id in tips] == before


@db
@pytest.mark.parametrize(("amount", "is_set"), [(20, (1, 1)), (40, (10, 10))])
def test_who_read_it_before_another_set_it_sets_it_no_more(ranking, bob, amount, is_set):
    """Also where it stays in its line."""
    (tip_id,) = waiting(ranking, bob, amount)
    (row,) = places.first(ranking.performer_id, limit=10)
    looked(ranking)
    assert places.set_once({row["_id"]: Priority.NORMAL}, [row]) == 0
    assert place(tip_id) == is_set


@db
def test_what_was_claimed_meanwhile_keeps_its_line(ranking, bob):
    (tip_id,) = waiting(ranking, bob, 20)
    (row,) = places.first(ranking.performer_id, limit=10)
    fronts = claims.fronts([ranking.performer_id])
    claims.claim(fronts, by="worker-0", now=ranking.now, lease_seconds=10)
    assert places.set_once({row["_id"]: Priority.LOW}, [row]) == 0
    assert place(tip_id) == (None, 10)


@pytest.mark.django_db(transaction=True)
def test_of_looks_at_one_moment_each_tip_is_set_by_one(ranking, bob):
    tips = waiting(ranking, bob, *[20, 30, 40] * 4)
    barrier = Barrier(4)

    def one(_):
        try:
            barrier.wait(10)
            return looked(ranking)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == len(tips)
    assert [place(tip_id)[0] for tip_id in tips] == [1, 5, 10] * 4


@db
@pytest.mark.parametrize("command", ["update", "aggregate"])
def test_whoever_dies_during_a_look_or_after_it_has_only_left_it_to_the_next(
    ranking, bob, fail_command, command
):
    """Before the write nothing is set; after it, what was set stays, and the fronts are read again."""
    low, high = tips = waiting(ranking, bob, 20, 40)
    fronts = claims.fronts([ranking.performer_id])
    rules = Rules.read(fronts)
    fail_command(command, errorCode=8000, **in_collection(QueueRequest))
    with pytest.raises(PyMongoError):
        priorities.ordered(fronts, rules)
    assert place(low) == ((None, 10) if command == "update" else (1, 1))
    assert turns(ranking, tips) == [high, low]
    assert [place(tip_id) for tip_id in tips] == [(1, 1), (10, 10)]


# --- what it costs -----------------------------------------------------------------------------------------


def sent(chain):
    """The commands of a whole round."""
    RECORDER.commands = found = []
    try:
        assert not dispatch.drain(now=chain.now, limit=100)
    finally:
        RECORDER.commands = None
    return [f"{(name := next(iter(command)))} {command[name]}" for _, command in found]


@db
def test_a_menu_without_priorities_costs_no_command_more_in_any_mode(chain, bob):
    usual = [each | {"priority": "HIGH"} for each in items()]
    found = {}
    for mode in ("fifo", "priority"):
        platform.change(key="queue_mode", value=mode, by="dina", now=chain.now)
        chain.now += SECOND
        publishing.publish(chain.performer_id, usual, chain.now)
        (tip_id,) = waiting(chain, bob, 20)
        reading.read([f"{chain.performer_id}.{menu_version(chain)}"])
        found[mode] = sent(chain)
        chain.acknowledge(tip_id, "finished", delivered_seconds=5)
        assert activation_of(tip_id)["status"] == "completed"
    assert found["priority"] == found["fifo"]


@db
def test_a_tip_that_was_looked_at_costs_no_command_more(ranking, bob):
    waiting(ranking, bob, 40)
    looked(ranking)
    assert not [each for each in sent(ranking) if each.startswith("find queue_requests") and "line" in each]


def test_a_look_among_many_reads_no_more_than_it_looks_at(db):
    def row(n):
        place = {"lane": f"L{n % 2}", "line": f"L{n % 2}/10", "turn": n, "type": "TipActivated"}
        return {"_id": f"r{n}", "idempotency_key": n, "status": "pending", "attempts": 0} | place

    fill(QueueRequest, row)
    with recorded(run=True) as plans:
        found = places.first("L1", limit=10)
        assert places.set_once({row["_id"]: Priority.LOW for row in found}, found) == 10
    assert scans(plans) == []
    assert plans[0].indexes == ["request_claim"]
    assert plans[0].examined <= 11


def menu_version(chain):
    return collection(Performer).find_one({"_id": chain.performer_id})["menu_version"]


# --- what she says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("priority", ["CRITICAL", "low", "", 5, None, []])
def test_any_other_priority_is_refused_naming_the_field_and_the_rule(priority):
    with pytest.raises(InvalidMenu) as refused:
        publishing.validated([said(priority=priority)])
    (error,) = refused.value.errors
    assert (error.field, error.rule) == ("priority", "must be one of LOW, NORMAL, HIGH")


def test_a_version_keeps_only_what_is_not_usual():
    assert "priority" not in publishing.validated([said(priority="HIGH")])[0]
    assert publishing.validated([said(priority="LOW")])[0]["priority"] == "LOW"
    assert wishes.new(said())["priority"] == "HIGH"


@db
def test_over_rest_it_is_a_field_of_the_item_and_the_preview_says_it(ana):
    hers = Caller(ana.user, root="")
    created = hers("post", ROOT, said("Wave", priority="LOW", minimum=20, maximum=20))
    assert created.json()["priority"] == "LOW"
    found = hers("get", f"{ROOT}/preview?amount=20&version=draft").json()
    assert found["item"]["priority"] == "LOW"


@db
def test_the_form_offers_it_and_says_when_it_counts(press, client, ana):
    item_id = added(ana, "Wave").items[0]["itemId"]
    form = client.get(f"/menu/items/{item_id}/change").content.decode()
    assert "It counts only while your queue goes by priority." in form
    typed = said("Wave") | {"section": "", "description": "", "active": "1"}
    press(f"items/{item_id}/change", **typed, revision=1, priority="LOW")
    assert "low priority" in client.get("/menu").content.decode()
    form = client.get(f"/menu/items/{item_id}/change").content.decode()
    assert '<option value="LOW" selected>' in form
