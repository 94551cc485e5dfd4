"""The page of one run: hers alone, what became of it with the facts and the gates behind it, and what she may
decide about what is owed."""

import re

import pytest

from lovense.deciding.gates import GATES
from lovense.facts import SIX
from lovense.models import Owed, OwedState
from lovense.page import verdictpage
from lovense.page.verdictpage import GATE_WORDS, HER_FACTS
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.history.rows import add
from tests.lovense.owed.rest import keep, kept, owed_of, playing
from tests.pages import inline_code, unlabelled_fields
from tips.models import TipActivated

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)


@pytest.fixture
def page(client, ana):
    client.force_login(ana.user)

    def get(key, region=""):
        said = {"region": region} if region else {}
        response = client.get(f"/history/{key}", said, headers=HTMX if region else {})
        assert response.status_code == 200
        return re.sub(r"[ \n]+", " ", response.content.decode())

    return get


def key(tip_id):
    return f"{tip_id}.all"


# --- whose it is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "play", "waive"])
def test_of_another_performer_or_of_nothing_nothing_is_found(client, chain, bob, carol, method):
    tip_id = kept(chain, bob)
    client.force_login(carol.user)
    for named in (key(tip_id), "nothing", "\u2603", "x" * 900):
        ask = client.get if method == "get" else client.post
        said = ask(f"/history/{named}" + ("" if method == "get" else f"/{method}"), {"why": "mine"})
        assert said.status_code == 404
    assert owed_of(tip_id)["state"] == OwedState.OPEN


def test_an_anonymous_visitor_is_sent_to_the_login(client):
    assert client.get("/history/x.all")["Location"] == "/login?next=/history/x.all"


# --- what it shows -----------------------------------------------------------------------------------------


def test_a_played_tip_says_so_with_its_facts_its_gates_and_its_receipt(page, chain, bob):
    tip_id = chain.played(bob, 100)
    text = page(key(tip_id))
    event = TipActivated.objects.get(pk=tip_id)
    assert "“Fireworks” played for 10 s." in text
    assert "bob\u2069 · 100\u00a0tokens</h1>" in text
    assert [text.count(fact) for fact in HER_FACTS] == [1] * len(SIX)
    assert text.count("<time>04:15:") == len(SIX)
    assert "16 gates passed" not in text
    assert re.search(r"<summary>1\d gates passed</summary>", text)
    assert "Said no" not in text
    for part in (event.event_id, event.payload_hash, tip_id):
        assert f'value="{part}"' in text
    assert "100 % of what was promised was delivered" in text
    assert inline_code(text) == []
    assert unlabelled_fields(text) == set()


@pytest.mark.parametrize("functions", [{}, {"Rotate": 100}, {"Rotate": 100, "Vibrate": 100}])
def test_what_was_promised_is_drawn_with_its_curve(functions):
    item = {"pattern": "fireworks", "intensity": 16, "durationSec": 4, "functions": functions}
    levels = verdictpage._levels(item, 4)
    assert max(levels) == 0.8
    assert len(set(levels)) > 5


def test_the_gate_that_said_no_is_loud_and_no_fact_behind_it_has_a_time(page, chain, bob):
    tip_id = chain.settled(bob, 300)
    chain.dispatch()
    text = page(key(tip_id))
    assert "no menu item answers 300 tokens" in text
    assert "Said no: An item answers it (nothing answers 300)" in text
    assert text.count("<p>Never</p>") == 2
    assert "Promised and delivered" not in text


def test_a_test_has_the_facts_that_are_its_own(page, ana):
    text = page(add(ana, 1, tip_id=None, event_id=None, amount=0))
    assert [fact in text for fact in HER_FACTS] == [False] * 3 + [True] * 3
    assert "· Test</h1>" in text


def test_what_cannot_be_drawn_is_told_in_words(page, ana):
    text = page(add(ana, 1, item={"title": "Theirs", "itemId": "x"}))
    assert "st-wave" not in text
    assert "10\u00a0s" in text


def test_each_device_says_how_much_of_its_part_it_played(page, ana):
    leg = {"toyId": "t", "nickname": "Lush", "promised": 10, "delivered": 4.0, "outcome": "away"}
    legs = [leg, leg | {"nickname": "Edge", "delivered": 10.0, "outcome": "played"}]
    text = page(add(ana, 1, legs=legs))
    assert "4 of 10\u00a0s; was away" in text
    assert "<strong>Edge</strong> <span>10 of 10\u00a0s</span>" in text


def test_every_gate_and_every_fact_has_its_words():
    assert set(GATES) <= set(GATE_WORDS)
    assert len(HER_FACTS) == len(SIX)


def test_what_plays_is_fetched_again_and_unchanged_is_304(client, page, chain, bob):
    tip_id = playing(chain, bob)
    whole, part = page(key(tip_id)), page(key(tip_id), "verdict")
    assert "Playing" in part
    assert "<html" not in part
    assert f'hx-get="/history/{tip_id}.all?region=verdict"' in whole
    first = client.get(f"/history/{tip_id}.all", {"region": "verdict"}, headers=HTMX)
    again = {**HTMX, "If-None-Match": first["ETag"]}
    assert client.get(f"/history/{tip_id}.all", {"region": "verdict"}, headers=again).status_code == 304


def test_it_asks_few_questions_and_each_has_its_index(client, chain, bob, ana):
    tip_id = kept(chain, bob)
    client.force_login(ana.user)
    with recorded() as plans:
        client.get(f"/history/{tip_id}.all")
    assert scans(plans) == []
    assert len(plans) <= 11


# --- what is owed ------------------------------------------------------------------------------------------


def test_what_is_owed_is_said_and_plays_by_one_press(client, page, chain, bob):
    tip_id = kept(chain, bob)
    assert "6.8\u00a0s are owed. They stay listed until you decide." in page(key(tip_id))
    answer = client.post(f"/history/{tip_id}.all/play", headers=HTMX)
    assert answer.status_code == 204
    assert "6\\u00a0s wait in your queue." in answer["HX-Trigger"]
    assert owed_of(tip_id)["state"] == OwedState.REQUEUED
    assert "play as an entry of their own" in page(key(tip_id))


def test_a_second_press_plays_nothing_more(client, ana, chain, bob):
    tip_id = kept(chain, bob)
    client.force_login(ana.user)
    for _ in range(2):
        assert client.post(f"/history/{tip_id}.all/play", headers=HTMX).status_code == 204
    assert Owed.objects.filter(state=OwedState.REQUEUED).count() == 1


def test_it_is_waived_for_a_reason_and_not_without(client, ana, chain, bob):
    tip_id = kept(chain, bob)
    client.force_login(ana.user)
    answer = client.post(f"/history/{tip_id}.all/waive", {"why": " \u200b "}, headers=HTMX)
    assert "Say why" in answer["HX-Trigger"]
    assert owed_of(tip_id)["state"] == OwedState.OPEN
    client.post(f"/history/{tip_id}.all/waive", {"why": "agreed in the chat"}, headers=HTMX)
    assert (owed_of(tip_id)["state"], owed_of(tip_id)["why"]) == (OwedState.WAIVED, "agreed in the chat")


def test_what_has_just_ended_can_be_decided_at_once(client, ana, chain, bob):
    tip_id = playing(chain, bob)
    chain.acknowledge(tip_id, "finished", delivered_seconds=3.2)
    client.force_login(ana.user)
    client.post(f"/history/{tip_id}.all/play", headers=HTMX)
    assert owed_of(tip_id)["state"] == OwedState.REQUEUED


def test_less_than_a_device_runs_has_no_button_to_play(page, chain, bob):
    tip_id = kept(chain, bob, delivered=9.0)
    keep()
    text = page(key(tip_id))
    assert "1\u00a0s are owed" in text
    assert "owed-play" not in text
    assert "owed-waive" in text


def test_without_scripts_a_press_leads_back(client, ana, chain, bob):
    tip_id = kept(chain, bob)
    client.force_login(ana.user)
    assert client.post(f"/history/{tip_id}.all/play")["Location"] == "/history"


def test_nothing_is_changed_by_looking(client, ana, chain, bob):
    tip_id = kept(chain, bob)
    client.force_login(ana.user)
    for door in ("play", "waive"):
        assert client.get(f"/history/{tip_id}.all/{door}").status_code == 405
