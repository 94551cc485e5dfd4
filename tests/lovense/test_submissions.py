"""What people put into the queue: what is taken, in which place, once for each key, within limits that no tip
ever feels."""

from datetime import timedelta

import pytest

from ground.json.fields import Fields, Malformed
from ground.mongodb.collections import collection
from lovense.lane import submissions
from lovense.lane.submissions import QueueFull, SubmissionKeyReused, TooManySubmissions
from lovense.models import Activation, Submitter
from tests.factories import NOW, fund
from tests.ground.plans import recorded
from tests.lovense.conftest import in_collection
from tips.models import Mode, Priority, QueueRequest, RequestType
from tips.queue import claims, counts, ordering
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

ITEM = {"pattern": "pulse", "intensity": 8, "durationSec": 5}
BODY = {"type": "lovense.test", "item": ITEM}


def parse(**body):
    return submissions.parse(Fields(BODY | body, ""))


def without(name, **more):
    return submissions.parse(Fields({key: value for key, value in (BODY | more).items() if key != name}, ""))


def submit(lane, key, *, now=NOW, account="1", name="ana", **body):
    return submissions.submit(parse(**body), lane=lane, account=account, name=name, key=key, now=now)


def order(lane, mode=Mode.FIFO):
    found = counts.first_of_lines(lane, limit=100)
    return [
        row["idempotency_key"]
        for row in sorted(found, key=ordering.aged if mode is Mode.PRIORITY else ordering.in_order)
    ]


# --- what is taken -----------------------------------------------------------------------------------------


def test_an_item_is_kept_as_a_menu_would_keep_it():
    taken = parse()
    assert (taken.type, taken.amount, taken.priority, taken.key) == (RequestType.TEST, 0, Priority.NORMAL, "")
    assert taken.item == {
        "itemId": "lovense.test",
        "title": "Test",
        "minimum": 1,
        "maximum": None,
        "order": 1,
        **ITEM,
    }


def test_an_amount_asks_the_menu():
    taken = without("item", type="lovense.manual", amount=100, priority="CRITICAL", idempotencyKey="k.1")
    assert (taken.type, taken.amount, taken.item, taken.priority, taken.key) == (
        RequestType.MANUAL,
        100,
        None,
        Priority.CRITICAL,
        "k.1",
    )


@pytest.mark.parametrize("given", [1, 5, 10, 20, "LOW", "NORMAL", "HIGH", "CRITICAL"])
def test_a_priority_is_named_or_numbered(given):
    assert parse(priority=given).priority in (given, getattr(Priority, str(given), None))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("type", {"type": None}),
        ("type", {"type": "TipActivated"}),
        ("type", {"type": 5}),
        ("amount", {"amount": 100}),  # and an item
        ("amount", {"item": None}),  # and no item
        ("amount", {"item": None, "amount": 0}),
        ("amount", {"item": None, "amount": 2**53}),
        ("amount", {"item": None, "amount": 1.5}),
        ("amount", {"item": None, "amount": True}),
        ("item", {"item": "pulse"}),
        ("item.pattern", {"item": ITEM | {"pattern": "waltz"}}),
        ("item.pattern", {"item": ITEM | {"pattern": ["pulse"]}}),
        ("item.pattern", {"item": ITEM | {"pattern": None}}),
        ("item.intensity", {"item": ITEM | {"intensity": 0}}),
        ("item.intensity", {"item": ITEM | {"intensity": 21}}),
        ("item.intensity", {"item": ITEM | {"intensity": "8"}}),
        ("item.durationSec", {"item": ITEM | {"durationSec": 0}}),
        ("item.durationSec", {"item": ITEM | {"durationSec": 3601}}),
        ("item.title", {"item": ITEM | {"title": "\ud800"}}),
        ("item.title", {"item": ITEM | {"title": " "}}),
        ("item.title", {"item": ITEM | {"title": "x" * 81}}),
        ("item.strength", {"item": ITEM | {"strength": 8}}),
        ("priority", {"priority": 2}),
        ("priority", {"priority": "high"}),
        ("priority", {"priority": True}),
        ("priority", {"priority": [5]}),
        ("priority", {"priority": 5.0}),
        ("idempotencyKey", {"idempotencyKey": ""}),
        ("idempotencyKey", {"idempotencyKey": "a b"}),
        ("idempotencyKey", {"idempotencyKey": "x" * 121}),
        ("status", {"status": "completed"}),
        ("body", {"what is\ud800 this": 1}),
    ],
)
def test_what_is_refused_names_its_field_and_a_rule(field, change):
    with pytest.raises(Malformed) as refused:
        parse(**change)
    assert refused.value.field == field
    assert len(refused.value.rule) > 8


# --- its turn ----------------------------------------------------------------------------------------------


def test_it_comes_after_all_that_has_settled_and_before_all_that_settles_later(chain, bob):
    before = [chain.settled(bob, 100) for _ in range(2)]
    mine = [submit(chain.performer_id, f"k{number}").row["idempotency_key"] for number in range(3)]
    after = [chain.settled(bob, 100) for _ in range(2)]
    assert order(chain.performer_id) == before + mine + after


def test_a_tip_that_was_delivered_before_and_settles_later_is_behind_it(chain, bob):
    """What counts is the settlement: until then there is nothing to be behind of."""
    delivered = chain.deliver(bob, 100)
    mine = submit(chain.performer_id, "k").row["idempotency_key"]
    chain.settle()
    assert order(chain.performer_id) == [mine, delivered]


def test_what_comes_back_for_a_retry_is_before_what_was_submitted_meanwhile(chain):
    first = submit(chain.performer_id, "k1").row
    chain.dispatch()
    second = submit(chain.performer_id, "k2").row
    claims.release(first["_id"], now=NOW, delay_seconds=0, error="x")
    assert order(chain.performer_id) == [first["idempotency_key"], second["idempotency_key"]]


def test_a_higher_priority_counts_where_the_lane_goes_by_priority(chain, bob):
    tip = chain.settled(bob, 100)
    low, high = (
        submit(chain.performer_id, key, priority=key).row["idempotency_key"] for key in ("LOW", "CRITICAL")
    )
    assert order(chain.performer_id) == [tip, low, high]
    assert order(chain.performer_id, Mode.PRIORITY) == [high, tip, low]


def test_more_than_a_gap_holds_wait_behind_the_next_tip_and_never_before_the_last(chain, bob, monkeypatch):
    monkeypatch.setattr(queue, "TURNS_PER_EVENT", 3)
    first = chain.settled(bob, 100)
    mine = [submit(chain.performer_id, f"k{number}").row["idempotency_key"] for number in range(4)]
    second = chain.settled(bob, 100)
    assert order(chain.performer_id)[:3] == [first, *mine[:2]]
    assert [key for key in order(chain.performer_id) if key in mine] == mine
    assert order(chain.performer_id).index(second) in (3, 4)


def test_many_at_once_get_a_turn_each(chain, in_threads):
    made = in_threads(lambda: submit(chain.performer_id, f"k{next(numbers)}").row["turn"], times=16)
    assert sorted(made) == list(range(min(made), min(made) + 16))


numbers = iter(range(10**6))


# --- it plays, as what it is -------------------------------------------------------------------------------


def test_it_plays_like_a_tip_and_says_whose_it_is(chain, wire):
    made = submit(chain.performer_id, "k").row
    chain.dispatch()
    (command,) = wire.commands()
    assert (command["tipId"], command["durationSec"], command["tipper"]) == (None, 5, {"username": "ana"})
    assert command["activationId"] == f"{made['idempotency_key']}.all"
    chain.acknowledge(made["idempotency_key"], "finished", delivered_seconds=5)
    assert queue.find(made["_id"])["status"] == "completed"
    row = collection(Activation).find_one({"_id": command["activationId"]})
    assert (row["status"], row["tip_id"], row["gates"][0]["gate"]) == ("completed", None, "submitted")


# --- once for each key -------------------------------------------------------------------------------------


def test_the_same_key_again_gives_the_same_request_whatever_became_of_it(chain):
    first = submit(chain.performer_id, "k")
    chain.dispatch()
    chain.acknowledge(first.row["idempotency_key"], "finished", delivered_seconds=5)
    again = submit(chain.performer_id, "k", now=NOW + timedelta(days=1))
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.row["_id"], again.row["status"]) == (first.row["_id"], "completed")
    assert collection(QueueRequest).count_documents({}) == 1


def test_the_same_key_with_other_content_is_refused(chain, carol):
    submit(chain.performer_id, "k")
    for change in ({"priority": "LOW"}, {"item": ITEM | {"intensity": 9}}):
        with pytest.raises(SubmissionKeyReused):
            submit(chain.performer_id, "k", **change)
    with pytest.raises(SubmissionKeyReused):
        submit(carol.performer_id, "k")


def test_the_same_key_of_another_account_is_another_one(chain):
    one, other = (submit(chain.performer_id, "k", account=account) for account in "12")
    assert one.is_new
    assert other.is_new
    assert one.row["_id"] != other.row["_id"]


def test_eight_at_once_under_one_key_make_one_request(chain, in_threads):
    made = in_threads(lambda: submit(chain.performer_id, "k"), times=8)
    assert sorted(submitted.is_new for submitted in made) == [False] * 7 + [True]
    assert len({submitted.row["_id"] for submitted in made}) == 1


def test_one_whose_process_died_before_it_was_stored_is_simply_sent_again(chain, fail_command):
    fail_command("insert", errorCode=8000, **in_collection(QueueRequest))
    with pytest.raises(Exception, match="fail"):
        submit(chain.performer_id, "k")
    assert submit(chain.performer_id, "k").is_new


# --- limits ------------------------------------------------------------------------------------------------


def test_sixty_in_any_minute_and_then_one_for_each_that_is_a_minute_ago(chain):
    for number in range(60):
        submit(chain.performer_id, f"k{number}", now=NOW + timedelta(seconds=number / 2))
    with pytest.raises(TooManySubmissions) as refused:
        submit(chain.performer_id, "more", now=NOW + timedelta(seconds=40))
    assert refused.value.resets_at == NOW + timedelta(seconds=60)
    assert submit(chain.performer_id, "more", now=refused.value.resets_at).is_new
    with pytest.raises(TooManySubmissions):
        submit(chain.performer_id, "most", now=refused.value.resets_at)
    assert submit(chain.performer_id, "k0", now=NOW + timedelta(seconds=40)).is_new is False, (
        "a repeat is not counted"
    )
    assert submit(chain.performer_id, "k", account="2", now=NOW + timedelta(seconds=40)).is_new


def test_any_number_at_once_get_sixty_between_them(chain, in_threads):
    def attempt():
        try:
            return submit(chain.performer_id, f"k{next(numbers)}").is_new
        except TooManySubmissions:
            return False

    assert in_threads(attempt, times=80).count(True) == 60
    assert len(collection(Submitter).find_one()["at"]) == 60


def test_what_is_remembered_of_an_account_stays_small(chain):
    for minute in range(3):
        for number in range(3):
            submit(chain.performer_id, f"k{minute}-{number}", now=NOW + timedelta(minutes=2 * minute))
    assert len(collection(Submitter).find_one()["at"]) == 3


def test_emptying_redis_forgets_no_count(chain, redis_client):
    for number in range(60):
        submit(chain.performer_id, f"k{number}")
    redis_client.flushall()
    with pytest.raises(TooManySubmissions):
        submit(chain.performer_id, "more")


def test_a_full_queue_refuses_people_and_no_tip(chain, bob, monkeypatch):
    monkeypatch.setattr(submissions, "DEPTH", 3)
    fund(bob, 1000)
    for number in range(3):
        submit(chain.performer_id, f"k{number}")
    with pytest.raises(QueueFull):
        submit(chain.performer_id, "more")
    assert submit(chain.performer_id, "k0").is_new is False, "what is there already is not refused"
    tips = [chain.settled(bob, 100) for _ in range(3)]
    assert order(chain.performer_id)[3:] == tips
    chain.dispatch()
    with pytest.raises(QueueFull):
        submit(chain.performer_id, "more")


def test_a_submission_is_found_by_indexes_and_counts_no_further_than_the_limit(chain, monkeypatch):
    monkeypatch.setattr(submissions, "DEPTH", 5)
    for number in range(4):
        submit(chain.performer_id, f"k{number}")
    with recorded(run=True) as plans:
        submit(chain.performer_id, "last")
    reads = [plan for plan in plans if plan.command != "insert"]
    assert [plan.collection for plan in reads if not plan.is_indexed] == []
    with recorded(run=True) as plans, pytest.raises(QueueFull):
        submit(chain.performer_id, "more")
    assert max(plan.examined for plan in plans) <= 6
