"""The story of one tip at every point of its way: the verdict, the six facts, the gates and what it waits
for."""

from datetime import timedelta

import pytest

from adminpanel.tip import deliveries, drawing, entries, story, timeline, verdict
from ground.inbox import inbox
from ground.mongodb.collections import collection
from ledger.books import reversal
from lovense.deciding import platform
from lovense.deciding.gates import GATES, ON_WISH
from lovense.lane import controls
from lovense.models import Activation
from lovense.sending import leases
from tests.chain import SECOND, Chain
from tests.factories import NOW, Viewer
from tests.ground.plans import recorded
from tips.log import archive
from tips.models import QueueRequest, Tip
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db
OF_ALL = [gate for gate in GATES if gate not in ON_WISH]

UNKNOWN = "0" * 24
POOR = Viewer(user_id="507f191e810c19729de860aa", username="poor")


def verdict_of(tip_id):
    found = story.read(tip_id)
    assert found is not None
    said = verdict.of(found)
    return (said.status, said.reason)


def states(tip_id):
    found = story.read(tip_id)
    assert found is not None
    facts = timeline.of(found)
    assert [fact.number for fact in facts] == [1, 2, 3, 4, 5, 6]
    return " ".join(fact.state for fact in facts)


# --- the verdict -------------------------------------------------------------------------------------------


def test_a_tip_that_nobody_sent_has_no_trail(db):
    assert story.read(UNKNOWN) is None


def test_a_stored_delivery_is_pending(chain, bob):
    tip_id = chain.deliver(bob, 100)
    assert verdict_of(tip_id) == ("pending", "received")
    assert states(tip_id) == "done waiting waiting waiting waiting waiting"


def test_a_delivery_that_cannot_be_processed_says_so(chain, bob):
    tip_id = chain.deliver(bob, 100)
    inbox.mark_failed(story.read(tip_id).delivery.key, error="AutoReconnect", now=NOW)
    assert verdict_of(tip_id) == ("pending", "processing_failed")
    assert "AutoReconnect" in verdict.of(story.read(tip_id)).text


def test_a_tip_without_tokens_waits_and_then_fails(chain):
    tip_id = chain.settled(POOR, 100)
    assert verdict_of(tip_id) == ("pending", "waiting_for_tokens")
    assert states(tip_id) == "done done waiting waiting waiting waiting"
    assert "It fails at 04:16:00 UTC" in verdict.of(story.read(tip_id)).text
    chain.settle(later=timedelta(seconds=61))
    assert verdict_of(tip_id) == ("failed", "insufficient_funds")
    assert states(tip_id) == "done done never never never never"


@pytest.mark.parametrize(("kind", "status"), [("tip.cancelled", "cancelled"), ("tip.failed", "failed")])
def test_a_tip_that_the_platform_took_back_never_plays(chain, bob, kind, status):
    tip_id = chain.settled(bob, 100, kind=kind)
    assert verdict_of(tip_id) == (status, "by_platform")
    assert "never" in states(tip_id)


def test_a_settled_tip_waits_for_its_turn(chain, bob):
    tip_id = chain.settled(bob, 100)
    assert verdict_of(tip_id) == ("pending", "queued")
    assert states(tip_id) == "done done done waiting waiting waiting"
    assert "a page that holds" in timeline.of(story.read(tip_id))[3].waits


def test_a_request_removed_from_the_queue_is_cancelled(chain, bob):
    tip_id = chain.settled(bob, 100)
    QueueRequest.objects.filter(pk=queue.request_id(tip_id)).update(status="cancelled")
    assert verdict_of(tip_id) == ("cancelled", "removed")
    assert states(tip_id) == "done done done never never never"


def test_a_sent_tip_is_pending_until_its_page_says_that_it_ended(chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    assert verdict_of(tip_id) == ("pending", "dispatched")
    chain.acknowledge(tip_id, "started")
    assert verdict_of(tip_id) == ("pending", "activated")
    assert states(tip_id) == "done done done done done waiting"
    chain.acknowledge(tip_id, "finished", later=10 * SECOND, delivered_seconds=10)
    assert verdict_of(tip_id) == ("completed", "")
    assert states(tip_id) == "done done done done done done"
    assert (
        verdict.of(story.read(tip_id)).text == "100 tokens from \u2068bob\u2069: “Fireworks” played for 10 s."
    )


@pytest.mark.parametrize(("amount", "reason"), [(5, "below_minimum"), (300, "no_match")])
def test_a_tip_that_the_menu_does_not_answer_is_skipped(chain, bob, amount, reason):
    chain.hold()
    tip_id = chain.settled(bob, amount)
    chain.dispatch()
    assert verdict_of(tip_id) == ("skipped", reason)
    assert verdict.of(story.read(tip_id)).text.startswith(
        f"{amount} tokens from \u2068bob\u2069 did nothing: "
    )
    assert states(tip_id) == "done done done done never never"


def test_without_a_required_menu_or_with_the_kill_switch_tips_are_skipped(carol, chain, bob):
    platform.change(key="requireTipMenu", value="true", by="dina", now=NOW)
    bare = Chain(carol)
    bare.hold()
    without_menu = bare.settled(bob, 100)
    bare.dispatch()
    assert verdict_of(without_menu) == ("skipped", "no_menu")
    platform.change(key="enableLovense", value="false", by="dina", now=bare.now)
    switched_off = bare.settled(bob, 100)
    bare.dispatch()
    assert verdict_of(switched_off) == ("skipped", "kill_switch")
    assert "activations are off" in [gate["saw"] for gate in story.asked_gates(story.read(switched_off)).no]


def test_a_tip_whose_performer_stays_away_expires(chain, bob):
    tip_id = chain.settled(bob, 100)
    leases.expire_offline(now=chain.now + timedelta(minutes=16), limit=10)
    assert verdict_of(tip_id) == ("expired", "device_offline")


def test_a_page_that_fails_or_falls_silent_is_told_apart(chain, bob):
    chain.hold()
    failed = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(failed, "failed", code="toy_unreachable")
    silent = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(silent, "received")
    leases.expire(now=chain.now + timedelta(minutes=1), limit=10)
    assert verdict_of(failed) == ("failed", "toy_unreachable")
    assert verdict_of(silent) == ("timeout", "not_finished_in_time")


def test_a_tip_that_no_page_confirmed_is_dead_with_its_errors(chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    for minutes in range(1, 8):
        chain.dispatch(later=timedelta(seconds=3))
        leases.expire(now=chain.now + timedelta(minutes=minutes), limit=10)
        chain.now += timedelta(minutes=minutes)
        chain.hold()
    assert verdict_of(tip_id) == ("dead", "not_received")
    *_, fifth, sixth = timeline.of(story.read(tip_id))
    assert "did not confirm" in dict(fifth.details)["Error 1"]
    assert sixth.state == "never"


# --- facts, gates, entries ---------------------------------------------------------------------------------


def test_the_facts_carry_their_keys_and_the_time_that_each_took_is_drawn_to_scale(chain, bob):
    chain.hold()
    tip_id = chain.deliver(bob, 100)
    chain.settle(later=SECOND / 4)
    chain.dispatch(later=SECOND)
    chain.acknowledge(tip_id, "finished", later=11 * SECOND, delivered_seconds=10)
    facts = timeline.of(story.read(tip_id))
    lines, whole = drawing.waterfall(facts, now=NOW)
    assert whole == "11.0 s"
    assert [line.words for line in lines] == ["", "250 ms", "0 ms", "750 ms", "0 ms", "10.0 s"]
    assert [float(line.width) for line in lines] == [0.6, 2.27, 0.6, 6.82, 0.6, 90.91]
    assert [float(line.x) for line in lines] == [0, 0, 2.27, 2.27, 9.09, 9.09]
    assert facts[0].key.startswith("payments/msg_")
    keys = [tip_id, tip_id, f"{tip_id}.all", f"{tip_id}.all / 1", f"{tip_id}.all"]
    assert [fact.key for fact in facts[1:]] == keys


def gates_of(tip_id):
    """In the order they were asked; those that were not asked at the end."""
    found = story.asked_gates(story.read(tip_id))
    said = [(found.passed, "Passed"), (found.no, "Failed")]
    told = {gate["name"]: result for gates, result in said for gate in gates}
    return told | dict.fromkeys(found.unasked, "Not asked")


def named(gates):
    return [gate.replace("_", " ") for gate in gates]


def test_every_gate_of_a_played_tip_is_shown_in_its_order(chain, bob):
    chain.hold()
    assert gates_of(chain.played(bob, 100)) == dict.fromkeys(named(OF_ALL), "Passed")


def asked_as_if(tip_id, change):
    """The gates of a tip as they were asked at another time."""
    row = collection(Activation).find_one({"tip_id": tip_id})
    collection(Activation).update_one({"_id": row["_id"]}, {"$set": {"gates": change(row["gates"])}})


def test_a_gate_that_did_not_exist_when_a_tip_passed_all_of_them_is_not_shown(chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    asked_as_if(tip_id, lambda gates: [gate for gate in gates if gate["gate"] != "fresh"])
    assert list(gates_of(tip_id)) == named(gate for gate in OF_ALL if gate != "fresh")


def test_a_gate_that_did_not_exist_before_the_one_that_said_no_is_not_shown(chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 5)
    chain.dispatch()
    asked_as_if(tip_id, lambda gates: [gate for gate in gates if gate["gate"] != "fresh"])
    assert list(gates_of(tip_id)) == named(gate for gate in OF_ALL if gate != "fresh")


def test_a_gate_that_said_no_and_is_asked_no_more_is_the_last_that_is_shown(chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 5)
    chain.dispatch()
    asked_as_if(tip_id, lambda gates: [*gates[:-1], gates[-1] | {"gate": "of_before"}])
    assert list(gates_of(tip_id).items())[-1] == ("of before", "Failed")


def test_the_gates_after_the_one_that_said_no_were_not_asked(chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 5)
    chain.dispatch()
    results = gates_of(tip_id)
    assert results["signature"] == "Passed"
    assert results["minimum"] == "Failed"
    assert results["menu match"] == results["stop epoch"] == "Not asked"
    assert list(results) == named(OF_ALL)


def test_the_entries_show_both_transfers_with_the_balances_around_them(chain, bob):
    tip_id = chain.settled(bob, 100)
    lines = entries.of(story.read(tip_id))
    shown = [(line.account, line.side, line.amount, line.before, line.after) for line in lines]
    performer = f"performer:{chain.performer_id}"
    assert shown == [
        (bob.account, "debit", 100, 100_000, 99_900),
        (performer, "credit", 100, 0, 100),
        (performer, "debit", 25, 100, 75),
        ("platform:commission", "credit", 25, 0, 25),
    ]


def test_an_anonymous_tipper_is_named_neither_in_words_nor_by_account(chain, bob):
    tip_id = chain.settled(bob, 100, isAnonymous=True)
    found = story.read(tip_id)
    assert found.who == "Anonymous"
    assert "Anonymous" in verdict.of(found).text
    assert entries.of(found)[0].account == "user:hidden"


def test_repeats_and_conflicts_are_listed_and_change_nothing(chain, bob):
    tip_id = chain.settled(bob, 100)
    other = chain.settled(bob, 100)
    before = verdict.of(story.read(tip_id))
    assert chain.accept(chain.sent[tip_id]) is inbox.Acceptance.REPEAT
    assert (
        chain.accept(chain.sent[tip_id].replace(b'"totalPrice": 100', b'"totalPrice": 101'))
        is inbox.Acceptance.CONFLICT
    )
    found = story.read(tip_id)
    repeats = deliveries.repeats(found).rows
    assert [row.status for row in repeats] == ["duplicate", "conflict"]
    said = {"kind": "changed", "title": "totalPrice", "before": "100", "after": "101"}
    assert [row.differences for row in repeats] == [[], [said]]
    assert verdict.of(found) == before
    assert deliveries.repeats(story.read(other)).rows == []


def test_a_cancellation_that_came_too_late_is_a_delivery_of_the_tip(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.deliver(bob, 100, tip_id=tip_id, kind="tip.cancelled")
    chain.settle()
    found = story.read(tip_id)
    assert [row.event_type for row in found.deliveries] == ["tip.succeeded", "tip.cancelled"]
    assert found.delivery.event_type == "tip.succeeded"
    assert verdict.of(found).reason == "queued"


# --- look-ups ----------------------------------------------------------------------------------------------


def test_a_trail_is_a_handful_of_indexed_look_ups(chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    for _ in range(5):
        chain.played(bob, 100)
    with recorded() as plans:
        found = story.read(tip_id)
        assert verdict.of(found).status == "completed"
        assert len(timeline.of(found)) == 6
    assert len(plans) == 6
    assert [plan for plan in plans if not plan.is_indexed] == []


def test_a_tip_that_is_not_settled_costs_less(chain):
    tip_id = chain.settled(POOR, 100)
    with recorded() as plans:
        story.read(tip_id)
    assert len(plans) == 2
    assert Tip.objects.get(pk=tip_id).settlement_status == "pending"


# --- archived, reversed ------------------------------------------------------------------------------------


def test_an_archived_tip_reads_as_it_did(chain, bob):
    chain.hold()
    tip_id = chain.played(bob, 100)
    before = story.read(tip_id)
    later = chain.now + timedelta(days=101)
    assert archive.run(before=later - timedelta(days=90), time=lambda: later).moved == {
        "events": 1,
        "requests": 1,
    }
    after = story.read(tip_id)
    assert (verdict.of(after), timeline.of(after), story.asked_gates(after), after.request) == (
        verdict.of(before),
        timeline.of(before),
        story.asked_gates(before),
        before.request,
    )
    assert (after.event.payload, after.event.previous_hash) == (
        before.event.payload,
        before.event.previous_hash,
    )


def test_a_reversed_tip_shows_what_was_taken_back(chain, bob):
    tip_id = chain.settled(bob, 100)
    lines = len(entries.of(story.read(tip_id)))
    reversal.reverse([f"TIP_{tip_id}_COMMISSION", f"TIP_{tip_id}"], reason="Paid twice", now=chain.now)
    taken_back = entries.of(story.read(tip_id))[lines:]
    assert [(line.key.removeprefix(f"TIP_{tip_id}"), line.side, line.amount) for line in taken_back] == [
        (":reversal:debit", "debit", 100),
        (":reversal:credit", "credit", 100),
        ("_COMMISSION:reversal:debit", "debit", 25),
        ("_COMMISSION:reversal:credit", "credit", 25),
    ]


# --- what a person ended -----------------------------------------------------------------------------------


def cancelled(chain, tip_id):
    told = {"by": "dina", "why": "a complaint", "now": chain.now}
    controls.cancel(request_id=queue.request_id(tip_id), performer_id=None, **told)


def words(tip_id):
    facts = timeline.of(story.read(tip_id))
    details = [f"{name} {value}" for fact in facts for name, value in fact.details]
    return " ".join([*details, *(fact.waits for fact in facts)])


def test_cancelled_while_it_waited_it_never_played_and_staff_see_who_and_why(chain, bob):
    tip_id = chain.settled(bob, 100)
    cancelled(chain, tip_id)
    assert verdict_of(tip_id) == ("cancelled", "cancelled")
    assert "nothing played" in verdict.of(story.read(tip_id)).text
    assert states(tip_id) == "done done done done never never"
    assert "by dina: a complaint" in words(tip_id)
    assert "dina" not in verdict.of(story.read(tip_id)).text  # the platform reads it too


def test_cancelled_while_it_played_it_is_pending_until_its_page_has_answered(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.hold()
    chain.dispatch()
    chain.acknowledge(tip_id, "started")
    cancelled(chain, tip_id)
    assert verdict_of(tip_id) == ("pending", "activated")
    assert "Being ended".lower() in verdict.of(story.read(tip_id)).text.lower()
    chain.acknowledge(tip_id, "finished", delivered_seconds=4)
    assert verdict_of(tip_id) == ("cancelled", "cancelled")
    assert "4 of 10 s" in verdict.of(story.read(tip_id)).text
    assert states(tip_id) == "done done done done done done"
    assert "by dina: a complaint" in words(tip_id)


def test_the_parts_of_one_run_name_each_other(chain, bob):
    platform.change(key="queue_mode", value="batch", by="dina", now=chain.now)
    tips = [chain.settled(bob, 20) for _ in range(2)]
    chain.hold()
    chain.dispatch(later=SECOND)
    assert f"Run 12 s, with {tips[1]}.all" in words(tips[0])
    assert f"Run that of {tips[0]}.all" in words(tips[1])
