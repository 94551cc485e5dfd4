"""A waiting request is moved to the place that she chose among those that she saw; what she did not see is
never overwritten, and nothing that was tried is overtaken."""

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.lane import controls, placing
from lovense.lane.controls import AlreadyOver, NoSuchRequest
from lovense.lane.placing import AlreadyTried, InvalidPlace, OrderChanged, OutOfSight
from tests.factories import NOW
from tests.lovense.conftest import in_collection, seconds
from tests.lovense.controlling import actions, drain, entries, played, who
from tips.models import QueueRequest
from tips.queue import claims
from tips.queue import requests as queue

__all__ = ["who"]
pytestmark = pytest.mark.django_db
ERROR = 8000
MODES = pytest.mark.parametrize("mode", ["fifo", "priority", "batch"])


def key(tip_id):
    return queue.request_id(tip_id)


def keys(tip_ids):
    return [key(tip_id) for tip_id in tip_ids]


def order_of(who, now=NOW):
    return placing.present(who["performer_id"], now=now).order


def place(who, tip_id, before, order):
    placing.place(**who, request_id=key(tip_id), before=before and key(before), order=keys(order))


@pytest.fixture
def four(chain, bob):
    """The second is Soft wave: what is alike next to each other would join in a batch."""
    return [chain.settled(bob, amount) for amount in (100, 50, 100, 50)]


def moved(order, which, before):
    rest = [each for each in order if each != which]
    at = rest.index(before) if before else len(rest)
    return [*rest[:at], which, *rest[at:]]


# --- once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["fifo", "priority"])
@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("before", [0, 1, 2, 3, None])
def test_it_plays_where_she_has_put_it(chain, who, wire, four, mode, which, before):
    if which == before:
        return
    controls.set_mode(**who, mode=mode)
    tip_id, target = four[which], four[before] if before is not None else ""
    place(who, tip_id, target, four)
    wanted = moved(four, tip_id, target)
    assert order_of(who) == keys(wanted)
    assert played(chain, wire) == wanted


def test_in_batches_a_request_of_another_item_is_moved_before_the_run(chain, who, wire, four):
    controls.set_mode(**who, mode="batch")
    later = NOW + seconds(2)
    seen = placing.present(who["performer_id"], now=later).order
    assert seen == keys([four[0], four[2], four[1], four[3]])
    about = who | {"now": later}
    placing.place(**about, request_id=key(four[1]), before=seen[0], order=seen)
    assert order_of(who, later)[0] == key(four[1])


def test_what_is_behind_what_she_saw_keeps_its_place(chain, bob, who, four):
    more = chain.settled(bob, 100)
    place(who, four[0], "", four[:3])
    assert order_of(who) == keys([four[1], four[2], four[0], four[3], more])


def test_it_is_in_the_audit_log_with_both_places(who, four):
    place(who, four[3], four[0], four)
    ((action, before, after),) = entries(key(four[3]))
    assert (action, before, after) == ("place", {"place": 4}, {"place": 1})


def test_play_next_puts_it_before_all(chain, who, wire, four):
    placing.play_next(**who, request_id=key(four[2]))
    assert played(chain, wire) == [four[2], four[0], four[1], four[3]]


# --- repeated ----------------------------------------------------------------------------------------------


def test_said_twice_it_is_the_same_order_and_one_entry(who, four):
    for _ in range(2):
        place(who, four[3], four[1], four)
    assert order_of(who) == keys(moved(four, four[3], four[1]))
    for _ in range(2):
        placing.play_next(**who, request_id=key(four[2]))
    assert actions() == ["place", "place"]


def test_before_itself_it_stays(who, four):
    place(who, four[1], four[1], four)
    assert (order_of(who), actions()) == (keys(four), [])


# --- refused -----------------------------------------------------------------------------------------------


def test_where_the_order_is_another_one_nothing_is_done_and_the_present_one_is_told(who, four):
    seen = [four[1], four[0], *four[2:]]
    with pytest.raises(OrderChanged) as changed:
        place(who, four[3], four[1], seen)
    assert changed.value.details == {"order": keys(four)}
    assert order_of(who) == keys(four)


def test_what_plays_or_is_gone_is_not_moved(chain, who, four):
    drain(chain)
    with pytest.raises(AlreadyOver):
        place(who, four[0], "", four)
    with pytest.raises(OrderChanged):
        place(who, four[3], four[0], four)
    controls.cancel(request_id=key(four[1]), performer_id=who["performer_id"], by="ana", why="", now=NOW)
    with pytest.raises(AlreadyOver):
        placing.play_next(**who, request_id=key(four[1]))
    assert order_of(who) == keys(four[2:])


def test_what_was_tried_is_neither_moved_nor_overtaken(chain, who, four):
    drain(chain)
    finish_busy(chain, four[0])
    assert order_of(who)[0] == key(four[0])
    with pytest.raises(AlreadyTried):
        place(who, four[3], four[0], four)
    with pytest.raises(AlreadyTried):
        place(who, four[0], "", four)
    with pytest.raises(AlreadyTried):
        placing.play_next(**who, request_id=key(four[0]))
    placing.play_next(**who, request_id=key(four[3]))
    assert order_of(who) == keys([four[0], four[3], four[1], four[2]])


def finish_busy(chain, tip_id):
    """Its page refuses it for now."""
    chain.acknowledge(tip_id, "failed", code="busy")


def test_what_is_anothers_is_not_found(who, four, carol):
    about = who | {"performer_id": carol.performer_id}
    for what in (four[0], "nobody"):
        with pytest.raises(NoSuchRequest):
            place(about, what, "", [what])
        with pytest.raises(NoSuchRequest):
            placing.play_next(**about, request_id=key(what))


@pytest.mark.parametrize(
    ("before", "order", "field"),
    [
        ("", [], "order"),
        ("", ["b"], "order"),
        ("", ["a", "a"], "order"),
        ("c", ["a", "b"], "before"),
        ("", ["a", *map(str, range(placing.MOST_SEEN))], "order"),
    ],
)
def test_an_order_names_what_she_saw(who, four, before, order, field):
    seen = [key(four[0]) if each == "a" else each for each in order]
    with pytest.raises(InvalidPlace) as wrong:
        placing.place(**who, request_id=key(four[0]), before=before, order=seen)
    assert wrong.value.field == field
    assert order_of(who) == keys(four)


def test_only_the_first_of_a_long_queue_are_moved(who, four, monkeypatch):
    monkeypatch.setattr(placing, "MOST_SEEN", 2)
    with pytest.raises(OutOfSight):
        placing.play_next(**who, request_id=key(four[3]))
    placing.play_next(**who, request_id=key(four[1]))
    assert order_of(who)[:2] == keys([four[1], four[0]])


# --- concurrent --------------------------------------------------------------------------------------------


def test_moved_from_eight_pages_at_once_each_order_was_seen_by_somebody(who, four, in_threads):
    def press():
        rng = random.Random()
        with suppress(OrderChanged):
            seen = order_of(who)
            placing.place(**who, request_id=rng.choice(seen), before=rng.choice(seen), order=seen)

    in_threads(press, times=8)
    assert sorted(order_of(who)) == sorted(keys(four))
    turns = [row["turn"] for row in collection(QueueRequest).find()]
    assert len(set(turns)) == 4


def test_beside_claims_nothing_is_lost_or_played_twice(chain, who, four, in_threads):
    """A move either sees the claim, or the claim takes the first of the new order."""

    def press():
        with suppress(AlreadyOver, OrderChanged):
            place(who, four[3], four[0], four)

    ways = iter([press, lambda: drain(chain)] * 4)
    in_threads(lambda ways=ways: next(ways)(), times=8)
    claimed = claims.claimed(chain.performer_id)
    assert claimed["_id"] in keys([four[0], four[3]])
    assert collection(QueueRequest).count_documents({"status": "claimed"}) == 1
    assert sorted([claimed["_id"], *order_of(who)]) == sorted(keys(four))


# --- crashed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [AuditEntry, QueueRequest])
def test_a_move_that_is_not_written_whole_is_none(who, four, fail_command, model):
    fail_command("insert" if model is AuditEntry else "update", errorCode=ERROR, **in_collection(model))
    with pytest.raises(PyMongoError):
        place(who, four[3], four[0], four)
    assert (order_of(who), actions()) == (keys(four), [])
    place(who, four[3], four[0], four)
    assert actions() == ["place"]


# --- the order alone ---------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 99), min_size=1, unique=True).map(lambda found: [str(each) for each in found]),
    st.data(),
)
def test_only_what_is_moved_changes_its_neighbours(order, data):
    which = data.draw(st.sampled_from(order))
    before = data.draw(st.sampled_from([*order, ""]))
    found = placing.moved(order, which, before)
    assert sorted(found) == sorted(order)
    assert [each for each in found if each != which] == [each for each in order if each != which]
    if before != which:
        assert found[found.index(which) + 1 :][:1] == ([before] if before else [])
