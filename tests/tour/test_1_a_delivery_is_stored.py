"""Chapter 1: a delivery is stored.

Bob has tipped 50 tokens on the platform. Its payment system tells us with a signed call,

    POST /api/webhooks/payments        webhook-id, webhook-timestamp, webhook-signature, and a body

and the door (`tips/webhooks.py`) does four things: it proves the signature over the raw bytes, parses the
body, hands both to the inbox, and answers. Nothing else. No token moves, no device is asked: the call is
*remembered*, byte for byte, in `webhook_deliveries`, and only when a majority of the database has it is 202
said. From then on the tip cannot be lost, whatever dies.

A sender that hears nothing sends again. So "once" is not counted anywhere; it is two unique keys. The
delivery's own id says "this very call", and its *subject*, `tip.succeeded/<tip id>`, says "this very fact",
under whatever id it comes. The first of a subject counts, and everything later is a repeat. (The same keys
lie in the journal, by which a tip that went the fast way is known before it has a row.)

To read: `ground/inbox/inbox.py` (the two keys), `ground/inbox/signing.py` (the signature)."""

from itertools import count

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.flows.nursery import SURVIVED
from tests.tips import calls


def stored():
    return list(collection(WebhookDelivery).find())


def test_once_the_raw_bytes_are_kept_before_the_answer(chain):
    content = calls.body("tip.succeeded", calls.tip(1, 50))
    status, answer = calls.post(content, calls.signed(content))
    (delivery,) = stored()
    assert (status, answer["tipId"]) == (202, calls.tip_id(1))
    assert bytes(delivery["body"]) == content
    assert (delivery["subject"], delivery["status"]) == (f"tip.succeeded/{calls.tip_id(1)}", "received")


def test_repeated_the_same_call_and_the_same_tip_under_a_new_id_change_nothing(chain):
    content = calls.body("tip.succeeded", calls.tip(1, 50))
    statuses = [calls.post(content, calls.signed(content, "msg_one"))[0] for _ in range(3)]
    statuses += [calls.post(content, calls.signed(content, "msg_two"))[0]]
    assert statuses == [202, 200, 200, 200]
    assert [row["status"] for row in stored() if row["subject"]] == ["received"]


def test_killed_before_it_could_answer_it_has_stored_the_tip_and_the_repeat_is_known(
    chain, nursery, successor
):
    content = calls.body("tip.succeeded", calls.tip(1, 50))
    call = {"body": content.decode(), "headers": calls.signed(content)}
    for last in count(1):  # SIGKILL right after that write, until the delivery is among them
        status, writes = nursery("accept", last=last, **call)
        assert status != SURVIVED
        if writes[-1] == "insert webhook_deliveries":
            break
    status, answer = calls.post(content, call["headers"])
    assert (status, answer["tipId"], len(stored())) == (200, calls.tip_id(1), 1)
