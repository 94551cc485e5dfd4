"""Chapter 4: the request is claimed, and the gates decide.

Ana has a device and one lane. One request of a lane is *claimed* at a time, which is the unique index
`request_one_claimed_per_lane` and not a promise: two workers may try, one write wins. The claim is a lease,
so a worker that dies with it only delays it.

Then the gates are asked, in order, among others: is it proven paid, is the kill switch off, is it fresh, does
an item of her menu answer this amount, do her own limits allow it, may another one start in this minute? Each
gate writes down what it saw. The first that says no ends the asking, and the tip has its verdict, and why:
*skipped*, or *expired* where it was too late or found no page. Only the limit of starts in a minute ends
nothing: the tip waits, and is asked again. If all say yes, the vendor's commands are compiled. Once the tip
is decided there is one row in `activations`, whose key is the tip's id and the target, and it is durable
before anything is sent.

To read: docs/states.md (*Gates*: all of them), `lovense/deciding/gates.py` (pure: no database, no clock),
`lovense/sending/dispatch.py` (the round)."""

from ground.mongodb.collections import collection
from lovense.models import Activation
from tests.chain import SECOND
from tests.flows.nursery import SURVIVED
from tests.tour.conftest import MOMENT
from tips.models import QueueRequest


def activation_of(tip_id):
    return collection(Activation).find_one({"tip_id": tip_id})


def request_of(tip_id):
    return collection(QueueRequest).find_one({"idempotency_key": tip_id})


def test_once_every_gate_says_what_it_saw_and_the_item_that_answers_is_promised(chain, bob):
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    activation = activation_of(tip_id)
    assert (activation["status"], activation["item"]["title"]) == ("dispatched", "Soft wave")
    assert activation["promised_seconds"] == 6
    assert all(gate["passed"] for gate in activation["gates"])
    assert [gate["gate"] for gate in activation["gates"]][:3] == ["signature", "duplicate", "settled"]


def test_once_a_tip_below_the_minimum_is_skipped_and_says_why(chain, bob):
    tip_id = chain.settled(bob, 5)
    chain.dispatch()
    activation = activation_of(tip_id)
    assert (activation["status"], activation["reason"]) == ("skipped", "below_minimum")
    last = activation["gates"][-1]
    assert (last["gate"], last["passed"], last["saw"]) == ("minimum", False, "5 of at least 10")
    assert request_of(tip_id)["status"] == "completed"


def test_repeated_the_second_tip_waits_until_the_first_is_over(chain, bob):
    first, second = chain.settled(bob, 50), chain.settled(bob, 60)
    for _ in range(3):
        chain.dispatch()
    assert (request_of(first)["status"], request_of(second)["status"]) == ("claimed", "pending")
    assert activation_of(second) is None


def test_killed_between_the_claim_and_the_decision_its_successor_decides(chain, bob, nursery, successor):
    tip_id = chain.settled(bob, 50)
    assert nursery("send", last=1, now=MOMENT)[0] != SURVIVED
    assert (request_of(tip_id)["status"], activation_of(tip_id)) == ("claimed", None)
    successor(later=SECOND)
    chain.hold()
    chain.dispatch(later=3 * SECOND)
    assert activation_of(tip_id)["status"] == "dispatched"
    assert request_of(tip_id)["attempts"] == 2
