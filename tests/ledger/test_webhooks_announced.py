"""A notice of the ledger only makes us look: it is announced once by a hop, and settles nothing by itself."""

import pytest
from celery import current_app
from pymongo.errors import PyMongoError

from ground import clock
from ground.hops import doorbell
from ground.inbox import inbox
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from ledger import signals, tasks
from tests import services
from tests.factories import NOW
from tests.ledger.notices import DATA, _secrets, body, headers, post, stored, through_django
from tests.remote import SECOND, remote
from tests.tips import calls
from tests.tips.conftest import proven
from tips.settlement import polling

__all__ = ["_secrets", "post", "proven", "remote"]
pytestmark = pytest.mark.django_db

ERROR = 8000


@pytest.fixture
def heard():
    """(signal, references) of every announcement."""
    found = []

    def posted(sender, *, source_refs, **kwargs):
        found.append(("posted", source_refs))

    def taken_back(sender, *, source_refs, **kwargs):
        found.append(("reversed", source_refs))

    signals.entries_posted.connect(posted)
    signals.entries_reversed.connect(taken_back)
    yield found
    signals.entries_posted.disconnect(posted)
    signals.entries_reversed.disconnect(taken_back)


def send(event_id, event_type, data):
    content = body(event_id, event_type, data)
    assert through_django(content, headers(content))[0] == 200


def test_what_was_posted_and_what_was_taken_back_is_announced_once(heard):
    send("e1", "POINTS_POSTED", {"source_ref": "TIP_1"})
    send(
        "e2",
        "TRANSFER_COMPLETED",
        {"transfer": {"entries": [{"source_ref": "TIP_2"}, {"source_ref": "TIP_2"}]}},
    )
    send("e3", "TRANSFER_REVERSED", {"entry": {"source_ref": "TIP_3"}})
    send("e4", "MEMBER_CREATED", {"source_ref": "TIP_4"})
    tasks.announce()
    tasks.announce()
    assert heard == [("posted", {"TIP_1", "TIP_2"}), ("reversed", {"TIP_3"})]
    assert dict(stored()) == {
        "rrr/e1": "processed",
        "rrr/e2": "processed",
        "rrr/e3": "processed",
        "rrr/e4": "ignored",
    }


def test_an_announcement_that_fails_is_made_again(heard):
    def broken(sender, **kwargs):
        raise RuntimeError

    send("e1", "POINTS_POSTED", DATA)
    signals.entries_posted.connect(broken)
    try:
        tasks.announce()
    finally:
        signals.entries_posted.disconnect(broken)
    assert stored() == [("rrr/e1", "received")]
    heard.clear()
    tasks.announce()
    assert heard == []  # its next attempt is still to come
    its_turn()
    tasks.announce()
    assert (heard, stored()) == ([("posted", {"TIP_1"})], [("rrr/e1", "processed")])


def its_turn():
    collection(WebhookDelivery).update_many({}, {"$set": {"retry_at": None}})


def test_a_notice_whose_announcement_fails_holds_up_no_other_and_is_set_aside_in_the_end(heard):
    def broken(sender, *, source_refs, **kwargs):
        if "TIP_2" in source_refs:
            raise RuntimeError

    for number in (1, 2, 3):
        send(f"e{number}", "POINTS_POSTED", {"source_ref": f"TIP_{number}"})
    signals.entries_posted.connect(broken)
    try:
        for _ in range(inbox.MAX_ATTEMPTS):
            tasks.announce()
            its_turn()
    finally:
        signals.entries_posted.disconnect(broken)
    assert stored() == [("rrr/e1", "processed"), ("rrr/e2", "set_aside"), ("rrr/e3", "processed")]
    assert {ref for _, refs in heard for ref in refs} >= {"TIP_1", "TIP_3"}


def test_while_the_database_is_away_no_attempt_is_counted(heard, fail_command):
    send("e1", "POINTS_POSTED", {"source_ref": "TIP_1"})
    fail_command("update", errorCode=ERROR)
    with pytest.raises(PyMongoError):
        tasks.announce()
    assert collection(WebhookDelivery).find_one({})["attempts"] == 0


@pytest.mark.parametrize("notices", [1, 3])
def test_every_reference_is_announced_however_many_there_are(heard, notices):
    names = [f"R{number}" for number in range(1998)]
    each = len(names) // notices
    for number in range(notices):
        part = names[number * each : (number + 1) * each]
        send(f"e{number}", "POINTS_POSTED", {"e": [{"source_ref": name} for name in part]})
    tasks.announce()
    assert {ref for _, refs in heard for ref in refs} == set(names)
    assert {status for _, status in stored()} == {"processed"}


def test_a_notice_that_can_no_longer_be_read_holds_up_nobody(heard):
    send("e1", "POINTS_POSTED", DATA)
    collection(WebhookDelivery).update_one({}, {"$set": {"body": b"{"}})
    send("e2", "POINTS_POSTED", DATA)
    tasks.announce()
    assert heard == [("posted", {"TIP_1"})]
    assert collection(WebhookDelivery).find_one({"_id": "rrr/e1"})["attempts"] == 1


def test_a_notice_settles_the_tip_that_it_names_and_only_by_the_ledgers_answer(remote, proven):
    calls.succeeded(1, 100)
    calls.settle(NOW)
    source_ref = f"TIP_{calls.tip_id(1)}"
    send("e1", "POINTS_POSTED", {"source_ref": source_ref})
    tasks.announce()
    assert calls.found(1)["settlement_status"] == "pending"  # it says so; the ledger does not
    remote.post(source_ref, calls.BOB, calls.ANA, 100)
    send("e2", "POINTS_POSTED", {"source_ref": source_ref})
    tasks.announce()
    polling.drain(now=clock.now() + SECOND, limit=9)
    assert calls.state(1) == ("success", "settled", "")
    assert calls.events() == [1]


def test_settlement_leaves_the_ledgers_notices_alone(remote, heard):
    send("e1", "POINTS_POSTED", DATA)
    assert calls.settle().handled == 0
    assert stored() == [("rrr/e1", "received")]


def test_the_announcement_is_rung_for_what_is_new_and_not_for_repeats(post):
    content = body()
    queue = current_app.conf.task_default_queue
    doorbell._soon.done().result()  # it rings on a thread of its own: what another test asked for is over
    doorbell.answered("ledger.announce")
    before = doorbell.connection().llen(queue)
    for _ in range(3):
        post(content, headers(content))
        doorbell._soon.done().result()
        doorbell.answered("ledger.announce")
    assert doorbell.connection().llen(queue) == before + 1


def test_without_redis_calls_are_accepted_all_the_same(post):
    services.running.redis.stop()
    try:
        content = body()
        assert [post(content, headers(content))[0] for _ in range(2)] == [200, 200]
    finally:
        services.running.redis.start()
