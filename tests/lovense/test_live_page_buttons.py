"""The buttons of the live page do what they say, to what they were shown for, and for nobody but her."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.models import Activation, Performer
from tests.chain import SECOND
from tests.lovense.live_page import _at_the_fixed_time, button, chain, page, request_id, said, status_of
from tests.pages import inline_code
from tips.models import RequestStatus

__all__ = ["_at_the_fixed_time", "button", "chain", "page"]
pytestmark = pytest.mark.django_db


def test_pausing_and_resuming_is_kept_and_told(button, chain, ana, now):
    assert said(button("pause", minutes="15")) == "Paused for 15 min."
    row = collection(Performer).find_one({"_id": ana.performer_id})
    assert (row["paused_by"], row["paused_until"] - row["paused_at"]) == ("ana", timedelta(minutes=15))
    assert said(button("pause")) == "Paused until you resume."
    assert said(button("resume")) == "The queue goes on."
    assert collection(Performer).find_one({"_id": ana.performer_id})["paused_at"] is None
    entry = collection(AuditEntry).find_one({"action": "pause"})
    assert (entry["actor"], len(entry["hashed_ip"])) == ("ana", 64)


def test_only_what_is_offered_can_be_chosen(button, chain):
    for values, field in (({"minutes": "1000000"}, "minutes"), ({"when": "soon"}, "when")):
        answer = button("pause", **values)
        assert (answer.status_code, answer.content.decode().partition(":")[0]) == (400, field)
    assert collection(Performer).find_one({"_id": chain.performer_id})["paused_at"] is None
    assert button("mode", mode="random").status_code == 400
    assert button("mode").status_code == 400


def test_the_order_is_changed(button, page, chain):
    assert said(button("mode", mode="priority")) == "The order has changed."
    assert 'id="mode-priority" data-focus="mode" aria-pressed="true"' in page("queue")


def test_what_plays_is_skipped_and_shown_as_ending_until_its_page_answers(button, page, chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(tip_id, "started")
    assert said(button("skip", request=request_id(tip_id))) == "Ending it."
    shown = page()
    assert "ana is ending it; the page has been told." in shown
    assert "data-ends" not in shown
    chain.acknowledge(tip_id, "finished", later=SECOND, delivered_seconds=1.0)
    assert "“Fireworks” was ended after 1 of 10 s promised." in page("feed")


def test_a_second_press_does_not_skip_the_next_one(button, chain, bob):
    chain.hold()
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(first, "finished", delivered_seconds=1.0)
    chain.dispatch()
    assert said(button("skip", request=request_id(first))) == "It does not play any more."
    assert status_of(second) == RequestStatus.CLAIMED


def test_one_is_removed_after_the_question_is_asked(button, client, chain, bob, page):
    tip_id = chain.settled(bob, 50, isAnonymous=True)
    address = f"/live/requests/{request_id(tip_id)}/remove"
    assert address in page("queue")
    asked = client.get(address).content.decode()
    assert "Remove “50 tokens” from Anonymous?" in asked
    assert inline_code(asked) == []
    assert status_of(tip_id) == RequestStatus.PENDING
    assert said(client.post(address)) == "Removed from the queue."
    assert said(client.post(address)) == "Removed from the queue."
    assert status_of(tip_id) == RequestStatus.CANCELLED


def test_one_is_moved_up_and_no_further_than_to_the_front(button, page, chain, bob):
    first, second = chain.settled(bob, 50), chain.settled(bob, 20)
    address = f"requests/{request_id(second)}/up"
    assert said(button(address)) == "Moved up."
    shown = page("queue")
    assert shown.index(request_id(second)) < shown.index(request_id(first))
    assert said(button(address)) == "It cannot move further up."


def test_one_is_put_where_she_wants_it_and_a_changed_order_is_shown_anew(button, page, chain, bob):
    first, second, third = (request_id(chain.settled(bob, 50)) for _ in range(3))
    seen = [first, second, third]
    assert said(button(f"requests/{third}/place", before=second, order=seen)) == "Moved."
    shown = page("queue")
    assert shown.index(first) < shown.index(third) < shown.index(second)
    changed = button(f"requests/{second}/place", before=first, order=" ".join(seen))
    assert changed.status_code == 409
    assert "The order has changed meanwhile." in changed["HX-Trigger"]
    assert changed.content.decode().index(third) < changed.content.decode().index(second)
    assert said(button(f"requests/{second}/next")) == "Plays next."
    assert page("queue").index(second) < page("queue").index(first)


@pytest.mark.parametrize(("before", "order"), [("", ""), ("x", None), ("", "a " * 300), ("\0", None)])
def test_an_order_that_is_none_names_the_field(button, chain, bob, before, order):
    first = request_id(chain.settled(bob, 50))
    answer = button(f"requests/{first}/place", before=before, order=first if order is None else order)
    assert (answer.status_code, answer.content.decode().split(":")[0] in ("order", "before")) == (400, True)


def test_what_plays_already_is_not_moved_and_the_queue_is_shown_as_it_is(button, chain, bob):
    chain.hold()
    first, second = (request_id(chain.settled(bob, 50)) for _ in range(2))
    chain.dispatch()
    for name, values in (("place", {"order": f"{first} {second}"}), ("next", {})):
        answer = button(f"requests/{first}/{name}", **values)
        assert (answer.status_code, second in answer.content.decode()) == (409, True)
        assert "It is over already." in answer["HX-Trigger"]


def test_while_paused_one_is_let_through(button, chain, bob):
    chain.hold()
    tips = [chain.settled(bob, 50) for _ in range(2)]
    assert said(button("play-one")) == "The queue is not paused."
    button("pause")
    assert said(button("play-one", request=request_id(tips[0]))) == "One plays, then the pause holds on."
    chain.dispatch()
    assert [status_of(tip_id) for tip_id in tips] == ["claimed", "pending"]


def test_paused_now_what_plays_ends(button, chain, bob):
    chain.hold()
    tip_id = chain.settled(bob, 50)
    chain.dispatch()
    assert said(button("pause", minutes="5", when="now")) == "Paused for 5 min."
    assert collection(Activation).find_one({"tip_id": tip_id})["cancelled_how"] == "skip"


def test_clearing_says_how_many_first_and_asks_again_when_that_has_changed(button, client, page, chain, bob):
    tips = [chain.settled(bob, 50) for _ in range(2)]
    assert "Remove all 2 that wait?" in client.get("/live/clear").content.decode()
    tips.append(chain.settled(bob, 50))
    again = button("clear", expected=2).content.decode()
    assert "Remove all 3 that wait?" in again
    assert "Nothing was removed" in again
    assert {status_of(tip_id) for tip_id in tips} == {RequestStatus.PENDING}
    assert said(button("clear", expected=3)) == "3 removed from the queue."
    assert {status_of(tip_id) for tip_id in tips} == {RequestStatus.CANCELLED}
    assert "Nothing waits" in client.get("/live/clear").content.decode()


@pytest.mark.parametrize("expected", ["", "-1", "all", "9" * 30, "٣"])
def test_clearing_without_a_number_clears_nothing(button, chain, bob, expected):
    tip_id = chain.settled(bob, 50)
    assert "Remove the one that waits?" in button("clear", expected=expected).content.decode()
    assert status_of(tip_id) == RequestStatus.PENDING


def test_a_stranger_reaches_none_of_hers(client, chain, carol, bob):
    chain.hold()
    playing, waits, last = (chain.settled(bob, 50) for _ in range(3))
    chain.dispatch()
    client.force_login(carol.user)
    for tip_id in (playing, waits, last):
        for action in ("up", "remove", "next"):
            assert client.post(f"/live/requests/{request_id(tip_id)}/{action}").status_code == 404
        assert client.get(f"/live/requests/{request_id(tip_id)}/remove").status_code == 404
        place = {"order": request_id(tip_id)}
        assert client.post(f"/live/requests/{request_id(tip_id)}/place", place).status_code == 404
    assert said(client.post("/live/skip", {"request": request_id(playing)})) == "It does not play any more."
    assert said(client.post("/live/clear", {"expected": "0"})) == "0 removed from the queue."
    assert [status_of(tip_id) for tip_id in (playing, waits, last)] == ["claimed", "pending", "pending"]
    assert collection(Activation).find_one({"tip_id": playing}).get("cancelled_at") is None


BUTTONS = [
    "pause",
    "resume",
    "mode",
    "skip",
    "clear",
    "play-one",
    "requests/no-such-request/up",
    "requests/no-such-request/place",
    "requests/no-such-request/next",
    "requests/no-such-request/remove",
]


@pytest.mark.parametrize("name", BUTTONS)
def test_a_button_needs_her_session_and_its_token(ana, dina, name):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana.user)
    assert careful.post(f"/live/{name}").status_code == 403
    stranger = Client()
    assert stranger.post(f"/live/{name}")["Location"].startswith("/login")
    stranger.force_login(dina)
    assert stranger.post(f"/live/{name}").status_code == 403


def test_a_button_with_the_pages_token_is_accepted(ana, chain):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana.user)
    token = re.search(r'"X-CSRFToken": "(\w+)"', careful.get("/").content.decode()).group(1)
    headers = {"X-CSRFToken": token, "HX-Request": "true"}
    assert said(careful.post("/live/resume", headers=headers)) == "The queue goes on."


@pytest.mark.parametrize("name", ["pause", "resume", "mode", "skip", "requests/no-such-request/up"])
def test_looking_presses_no_button(client, ana, name):
    client.force_login(ana.user)
    assert client.get(f"/live/{name}").status_code == 405
