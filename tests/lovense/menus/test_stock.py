"""Stock: each piece of an item is taken once, before the command leaves; given back where it is known that
nothing played; kept where nobody knows."""

from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding import foresight, resets, stock
from lovense.deciding.activation import S
from lovense.deciding.resets import NoStock
from lovense.deciding.stock import NOTHING, PLAYED, UNDER_WAY, UNKNOWN, Shelf
from lovense.lane import eta
from lovense.menus import publishing
from lovense.menus.drafts import NoSuchItem
from lovense.models import Activation, StockPiece
from lovense.sending import dispatch, leases
from tests.chain import SECOND
from tests.commands import RECORDER
from tests.factories import NOW
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.conftest import activation_of, in_collection, request_of
from tests.lovense.menus.offers import added, said
from tests.lovense.menus.test_terms import error, press, told

__all__ = ["_nobody_is_woken", "fail_command", "in_threads", "press"]
ROOT = "/api/lovense/tip-menu"
db = pytest.mark.django_db
RARE, COMMON = "Rare", "Common"


def items(pieces, **more):
    exact = said(RARE, itemId="rare", minimum=50, maximum=50, stock=pieces, durationSec=5) | more
    return [exact, said(COMMON, itemId="common", minimum=1, maximum=None, durationSec=5)]


@pytest.fixture
def rare(chain):
    """Of 50 tokens an item answers of which there are two; of everything another one does."""
    publishing.publish(chain.performer_id, items(2), chain.now)
    return chain


def title(tip_id):
    item = activation_of(tip_id)["item"]
    return item and item["title"]


def played(chain, bob):
    return title(chain.played(bob, 50, seconds=5))


def shelf(chain):
    return resets.shelf_of(chain.performer_id, "rare")


def pieces():
    """By state how many rows there are."""
    found = [row["state"] for row in collection(StockPiece).find()]
    return {state: found.count(state) for state in set(found)}


def saw(tip_id, gate="menu_match"):
    return next(one["saw"] for one in activation_of(tip_id)["gates"] if one["gate"] == gate)


# --- pure --------------------------------------------------------------------------------------------------

ROW = {
    "item": {"itemId": "rare"},
    "reason": "",
    "dispatched_at": NOW,
    "started_at": None,
    "delivered_seconds": None,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (None, UNDER_WAY),
        ({"item": None, "status": S.SKIPPED}, NOTHING),
        ({"item": {"itemId": "other"}, "status": S.DISPATCHED}, NOTHING),
        ({"status": S.QUEUED}, UNDER_WAY),
        ({"status": S.DISPATCHED}, UNDER_WAY),
        ({"status": S.ACTIVATED}, UNDER_WAY),
        ({"status": S.COMPLETED}, PLAYED),
        ({"status": S.TIMEOUT, "started_at": NOW}, PLAYED),
        ({"status": S.CANCELLED, "delivered_seconds": 1.5}, PLAYED),
        ({"status": S.TIMEOUT}, UNKNOWN),
        ({"status": S.CANCELLED}, UNKNOWN),
        ({"status": S.FAILED, "reason": "stopped"}, UNKNOWN),
        ({"status": S.DEAD, "reason": "not_received"}, UNKNOWN),
        ({"status": S.DEAD, "reason": "busy"}, NOTHING),
        ({"status": S.DEAD, "reason": "undecidable", "dispatched_at": None}, NOTHING),
        ({"status": S.FAILED, "reason": "unsupported"}, NOTHING),
        ({"status": S.FAILED, "reason": "stopped", "delivered_seconds": 0}, NOTHING),
        ({"status": S.CANCELLED, "dispatched_at": None}, NOTHING),
        ({"status": S.EXPIRED, "dispatched_at": None}, NOTHING),
        ({"status": S.SKIPPED}, NOTHING),
    ],
)
def test_what_became_of_a_piece_follows_from_its_activation(changes, expected):
    assert stock.became(changes and ROW | changes, "rare") == expected


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ({}, 3),
        ({"newest": 3}, 0),
        ({"newest": 3, "free": 1}, 1),
        ({"newest": 3, "ended": {"a": NOTHING, "b": PLAYED}}, 1),
        ({"newest": 3, "own": True}, 1),
        ({"newest": 5}, 0),
    ],
)
def test_what_is_left_is_what_was_not_taken_or_was_given_back(more, left):
    assert Shelf("x.rare", 1, 3, **more).left == left


@pytest.mark.parametrize("wrong", [-1, 1_000_001, 1.5, "5", True])
def test_a_stock_is_a_whole_number_or_none(wrong):
    assert publishing.validated([said(stock=None)]) == publishing.validated([said()])
    with pytest.raises(publishing.InvalidMenu) as refused:
        publishing.validated([said(stock=wrong)])
    assert refused.value.errors[0].field == "stock"


# --- taken -------------------------------------------------------------------------------------------------


@db
def test_when_all_are_taken_the_next_matching_item_answers_and_the_record_says_so(rare, bob):
    assert [played(rare, bob) for _ in range(3)] == [RARE, RARE, COMMON]
    tip_id = rare.settled(bob, 50)
    rare.dispatch()
    assert saw(tip_id) == f"{COMMON} in a public show; passed over: “{RARE}” (sold out)"
    assert {row["number"] for row in collection(StockPiece).find()} == {1, 2}


@db
def test_where_nothing_else_answers_it_is_skipped_as_sold_out(chain, bob):
    publishing.publish(chain.performer_id, items(0)[:1], chain.now)
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    row = activation_of(tip_id)
    assert (row["status"], row["reason"], pieces()) == ("skipped", "sold_out", {})


@db
def test_a_piece_is_taken_before_its_command_leaves_and_foreseeing_takes_none(rare, bob):
    tip_id = rare.settled(bob, 50)
    eta.of_lane(rare.performer_id, now=rare.now)
    for is_draft in (True, False):
        seen = foresight.read(rare.performer_id, version=None, is_draft=is_draft, now=NOW).of(50)
        assert seen.found.item["title"] == RARE
    assert pieces() == {}
    rare.dispatch()
    (piece,) = collection(StockPiece).find()
    assert (piece["activation"], piece["state"]) == (f"{tip_id}.all", "taken")
    assert shelf(rare).left == 1


@db
@pytest.mark.parametrize("code", ["unsupported", "bad_command"])
def test_a_piece_of_which_nothing_played_is_given_back(rare, bob, code):
    for _ in range(3):
        tip_id = rare.settled(bob, 50)
        rare.dispatch()
        assert title(tip_id) == RARE
        rare.acknowledge(tip_id, "failed", code=code)
    assert shelf(rare).left == 2
    assert collection(StockPiece).count_documents({}) == 1, "the same piece, over and over"


@db
def test_what_is_refused_for_now_keeps_its_piece_for_its_next_attempt(rare, bob):
    tip_id = rare.settled(bob, 50)
    rare.dispatch()
    rare.acknowledge(tip_id, "failed", code="busy")
    assert activation_of(tip_id)["status"] == "queued"
    assert shelf(rare).left == 1
    rare.now += 60 * SECOND
    rare.hold()
    rare.dispatch()
    assert (title(tip_id), activation_of(tip_id)["status"]) == (RARE, "dispatched")
    assert collection(StockPiece).count_documents({}) == 1


@db
def test_what_waits_again_while_the_stock_is_lowered_still_has_its_piece(rare, bob):
    tip_id = rare.settled(bob, 50)
    rare.dispatch()
    rare.acknowledge(tip_id, "failed", code="busy")
    publishing.publish(rare.performer_id, items(1), rare.now)
    rare.now += 60 * SECOND
    rare.hold()
    rare.dispatch()
    assert activation_of(tip_id)["status"] == "dispatched"
    assert shelf(rare).left == 0


@db
def test_the_number_is_that_of_the_menu_of_now(rare, bob):
    tips = [rare.settled(bob, 50) for _ in range(2)]
    rare.now += SECOND
    publishing.publish(rare.performer_id, items(1), rare.now)
    for tip_id in tips:
        rare.dispatch()
        rare.acknowledge(tip_id, "finished", delivered_seconds=5)
    assert [title(tip_id) for tip_id in tips] == [RARE, COMMON]


@db
def test_a_piece_of_what_was_decided_otherwise_in_the_end_is_given_back(rare, bob):
    """Its process died after the piece was taken, and before the next attempt she took the item away."""
    tip_id = rare.settled(bob, 50)
    key = f"{tip_id}.all"
    assert stock.take(shelf(rare), key, performer_id=rare.performer_id, now=NOW)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    seen = dispatch.look([request], now=NOW)
    assert seen.rules.standings[rare.performer_id]["rare"].shelf.own
    collection(Activation).insert_one({"_id": key, "item": None, "status": "skipped", "tip_id": tip_id})
    assert shelf(rare).left == 2


@db
def test_tried_again_after_a_death_it_is_the_same_piece(rare, bob, fail_command):
    """Whatever died between taking it and writing the activation; also where it was the last one."""
    publishing.publish(rare.performer_id, items(1), rare.now)
    tip_id = rare.settled(bob, 50)
    fail_command("insert", errorCode=8000, **in_collection(Activation))
    with pytest.raises(PyMongoError):
        rare.dispatch()
    assert pieces() == {"taken": 1}
    request = request_of(tip_id) | {"attempts": 2, "claimed_by": "worker-0/y", "claimed_at": NOW}
    seen = dispatch.look([request], now=rare.now)
    dispatch.keep([dispatch.decide(request, seen)], seen)
    assert (title(tip_id), pieces()) == (RARE, {"taken": 1})


# --- once --------------------------------------------------------------------------------------------------


@db
def test_of_many_who_take_at_the_same_moment_each_gets_a_piece_of_its_own_or_none(rare, in_threads):
    ten = shelf(rare)._replace(pieces=10)
    names = iter(range(1000))

    def take():
        key = f"tip-{next(names)}.all"
        return stock.take(ten, key, performer_id=rare.performer_id, now=NOW)

    taken = in_threads(take, times=40, workers=8)
    assert taken.count(True) == 10
    rows = list(collection(StockPiece).find())
    assert sorted(row["number"] for row in rows) == list(range(1, 11))
    assert len({row["activation"] for row in rows}) == 10


@db
def test_the_same_activation_at_the_same_moment_takes_one(rare, in_threads):
    now = shelf(rare)

    def take():
        return stock.take(now, "tip.all", performer_id=rare.performer_id, now=NOW)

    assert in_threads(take, times=8, workers=8) == [True] * 8
    assert collection(StockPiece).count_documents({}) == 1


@db
def test_who_loses_the_last_piece_to_another_is_decided_again(rare, bob):
    tip_id = rare.settled(bob, 50)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    seen = dispatch.look([request], now=rare.now)
    decided = dispatch.decide(request, seen)
    assert decided.outcome["item"]["title"] == RARE
    for other in "ab":
        assert stock.take(shelf(rare), other, performer_id=rare.performer_id, now=NOW)
    dispatch.keep([decided], seen)
    assert title(tip_id) == COMMON
    assert "(sold out)" in saw(tip_id)


@db
def test_what_was_to_play_and_has_lost_its_piece_is_skipped_as_sold_out(rare, bob):
    tip_id = rare.settled(bob, 50)
    rare.dispatch()
    rare.acknowledge(tip_id, "failed", code="busy")
    collection(StockPiece).delete_many({})
    for other in "ab":
        assert stock.take(shelf(rare), other, performer_id=rare.performer_id, now=NOW)
    rare.now += 60 * SECOND
    rare.hold()
    rare.dispatch()
    row = activation_of(tip_id)
    assert (row["status"], row["reason"]) == ("skipped", "sold_out")


# --- by hand -----------------------------------------------------------------------------------------------


def unknown(chain, bob):
    """A tip of which nobody knows whether it played."""
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    chain.acknowledge(tip_id, "received")
    chain.now += 120 * SECOND
    leases.expire(now=chain.now, limit=10)
    assert activation_of(tip_id)["status"] == "timeout"
    chain.hold()


@db
def test_what_nobody_knows_is_kept_until_she_gives_it_back(rare, bob):
    unknown(rare, bob)
    assert (shelf(rare).left, shelf(rare).unknown) == (1, 1)
    who = {"by": "ana", "now": NOW}
    assert resets.give_back(rare.performer_id, "rare", **who).left == 2
    assert resets.give_back(rare.performer_id, "rare", **who).left == 2
    (entry,) = collection(AuditEntry).find({"action": "give_back"})
    assert (entry["before"], entry["after"]) == ({"unknown": 1}, {"unknown": 0})


@db
def test_filling_up_begins_anew_and_what_plays_keeps_its_piece(rare, bob):
    assert [played(rare, bob) for _ in range(2)] == [RARE, RARE]
    assert resets.restock(rare.performer_id, "rare", by="ana", now=NOW).left == 2
    assert [played(rare, bob) for _ in range(3)] == [RARE, RARE, COMMON]
    (entry,) = collection(AuditEntry).find({"action": "restock"})
    assert (entry["before"], entry["after"]) == ({"left": 0}, {"left": 2})
    assert collection(StockPiece).count_documents({}) == 4


@db
def test_only_hers_and_only_what_has_a_stock_is_filled_up(rare, carol):
    who = {"by": "x", "now": NOW}
    with pytest.raises(NoSuchItem):
        resets.restock(carol.pk, "rare", **who)
    with pytest.raises(NoStock):
        resets.restock(rare.performer_id, "common", **who)


@db
def test_over_rest_it_is_filled_up_and_given_back(rare, bob, ana, carol):
    hers, strangers = Caller(ana.user, root=ROOT), Caller(carol.user, root=ROOT)
    unknown(rare, bob)
    told_of = {"itemId": "rare", "pieces": 2, "left": 2, "unknown": 0}
    assert hers("post", "/items/rare/give-back").json() == told_of
    assert hers("post", "/items/rare/restock").json() == told_of
    error(hers("post", "/items/common/restock"), 409, "no_stock")
    for path in ("/items/rare/restock", "/items/rare/give-back"):
        error(strangers("post", path), 404, "not_found")


@db
def test_on_the_page_it_says_how_many_are_left_and_buttons_fill_it_up(rare, bob, press, client):
    assert "2 of 2 left" in client.get("/menu").content.decode()
    unknown(rare, bob)
    played(rare, bob)
    shown = client.get("/menu").content.decode()
    assert "Sold out" in shown
    assert "Of 1 nobody knows whether it played" in shown
    assert told(press("items/rare/give-back")) == "Given back: 1 left."
    assert told(press("items/rare/restock")) == "Filled up: 2 left."
    assert press("items/other/restock").status_code == 404


@db
def test_in_the_form_it_is_a_number_and_empty_has_no_end(press, client, ana):
    item_id = added(ana, "Wave").items[0]["itemId"]
    typed = said("Wave") | {"section": "", "description": "", "active": "1"}
    press(f"items/{item_id}/change", **typed, revision=1, stock="7")
    assert "7 of 7 left" in client.get("/menu").content.decode()
    wrong = press(f"items/{item_id}/change", **typed, revision=2, stock="-1").content.decode()
    assert "Must be a whole number from 0 to 1000000." in wrong
    press(f"items/{item_id}/change", **typed, revision=2, stock="")
    assert "left" not in client.get("/menu?region=menu", headers={"HX-Request": "true"}).content.decode()


# --- what it costs -----------------------------------------------------------------------------------------


@db
def test_a_menu_without_stock_costs_a_round_not_one_command_more(chain, bob):
    tip_id = chain.settled(bob, 100)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    RECORDER.commands = sent = []
    try:
        seen = dispatch.look([request], now=chain.now)
        dispatch.keep([dispatch.decide(request, seen)], seen)
    finally:
        RECORDER.commands = None
    assert activation_of(tip_id)["status"] == "dispatched"
    assert {str(command[next(iter(command))]) for _, command in sent}.isdisjoint(
        {"stock_pieces", "item_states"}
    )


@db
def test_pieces_are_found_by_their_indexes(rare, bob):
    def row(n):
        return {
            "_id": f"{n:024x}.x.1.1",
            "performer_id": f"{n:024x}",
            "item": f"{n:024x}.x",
            "refill": 1,
            "number": 1,
            "state": "played",
            "activation": f"{n}.all",
            "taken_at": NOW,
        }

    fill(StockPiece, row)
    unknown(rare, bob)
    with recorded() as plans:
        played(rare, bob)
        resets.give_back(rare.performer_id, "rare", by="ana", now=NOW + timedelta(seconds=1))
        played(rare, bob)
        stock.played(["1.all", "2.all"], None)
    of_pieces = [plan for plan in plans if plan.collection == "stock_pieces"]
    assert len(of_pieces) >= 8
    assert scans(of_pieces) == []
