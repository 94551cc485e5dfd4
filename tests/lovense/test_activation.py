"""The gates that decide what a settled tip does, each with what it saw; and what becomes of an activation by
acknowledgements."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.errors import PyMongoError

from ground import clock
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.deciding import activation, platform
from lovense.deciding.activation import activation_id
from lovense.deciding.gates import GATES, ON_WISH, decide
from lovense.deciding.rules import Rules
from lovense.lane import rebuild
from lovense.menus import publishing, reading
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement
from lovense.sending.acknowledgement import Ack
from tests.chain import MENU
from tests.factories import NOW, Viewer, fund
from tests.lovense.conftest import activation_of, request_of, seconds, state
from tips.models import QueueRequest
from tips.queue import claims, lost
from tips.settlement import settlement

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided(chain, bob):
    """Decides a tip of 100 tokens after the given changes; the activation row."""

    def run(amount=100, *, is_online=True, performer=None, event=None, setting=None, **more):
        tip_id = chain.settled(bob, amount, **more)
        if performer:
            Performer.objects.update(**performer)
        if setting:
            platform.change(key=setting[0], value=setting[1], by="dina", now=NOW)
        request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x"}
        request["payload"] |= event or {}
        return decide(request, Rules.read([request["lane"]]), is_online=is_online, now=NOW)

    return run


def asked(row):
    return [gate["gate"] for gate in row["gates"]]


def last(row):
    return row["gates"][-1]


# --- gates -------------------------------------------------------------------------------------------------


def test_a_tip_that_passes_every_gate_is_dispatched_with_the_menus_promise(decided, chain, bob):
    row = decided()
    assert asked(row) == [gate for gate in GATES if gate not in ON_WISH]
    assert all(gate["passed"] for gate in row["gates"])
    assert {gate["at"] for gate in row["gates"]} == {clock.iso(NOW)}
    assert (row["status"], row["reason"], row["attempt"]) == ("dispatched", "", 1)
    assert (row["item"]["title"], row["menu_version"], row["promised_seconds"]) == ("Fireworks", 1, 10)
    assert row["commands"]
    assert row["attempts"] == [{"attempt": 1, "at": NOW, "by": "worker-0/x"}]
    assert (row["performer_id"], row["amount"], row["tipper_name"]) == (chain.performer_id, 100, "bob")


def test_what_a_gate_saw_is_written_for_a_person(decided):
    saw = {gate["gate"]: gate["saw"] for gate in decided()["gates"]}
    assert saw["minimum"] == "100 of at least 10"
    assert saw["menu"] == "version 1, in force at the tip"
    assert saw["menu_match"] == "Fireworks"
    assert saw["fresh"] == "settled 0 s after the tip"
    assert saw["caps"] == "10 s of at most 30 s, intensity at most 20"
    assert saw["settled"].endswith(f":debit posted at {clock.iso(NOW)}")


REFUSALS = {
    "the kill switch": (
        {"setting": ("enable_lovense", "false")},
        "kill_switch",
        "skipped",
        "kill_switch",
        False,
    ),
    "a small tip": ({"amount": 9}, "minimum", "skipped", "below_minimum", "9 of at least 10"),
    "her own minimum": (
        {"performer": {"minimum_tip": 101}},
        "minimum",
        "skipped",
        "below_minimum",
        "100 of at least 101",
    ),
    "the platform's minimum": (
        {"setting": ("minimum_tip", "500")},
        "minimum",
        "skipped",
        "below_minimum",
        "100 of at least 500",
    ),
    "no menu where one is required": (
        {"performer": {"menu_version": 0}, "setting": ("require_tip_menu", "true")},
        *("menu", "skipped", "no_menu", "version 0"),
    ),
    "no match": ({"amount": 101}, "menu_match", "skipped", "no_match", "nothing answers 101"),
    "no page": ({"is_online": False}, "device_online", "expired", "device_offline", "no page"),
    "too late": (
        {"createdAt": clock.iso(NOW - timedelta(seconds=901))},
        *("fresh", "expired", "too_late", "settled 901 s after the tip"),
    ),
}


MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("tipped", "received", "processed", "saw"),
    [
        (0, 0, 15, "settled 900 s after the tip"),
        (0, 0, 60, "settled 3600 s after the tip"),
        (-120, 0, 0, "settled 7200 s after the tip"),
        (-10, 0, 10, "settled 1200 s after the tip"),
        (30, 0, 60, "settled 3600 s after the tip"),
        (30, 0, 10, "settled 600 s after the tip"),
    ],
    ids=[
        *("in time", "we were late", "the platform was late", "both were late"),
        *("its clock is fast, and we were late", "its clock is fast"),
    ],
)
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "for its tokens"])
def test_late_is_late_whoever_was(chain, bob, tipped, received, processed, saw, waits, settings):
    settings.TIP_FUNDING_GRACE_SECONDS = 0
    viewer = Viewer("507f191e810c19729de860ff", "eve") if waits else bob
    tip_id = chain.deliver(viewer, 100, createdAt=clock.iso(NOW + tipped * MINUTES))
    if waits:
        settlement.drain(now=NOW, limit=9)
        fund(viewer, 1000)  # past the inbox: found by the last look
    chain.settle(later=processed * MINUTES)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x"}
    row = decide(request, Rules.read([request["lane"]]), is_online=True, now=NOW + (processed + 1) * MINUTES)
    seen = next(gate for gate in row["gates"] if gate["gate"] == "fresh")
    is_late = int(saw.split()[1]) > 900
    assert (seen["saw"], seen["passed"]) == (saw, not is_late)
    assert (row["status"], row["reason"]) == (("expired", "too_late") if is_late else ("dispatched", ""))


def test_a_request_that_is_made_again_is_as_old_as_it_was(chain, bob):
    tip_id = chain.settled(bob, 100, createdAt=clock.iso(NOW - 60 * MINUTES))
    before = request_of(tip_id)
    assert before["tipped_at"] == NOW - 60 * MINUTES
    for restore in (
        lambda: rebuild.run(now=NOW + MINUTES),
        lambda: transactions.run(
            lambda session: lost.ensure([tip_id], over=lambda ids: (), now=NOW, session=session)
        ),
    ):
        collection(QueueRequest).delete_many({})
        restore()
        assert request_of(tip_id)["tipped_at"] == before["tipped_at"]


def test_a_request_of_before_it_was_kept_counts_from_when_it_was_recorded(decided, chain, bob):
    chain.settled(bob, 100)
    row = request_of(next(iter(chain.sent))) | {"attempts": 1, "claimed_by": "x"}
    del row["tipped_at"]
    row["payload"]["createdAt"] = clock.iso(NOW - 16 * MINUTES)
    assert decide(row, Rules.read([row["lane"]]), is_online=True, now=NOW)["reason"] == "too_late"


@pytest.mark.parametrize("name", list(REFUSALS))
def test_the_first_gate_that_says_no_ends_the_asking_and_gives_the_reason(decided, name):
    changes, gate, status, reason, saw = REFUSALS[name]
    row = decided(**changes)
    place = list(GATES).index(gate)
    assert asked(row) == list(GATES)[: place + 1]
    assert [one["passed"] for one in row["gates"]] == [True] * place + [False]
    assert (row["status"], row["reason"], last(row)["saw"]) == (status, reason, saw)
    assert (row["commands"], row["dispatched_at"], row["finished_at"]) == ([], None, NOW)


def test_the_minimum_itself_is_enough(decided):
    assert decided(10)["status"] == "dispatched"
    assert decided(100, performer={"minimum_tip": 100})["status"] == "dispatched"


def test_her_own_minimum_is_only_ever_stricter(decided):
    assert decided(9, performer={"minimum_tip": 1})["reason"] == "below_minimum"


def test_a_tip_is_fresh_to_the_end_of_the_window(decided):
    assert decided(event={"createdAt": clock.iso(NOW - timedelta(seconds=900))})["status"] == "dispatched"


def test_a_performer_who_is_not_enrolled(chain, bob):
    tip_id = chain.settled(bob, 100)
    request = request_of(tip_id) | {"lane": "f" * 24, "attempts": 1, "claimed_by": "x"}
    row = decide(request, Rules.read(["f" * 24]), is_online=True, now=NOW)
    assert (row["status"], row["reason"], last(row)["gate"]) == ("skipped", "unknown_performer", "performer")


def test_the_shorter_of_the_caps_binds(decided):
    assert decided(performer={"maximum_seconds": 4})["promised_seconds"] == 4
    assert (
        decided(setting=("maximum_seconds", "3"), performer={"maximum_seconds": 20})["promised_seconds"] == 3
    )


def test_caps_that_leave_nothing_skip_the_tip(decided):
    row = decided(performer={"maximum_intensity": 0})
    assert (row["status"], row["reason"], last(row)["gate"]) == ("skipped", "caps", "caps")
    assert row["commands"] == []


def test_an_activation_keeps_the_item_of_its_time(decided, chain, ana):
    row = decided()
    publishing.publish(chain.performer_id, [MENU[1] | {"title": "Changed"}], NOW)
    assert (row["item"]["title"], row["menu_version"]) == ("Fireworks", 1)
    assert decided()["item"]["title"] == "Changed"


def test_a_menu_is_found_although_the_memory_of_menus_is_full(chain, carol, bob, monkeypatch):
    """Ana's is known, Carol's is not, and the memory has no room: neither may be taken for having none."""
    publishing.publish(carol.performer_id, MENU, NOW)
    Rules.read([chain.performer_id])
    monkeypatch.setattr(reading, "MENU_ITEMS_KEPT", 0)
    found = Rules.read([chain.performer_id, carol.performer_id])
    assert set(found.menus) == {f"{chain.performer_id}.1", f"{carol.performer_id}.1"}
    assert set(reading._kept) == set(found.menus)


def test_a_setting_holds_from_the_next_decision_on(decided):
    assert decided()["status"] == "dispatched"
    assert decided(setting=("enable_lovense", "false"))["reason"] == "kill_switch"
    assert decided(setting=("enable_lovense", "true"))["status"] == "dispatched"


def test_an_anonymous_tip_has_no_name(decided):
    assert decided(isAnonymous=True)["tipper_name"] == "Anonymous"


# --- acknowledgements --------------------------------------------------------------------------------------


@pytest.fixture
def sent(chain, bob):
    """A tip that was sent to the page."""
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    return tip_id


def ack(tip_id, stage, *, performer="507f191e810c19729de860eb", after=1, **more):
    return Ack(performer, activation_id(tip_id), 1, stage, NOW + seconds(after), **more)


def say(*acks):
    return acknowledgement.acknowledge(list(acks))


def test_step_by_step(sent):
    assert say(ack(sent, "received", after=1)) == [False]
    assert state(sent) == ("dispatched", "claimed")
    assert say(ack(sent, "started", after=2)) == [False]
    assert state(sent) == ("activated", "claimed")
    assert say(ack(sent, "finished", after=12, delivered_seconds=9.5)) == [True]
    assert state(sent) == ("completed", "completed")
    row = activation_of(sent)
    assert [row[f"{name}_at"] for name in ("received", "started", "finished")] == [
        NOW + seconds(n) for n in (1, 2, 12)
    ]
    assert row["delivered_seconds"] == 9.5
    assert request_of(sent)["finished_at"] == NOW + seconds(12)


@pytest.mark.parametrize("is_answer", [True, False])
def test_straight_to_finished(sent, is_answer):
    assert say(ack(sent, "finished", delivered_seconds=10, is_answer=is_answer)) == [True]
    assert state(sent) == ("completed", "completed")


def test_a_failure_keeps_its_code(sent):
    assert say(ack(sent, "failed", code="TOY_GONE", delivered_seconds=2)) == [True]
    assert state(sent) == ("failed", "failed")
    assert (activation_of(sent)["reason"], activation_of(sent)["delivered_seconds"]) == ("TOY_GONE", 2)


@pytest.mark.parametrize("is_answer", [True, False])
@pytest.mark.parametrize("stage", ["received", "started", "finished", "failed"])
def test_a_repeat_changes_nothing(sent, stage, is_answer):
    say(ack(sent, stage, after=1, is_answer=is_answer, delivered_seconds=5))
    before = activation_of(sent), request_of(sent)
    say(ack(sent, stage, after=9, is_answer=is_answer, delivered_seconds=1))
    say(ack(sent, stage, after=9, is_answer=is_answer), ack(sent, stage, after=9, is_answer=is_answer))
    assert (activation_of(sent), request_of(sent)) == before


def test_many_threads_finish_one_activation_once(sent, in_threads):
    in_threads(lambda: say(ack(sent, "finished", delivered_seconds=3, is_answer=True)), times=16)
    assert state(sent) == ("completed", "completed")
    assert activation_of(sent)["finished_at"] == NOW + seconds(1)


def test_stages_out_of_order_do_not_go_back(sent):
    say(ack(sent, "finished", delivered_seconds=10))
    before = activation_of(sent), request_of(sent)
    say(ack(sent, "started"), ack(sent, "received"), ack(sent, "failed"))
    assert (activation_of(sent), request_of(sent)) == before


@pytest.mark.parametrize("stage", ["received", "started", "finished", "failed"])
def test_a_strangers_word_counts_for_nothing(sent, stage, carol):
    before = activation_of(sent), request_of(sent)
    assert say(ack(sent, stage, performer=carol.performer_id)) == [False]
    assert (activation_of(sent), request_of(sent)) == before


def test_an_activation_that_does_not_exist(db):
    assert say(ack("f" * 24, "finished"), ack("f" * 24, "received")) == [False, False]
    assert collection(Activation).count_documents({}) == 0


def test_a_group_of_words_about_many_tips(chain, carol, bob, sent):
    """Hers in order, a stranger's between them, one twice, one unknown: each counts for itself."""
    results = say(
        ack(sent, "received"),
        ack(sent, "finished", performer=carol.performer_id),
        ack(sent, "started"),
        ack("f" * 24, "finished"),
        ack(sent, "finished", delivered_seconds=10),
        ack(sent, "finished", delivered_seconds=1),
        ack(sent, "finished", performer=carol.performer_id),
    )
    assert results == [False, False, False, False, True, True, False]
    assert state(sent) == ("completed", "completed")
    assert activation_of(sent)["delivered_seconds"] == 10


def test_many_ends_in_one_group_are_ended_whatever_their_durations(chain, bob, carol):
    fund(bob, 1000)
    tips = [chain.settled(bob, 100) for _ in range(4)]
    for tip_id in tips:
        chain.dispatch()
        collection(QueueRequest).update_one(
            {"idempotency_key": tip_id}, {"$set": {"lane": tip_id}}
        )  # a lane each
    acks = [
        ack(tip_id, "finished", delivered_seconds=place % 2, is_answer=True)
        for place, tip_id in enumerate(tips)
    ]
    assert say(*acks) == [True] * 4
    assert {state(tip_id) for tip_id in tips} == {("completed", "completed")}
    assert [activation_of(tip_id)["delivered_seconds"] for tip_id in tips] == [0, 1, 0, 1]


def test_an_end_whose_request_was_not_freed_frees_it_when_it_is_said_again(sent, fail_command):
    """The process died between the two writes."""
    fail_command(
        "update", errorCode=8000, namespace=f"{collection(QueueRequest).database.name}.queue_requests"
    )
    finished = ack(sent, "finished", delivered_seconds=10, is_answer=True)
    with pytest.raises(PyMongoError):
        say(finished)
    assert state(sent) == ("completed", "claimed")
    assert say(replace(finished, at=NOW + seconds(5))) == [True]
    assert state(sent) == ("completed", "completed")
    assert activation_of(sent)["finished_at"] == NOW + seconds(1)


def test_a_confirmed_command_has_its_promised_time_and_no_more(sent, settings):
    say(ack(sent, "received", after=3))
    assert request_of(sent)["lease_until"] == NOW + seconds(3 + 10 + settings.FINISH_GRACE_SECONDS)
    say(ack(sent, "received", after=9))
    assert request_of(sent)["lease_until"] == NOW + seconds(3 + 10 + settings.FINISH_GRACE_SECONDS)
    say(ack(sent, "started", after=4))
    for later in (5, 50, 500):
        say(ack(sent, "started", after=later), ack(sent, "received", after=later))
    assert request_of(sent)["lease_until"] == NOW + seconds(4 + 10 + settings.FINISH_GRACE_SECONDS)


def test_a_stranger_cannot_lengthen_a_lease(sent, carol):
    say(ack(sent, "received"))
    before = request_of(sent)
    say(ack(sent, "started", after=60, performer=carol.performer_id))
    assert request_of(sent) == before


@pytest.mark.parametrize(("status", "request_status"), [("timeout", "failed"), ("dead", "dead")])
def test_a_late_finish_is_believed_once(sent, status, request_status):
    collection(Activation).update_one({}, {"$set": {"status": status, "reason": "x"}})
    collection(QueueRequest).update_one({}, {"$set": {"status": request_status}})
    assert say(ack(sent, "finished", after=60, delivered_seconds=10)) == [True]
    assert state(sent) == ("completed", "completed")
    before = activation_of(sent)
    assert before["reason"] == ""
    say(ack(sent, "finished", after=90, delivered_seconds=1))
    assert activation_of(sent) == before


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("completed", "completed"),
        ("skipped", "completed"),
        ("expired", "completed"),
        ("failed", "failed"),
        ("timeout", "failed"),
        ("dead", "dead"),
    ],
)
def test_what_an_end_means_for_its_request(sent, status, verdict):
    collection(Activation).update_one({}, {"$set": {"status": status}})
    activation.end_requests([activation_of(sent)], now=NOW + seconds(1))
    assert request_of(sent)["status"] == verdict
    assert claims.claimed(request_of(sent)["lane"]) is None
