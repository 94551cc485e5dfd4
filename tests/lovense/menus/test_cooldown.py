"""Cooldown: after a run of an item began the next matching one answers for a while, whatever restarts or is
published; what never began counts nothing."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground import clock
from ground.audit.models import AuditEntry
from ground.hops import doorbell
from ground.mongodb.collections import collection
from lovense.deciding import foresight, platform, resets, standings
from lovense.deciding.activation import S
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules, StandingsNotRead
from lovense.deciding.standings import ItemStanding
from lovense.lane import eta, live
from lovense.menus import publishing, reading
from lovense.menus.drafts import NoSuchItem
from lovense.menus.publishing import LONGEST_COOLDOWN
from lovense.models import Activation, ItemState, Performer
from lovense.sending import dispatch
from tests.chain import SECOND
from tests.commands import RECORDER
from tests.factories import NOW
from tests.ground.plans import fill, recorded, scans
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.conftest import activation_of, request_of
from tests.lovense.menus.offers import added, said
from tests.lovense.menus.test_terms import error, press, told

__all__ = ["_nobody_is_woken", "press"]
ROOT = "/api/lovense/tip-menu"
db = pytest.mark.django_db
COOL, OPEN = "Once a minute", "Always"


def items(**more):
    exact = said(COOL, itemId="cool", minimum=50, maximum=50, cooldownSec=60, durationSec=5) | more
    return [exact, said(OPEN, itemId="open", minimum=1, maximum=None, durationSec=5)]


@pytest.fixture
def cooling(chain):
    """Of 50 tokens an item answers that cools down for a minute; of everything another one does."""
    publishing.publish(chain.performer_id, items(), chain.now)
    return chain


def played(chain, bob, *, seconds=0, amount=50):
    """A tip so much later, to its end; what answered it."""
    chain.now += timedelta(seconds=seconds)
    chain.hold()
    tip_id = chain.played(bob, amount, seconds=5)
    return title(tip_id)


def title(tip_id):
    item = activation_of(tip_id)["item"]
    return item and item["title"]


def saw(tip_id, gate="menu_match"):
    return next(one["saw"] for one in activation_of(tip_id)["gates"] if one["gate"] == gate)


# --- pure --------------------------------------------------------------------------------------------------


def menu(**more):
    return reading.of_row({"_id": "x.1", "version": 1, "items": items(order=1, **more)[:1]})


@pytest.mark.parametrize(("seconds", "is_closed"), [(0, True), (59.9, True), (60, False), (600, False)])
def test_it_cools_down_from_the_moment_in_which_its_run_began(seconds, is_closed):
    known = {"cool": ItemStanding(NOW)}
    found = standings.closed(menu(), known, NOW + timedelta(seconds=seconds))
    assert found == ({"cool": "cooling_down"} if is_closed else {})
    assert standings.closed(menu(cooldownSec=0), known, NOW) == {}
    assert standings.closed(menu(), {}, NOW) == {}


RUN = {
    "status": S.COMPLETED,
    "dispatched_at": NOW,
    "received_at": None,
    "started_at": None,
    "delivered_seconds": None,
}


@pytest.mark.parametrize("status", list(S))
def test_what_is_known_not_to_have_played_has_not_begun(status):
    began = standings.began(RUN | {"status": status})
    may_play = status in (S.DISPATCHED, S.ACTIVATED, S.TIMEOUT, S.COMPLETED)
    assert began == (NOW if may_play else None)
    assert standings.began(RUN | {"status": status, "started_at": NOW + SECOND}) == NOW + SECOND
    assert standings.began(RUN | {"status": status, "delivered_seconds": 2.5}) == NOW


@given(st.integers(0, LONGEST_COOLDOWN))
def test_a_cooldown_of_up_to_a_day_may_be_published(seconds):
    (item,) = publishing.validated([said(cooldownSec=seconds)])
    assert item.get("cooldownSec", 0) == seconds


@pytest.mark.parametrize("wrong", [-1, LONGEST_COOLDOWN + 1, 1.5, "5", True, None])
def test_any_other_is_refused(wrong):
    with pytest.raises(publishing.InvalidMenu) as refused:
        publishing.validated([said(cooldownSec=wrong)])
    assert refused.value.errors[0].field == "cooldownSec"


# --- decided -----------------------------------------------------------------------------------------------


@db
def test_while_it_cools_down_the_next_matching_item_answers_and_the_record_says_so(cooling, bob):
    assert played(cooling, bob) == COOL
    assert played(cooling, bob, seconds=30) == OPEN
    assert played(cooling, bob, seconds=31) == COOL
    cooling.now += 20 * SECOND
    cooling.hold()
    tip_id = cooling.settled(bob, 50)
    cooling.dispatch()
    assert saw(tip_id) == f"{OPEN} in a public show; passed over: “{COOL}” (cooling down)"


@db
def test_where_nothing_else_answers_the_default_reaction_does_else_it_is_skipped(chain, bob):
    publishing.publish(chain.performer_id, items()[:1], chain.now)
    assert played(chain, bob) == COOL
    chain.now += SECOND
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    row = activation_of(tip_id)
    assert (row["status"], row["reason"], row["item"]) == ("skipped", "cooling_down", None)


@db
def test_it_goes_on_over_a_publication_another_order_and_a_redis_that_was_emptied(cooling, bob):
    played(cooling, bob)
    publishing.publish(cooling.performer_id, items()[::-1], cooling.now)
    doorbell.connection().flushall()
    reading._kept.clear()
    assert played(cooling, bob, seconds=40) == OPEN
    assert played(cooling, bob, seconds=21) == COOL


@db
def test_no_two_starts_are_closer_than_it(cooling, bob):
    for seconds in (0, 10, 10, 45, 1, 59, 2, 30):
        played(cooling, bob, seconds=seconds)
    starts = sorted(
        row["started_at"]
        for row in collection(Activation).find({"item.itemId": "cool"})
        if row["started_at"] is not None
    )
    assert len(starts) >= 3
    assert all(later - earlier >= 60 * SECOND for earlier, later in pairwise(starts))


@db
@pytest.mark.parametrize("code", ["busy", "bad_command"])
def test_a_run_that_never_began_counts_nothing(cooling, bob, code):
    tip_id = cooling.settled(bob, 50)
    cooling.dispatch()
    cooling.acknowledge(tip_id, "failed", code=code)
    assert title(tip_id) == COOL
    assert (
        foresight.read(cooling.performer_id, version=None, is_draft=False, now=cooling.now)
        .of(50)
        .found.item["title"]
        == COOL
    )


@db
def test_a_process_that_died_between_the_note_and_the_activation_has_started_nothing(cooling, bob):
    tip_id = cooling.settled(bob, 50)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    seen = dispatch.look([request], now=cooling.now)
    standings.note([dispatch.decide(request, seen).outcome])
    assert activation_of(tip_id) is None
    cooling.dispatch()
    assert title(tip_id) == COOL
    assert collection(ItemState).count_documents({}) == 1


@db
def test_noted_again_it_is_noted_once_and_three_runs_are_remembered(chain):
    for number in (1, 2, 3, 4, 2):
        row = {"_id": f"run-{number}", "performer_id": chain.performer_id, "item": items()[0]}
        standings.note([row])
    assert collection(ItemState).find_one({})["runs"] == ["run-3", "run-4", "run-2"]


@db
def test_in_batches_each_tip_for_it_is_a_run_of_its_own(cooling, bob):
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW)
    tips = [cooling.settled(bob, 50) for _ in range(2)]
    cooling.dispatch(later=SECOND)
    assert activation_of(tips[0]).get("members") is None
    cooling.acknowledge(tips[0], "started", later=SECOND)
    cooling.acknowledge(tips[0], "finished", later=6 * SECOND, delivered_seconds=5)
    cooling.now += 7 * SECOND
    cooling.hold()
    cooling.dispatch()
    assert (title(tips[0]), title(tips[1])) == (COOL, OPEN)


@db
def test_a_decision_without_a_look_at_its_items_is_none(cooling, bob):
    """A lane that lives in memory has looked when it was read, at every item of the menu."""
    tip_id = cooling.settled(bob, 50)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    rules = Rules.read([request["lane"]])
    with pytest.raises(StandingsNotRead):
        decide(request, rules, is_online=True, now=NOW)
    _, lanes = live.read([cooling.performer_id], now=NOW)
    found = lanes[cooling.performer_id]
    assert found.is_plain(rules, cooling.performer_id, NOW)
    assert (set(found.known.menus), set(found.known.standings)) == ({f"{request['lane']}.2"}, {"cool"})
    rules.standings, rules.known_menus = {request["lane"]: {}}, {request["lane"]: frozenset()}
    with pytest.raises(StandingsNotRead):  # of another version
        decide(request, rules, is_online=True, now=NOW)
    (start,) = eta.of_lane(cooling.performer_id, now=NOW)
    assert start.decision["item"]["title"] == COOL


@db
def test_a_menu_whose_items_always_answer_costs_a_round_not_one_command_more(chain, bob):
    def asked():
        request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
        RECORDER.commands = sent = []
        try:
            seen = dispatch.look([request], now=chain.now)
            dispatch.keep([dispatch.decide(request, seen)], seen)
        finally:
            RECORDER.commands = None
        assert activation_of(tip_id)["status"] == "dispatched"
        return {str(command[next(iter(command))]) for _, command in sent}

    tip_id = chain.settled(bob, 100)
    assert "item_states" not in asked()
    publishing.publish(chain.performer_id, items(), chain.now)
    tip_id = chain.settled(bob, 50)
    assert "item_states" in asked()


@db
def test_states_are_found_by_their_key(cooling, bob):
    fill(ItemState, lambda n: {"_id": f"{n:024x}.x", "performer_id": f"{n:024x}", "item_id": "x"})
    played(cooling, bob)
    with recorded() as plans:
        played(cooling, bob, seconds=61)
        resets.cooldowns(cooling.performer_id, by="ana", now=cooling.now)
    of_states = [plan for plan in plans if plan.collection == "item_states"]
    assert len(of_states) >= 3
    assert scans(of_states) == []


# --- reset -------------------------------------------------------------------------------------------------


@db
def test_she_ends_a_cooldown_and_it_is_in_the_audit_log_once(cooling, bob):
    played(cooling, bob)
    who = {"by": "ana", "now": cooling.now + 10 * SECOND}
    assert resets.cooldowns(cooling.performer_id, "cool", **who) == ["cool"]
    assert resets.cooldowns(cooling.performer_id, "cool", **who) == []
    (entry,) = collection(AuditEntry).find({"action": "reset_cooldown"})
    assert (entry["target"], entry["before"]) == ("cool", {"coolingDown": ["cool"]})
    assert played(cooling, bob, seconds=12) == COOL
    assert played(cooling, bob, seconds=10) == OPEN, "it cools down anew"


@db
def test_what_is_not_hers_is_not_there(cooling, carol):
    for performer_id, item_id in ((carol.pk, "cool"), (cooling.performer_id, "other")):
        with pytest.raises(NoSuchItem):
            resets.cooldowns(performer_id, item_id, by="x", now=NOW)


@db
def test_over_rest_one_or_all_are_ended(cooling, bob, ana, carol):
    hers, strangers = Caller(ana.user, root=ROOT), Caller(carol.user, root=ROOT)
    began_now(cooling, bob)
    asked = hers("get", "/preview?amount=50").json()
    assert (asked["item"]["title"], asked["passedOver"][0]["why"]) == (OPEN, "cooling_down")
    error(strangers("post", "/items/cool/reset-cooldown"), 404, "not_found")
    assert strangers("post", "/reset-cooldowns").json() == {"reset": []}
    assert hers("post", "/items/cool/reset-cooldown").json() == {"reset": ["cool"]}
    assert hers("post", "/reset-cooldowns").json() == {"reset": []}
    assert hers("get", "/preview?amount=50").json()["item"]["title"] == COOL


def began_now(chain, bob):
    """By the doors' own clock."""
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    chain.acknowledge(tip_id, "started", later=clock.now() - chain.now)
    chain.acknowledge(tip_id, "finished", later=clock.now() - chain.now, delivered_seconds=5)


@db
def test_on_the_page_it_says_until_when_and_a_button_ends_it(cooling, bob, press, client):
    assert "Cooling down" not in client.get("/menu").content.decode()
    began_now(cooling, bob)
    shown = client.get("/menu").content.decode()
    assert "Cooling down" in shown
    assert "cooldown 60\u00a0s" in shown
    assert told(press("items/cool/reset")) == "1 item answers again."
    assert "Cooling down" not in client.get("/menu").content.decode()
    assert told(press("reset")) == "Nothing was cooling down."
    assert press("items/other/reset").status_code == 404


@db
def test_in_the_form_it_is_a_number_and_empty_is_none(press, client, ana):
    item_id = added(ana, "Wave").items[0]["itemId"]
    typed = said("Wave") | {"section": "", "description": "", "active": "1"}
    press(f"items/{item_id}/change", **typed, revision=1, cooldownSec="90")
    assert 'value="90"' in client.get(f"/menu/items/{item_id}/change").content.decode()
    wrong = press(f"items/{item_id}/change", **typed, revision=2, cooldownSec="x").content.decode()
    assert "Must be a whole number from 0 to 86400." in wrong
    press(f"items/{item_id}/change", **typed, revision=2, cooldownSec="")
    assert "cooldown" not in client.get("/menu").content.decode()
    assert Performer.objects.get(pk=ana.pk).menu_version == 0
