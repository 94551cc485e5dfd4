"""Dead letters as staff meet them: the pages, the API and the command; and the page of the queue."""

import json
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from adminpanel.handling import tips as handling
from adminpanel.watch import health, lanes
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions, letter
from lovense.models import Performer
from lovense.sending import retries
from tests.adminpanel.people.at_once import together
from tests.chain import Chain
from tests.factories import NOW, UserFactory, token_of
from tests.ground.plans import recorded
from tests.pages import inline_code, unlabelled_fields
from tips.models import QueueRequest
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

LIST, QUEUE, API = "/staff/dead-letters", "/staff/queue", "/api/performance-queue/dlq"
WHY = "her device answers again"


@pytest.fixture
def admin(dina):
    type(dina).objects.filter(pk=dina.pk).update(is_superuser=True)
    return dina


@pytest.fixture
def browser(admin):
    made = Client()
    made.force_login(admin)
    return made


@pytest.fixture
def api(admin):
    made = APIClient()
    made.credentials(HTTP_AUTHORIZATION=f"Token {token_of(admin)}")
    return made


@pytest.fixture
def dead(chain, bob):
    """`dead()`: a tip that was sent once and given up; its id."""
    chain.hold()
    platform.change(key="rate_limit_per_minute", value="0", by="dina", now=NOW)

    def bury(cause="not_received", **more):
        tip_id = chain.settled(bob, 100, **more)
        chain.dispatch()
        retries.bury(activation_id(tip_id), cause, now=NOW)
        return tip_id

    return bury


def request_of(tip_id):
    return collection(QueueRequest).find_one({"idempotency_key": tip_id})


def shown(answer):
    assert answer.status_code == 200
    return answer.content.decode()


# --- the list ----------------------------------------------------------------------------------------------


def test_without_any_it_says_so(browser):
    assert "No dead letters" in shown(browser.get(LIST))


def test_causes_and_letters_are_listed_and_a_cause_has_its_own_page(browser, dead):
    busy, silent = dead("busy"), dead()
    text = shown(browser.get(LIST))
    assert "The device was busy" in text
    assert "No page confirmed it" in text
    for tip_id in (busy, silent):
        assert tip_id in text
    assert "Send back" not in text
    text = shown(browser.get(LIST, {"cause": "busy"}))
    assert busy in text
    assert silent not in text
    assert "Send back this one" in text
    assert "None of this cause" in shown(browser.get(LIST, {"cause": "unheard"}))


def test_a_long_list_is_paged(browser, dead, monkeypatch):
    monkeypatch.setattr(
        deadletters.slice_of, "__kwdefaults__", deadletters.slice_of.__kwdefaults__ | {"limit": 2}
    )
    made = {dead() for _ in range(3)}
    first = shown(browser.get(LIST))
    place = first.partition('class="button button--quiet" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = shown(browser.get(f"{LIST}{place}"))
    assert [sum(tip_id in text for tip_id in made) for text in (first, second)] == [2, 1]
    assert browser.get(LIST, {"after": "yesterday"}).status_code == 302


@pytest.mark.parametrize("path", [LIST, QUEUE])
def test_the_region_that_fetches_itself_is_the_same_html_as_in_the_page(browser, dead, path):
    dead()
    part = shown(browser.get(path, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert part.strip() in shown(browser.get(path))
    assert 'hx-trigger="tick" data-topics="queue' in shown(browser.get(path))


# --- one letter --------------------------------------------------------------------------------------------


def letter_page(tip_id):
    return f"{LIST}/{request_of(tip_id)['_id']}"


def test_a_letter_shows_its_history_its_gates_and_its_tip(browser, dead):
    tip_id = dead(isAnonymous=True)
    text = shown(browser.get(letter_page(tip_id)))
    assert "Attempt 1: handed over to the page" in text
    assert "Dead: not received" in text
    assert "menu_match" in text
    assert f'href="/staff/tips/{tip_id}"' in text
    assert "Anonymous" in text
    assert "bob" not in text
    assert browser.get(f"{LIST}/nothing").status_code == 404


def seen_of(tip_id):
    return handling.state_of(request_of(tip_id))


def press(browser, tip_id, act, *, reason=WHY, seen=None, **said):
    told = {"reason": reason, "seen": seen_of(tip_id) if seen is None else seen, **said}
    return browser.post(f"{letter_page(tip_id)}/{act}", told, follow=True)


def press_all(browser, cause, seen, *, reason=WHY):
    told = {"reason": reason, "seen": str(seen)}
    return browser.post(f"{LIST}/replay?cause={cause}", told, follow=True)


def entries(action):
    found = AuditEntry.objects.filter(action=action).order_by("at", "entry_id")
    return [(each.actor, each.why, each.success) for each in found]


def test_a_review_is_kept_and_shown(browser, dead):
    tip_id = dead()
    text = shown(press(browser, tip_id, "review", reason="<b>by the platform</b>", resolution="refunded"))
    assert "Reviewed: refunded." in text
    assert "&lt;b&gt;by the platform" in text
    assert "It cannot be sent back" in text
    assert request_of(tip_id)["review"]["by"] == "dina"
    assert entries("review") == [("dina", "<b>by the platform</b>", True)]


@pytest.mark.parametrize("resolution", ["", "burnt"])
def test_a_review_without_a_resolution_is_refused(browser, dead, resolution):
    tip_id = dead()
    answer = press(browser, tip_id, "review", resolution=resolution)
    assert answer.status_code == 422
    assert "Choose what was decided" in answer.content.decode()
    assert request_of(tip_id).get("review") is None


@pytest.mark.parametrize("act", ["review", "replay"])
@pytest.mark.parametrize("reason", ["", "no", "x" * 201])
def test_without_a_reason_nothing_is_done_and_the_form_says_so(browser, dead, act, reason):
    tip_id = dead()
    answer = press(browser, tip_id, act, reason=reason, resolution="waived")
    assert answer.status_code == 422
    assert "Say why, in 3 to 200 characters." in answer.content.decode()
    assert (request_of(tip_id)["status"], request_of(tip_id).get("review")) == ("dead", None)
    assert [success for _, _, success in entries(act)] == [False]


@pytest.mark.parametrize("act", ["review", "replay"])
@pytest.mark.parametrize("seen", ["", "2026-01-02T04:15:00.000Z", "x"])
def test_what_was_not_seen_is_not_decided_about(browser, dead, act, seen):
    tip_id = dead()
    answer = press(browser, tip_id, act, seen=seen, resolution="waived")
    assert answer.status_code == 409
    assert "It is not as it was shown any more." in answer.content.decode()
    assert (request_of(tip_id)["status"], request_of(tip_id).get("review")) == ("dead", None)


@pytest.mark.parametrize("act", ["review", "replay"])
def test_who_has_not_seen_what_another_decided_changes_nothing(browser, dead, act):
    tip_id = dead()
    before = seen_of(tip_id)
    press(browser, tip_id, "review", resolution="refunded")
    answer = press(browser, tip_id, act, seen=before, resolution="other")
    assert answer.status_code == 409
    assert "It is not as it was shown any more." in answer.content.decode()
    assert (request_of(tip_id)["status"], request_of(tip_id)["review"]["resolution"]) == ("dead", "refunded")


def test_of_two_who_decide_at_once_one_is_told(dead, ana):
    tip_id = dead()
    key = queue.request_id(tip_id)

    def decide(place):
        said = (letter.Resolution.REFUNDED, letter.Resolution.OTHER)[place]
        return decisions.review(key, resolution=said, by=f"a-{place}", now=NOW)

    answers = together(2, decide)
    assert sum(isinstance(each, letter.Letter) for each in answers) >= 1
    assert len(entries("review")) == sum(isinstance(each, letter.Letter) for each in answers)


def test_sent_back_it_waits_and_a_second_time_is_refused(browser, dead):
    tip_id = dead()
    seen = seen_of(tip_id)
    assert "Sent back. It plays when its turn comes." in shown(press(browser, tip_id, "replay", seen=seen))
    assert request_of(tip_id)["status"] == "pending"
    again = press(browser, tip_id, "replay", seen=seen)
    assert again.status_code == 409
    assert "It is not as it was shown any more." in again.content.decode()
    assert request_of(tip_id)["replays"] == 1
    assert entries("replay") == [("dina", WHY, True), ("dina", WHY, False)]


def test_a_group_goes_back_with_the_count_that_was_shown_and_with_its_reason(browser, dead):
    made = [dead("busy") for _ in range(2)]
    assert 'name="seen" value="2"' in shown(browser.get(LIST, {"cause": "busy"}))
    late = dead("busy")
    refused = press_all(browser, "busy", 2)
    assert refused.status_code == 409
    assert "There are 3 now; nothing was sent back." in refused.content.decode()
    assert {request_of(tip_id)["status"] for tip_id in made} == {"dead"}
    assert press_all(browser, "busy", 3, reason="").status_code == 422
    assert "3 sent back. None is left." in shown(press_all(browser, "busy", 3))
    assert {request_of(tip_id)["status"] for tip_id in [*made, late]} == {"pending"}
    assert entries("replay") == [("dina", WHY, False), ("dina", "", False)] + 3 * [("dina", WHY, True)]


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 20])
def test_a_count_that_is_none_is_refused(browser, dead, seen):
    tip_id = dead()
    assert press_all(browser, "not_received", seen).status_code == 409
    assert request_of(tip_id)["status"] == "dead"


# --- who may -----------------------------------------------------------------------------------------------


def test_pages_are_for_staff_and_deciding_for_those_who_may(ana, dina, dead):
    tip_id = dead()
    page = letter_page(tip_id)
    stranger, looker = Client(), Client()
    stranger.force_login(ana.user)
    looker.force_login(dina)
    for path in (LIST, QUEUE, page):
        assert Client().get(path).status_code == 302
        assert stranger.get(path).status_code == 403
        assert looker.get(path).status_code == 200
    assert "an admin decides" in looker.get(page).content.decode()
    for path in (f"{page}/replay", f"{page}/review", f"{LIST}/replay"):
        for nobody in (stranger, looker):
            assert nobody.post(path, {"resolution": "waived", "cause": "", "expect": "1"}).status_code == 403
        assert looker.get(path).status_code == 405
    assert request_of(tip_id)["status"] == "dead"


def test_a_forged_form_is_refused(admin, dead):
    tip_id = dead()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin)
    assert browser.post(f"{letter_page(tip_id)}/replay").status_code == 403
    assert request_of(tip_id)["status"] == "dead"


def test_nothing_is_inline_and_every_field_has_its_label(browser, dead):
    tip_id = dead()
    for path in (LIST, f"{LIST}?cause=not_received", letter_page(tip_id), QUEUE):
        text = shown(browser.get(path))
        assert inline_code(text) == []
        assert unlabelled_fields(text) == set()


# --- the queue's page --------------------------------------------------------------------------------------


def test_an_empty_queue_is_healthy_and_clear(browser):
    text = shown(browser.get(QUEUE))
    assert "Healthy" in text
    assert "Everything is within its limits." in text
    assert "Nobody waits" in text
    assert text.count(">Clear<") == len(health.COUNTS)


def test_it_shows_what_waits_for_whom_and_what_holds_it(browser, chain, bob, carol):
    for _ in range(3):
        chain.settled(bob, 100)
    hers = Chain(carol)
    hers.publish_menu()
    hers.settled(bob, 100)
    Performer.objects.filter(pk=carol.pk).update(paused_at=NOW, paused_by="carol", paused_why="tea")
    platform.change(key="enable_lovense", value="false", by="dina", now=NOW)
    text = shown(browser.get(QUEUE))
    assert text.index("3 waiting") < text.index("1 waiting")
    assert "no page" in text
    assert "by carol: <bdi>tea</bdi>" in text
    assert "Kill switch: nothing plays" in text
    assert "4 wait for a turn, or a page" in text


def test_it_says_why_it_is_not_healthy(browser, dead, monkeypatch):
    tip_id = dead()
    measures = [
        replace(measure, degraded=0) if measure.code == "dead" else measure for measure in health.MEASURES
    ]
    monkeypatch.setattr(health, "MEASURES", measures)
    text = shown(browser.get(QUEUE))
    assert "Degraded" in text
    assert "1 dead letters have no review." in text
    press(browser, tip_id, "review", resolution="waived")
    assert "Healthy" in shown(browser.get(QUEUE))


def test_a_step_that_nobody_takes_is_late(browser, chain, bob):
    chain.deliver(bob, 100)  # long ago, by the clock on the wall
    text = shown(browser.get(QUEUE))
    assert "1 waits to be processed, the oldest for" in text
    assert ">Late<" in text


def test_the_longest_queues_are_few_and_found_by_index(chain, bob, monkeypatch):
    chain.hold()
    for _ in range(3):
        chain.settled(bob, 100)
    with recorded() as plans:
        (lane,) = lanes.longest(now=NOW)
    assert (lane.depth, lane.oldest, lane.has_page, lane.is_paused) == (3, NOW, True, False)
    of_queue = [plan for plan in plans if plan.collection == "queue_requests"]
    assert of_queue
    assert not any("COLLSCAN" in plan.stages for plan in of_queue)
    monkeypatch.setattr(lanes, "LANES_SHOWN", 0)
    assert lanes.longest(now=NOW) == []


# --- the API -----------------------------------------------------------------------------------------------


def test_the_api_lists_groups_and_letters_in_pages(api, dead):
    made = {dead("busy"), dead("busy"), dead()}
    first = api.get(API, {"limit": 2}).json()
    assert {group["cause"]: group["replayable"] for group in first["groups"]} == {
        "busy": 2,
        "not_received": 1,
    }
    second = api.get(API, {"limit": 2, "after": first["next"]}).json()
    assert second["next"] is None
    assert {item["tipId"] for page in (first, second) for item in page["items"]} == made
    (item,) = api.get(API, {"cause": "not_received"}).json()["items"]
    assert (item["status"], item["amount"], item["mayBeReplayed"], item["whyNot"]) == ("dead", 100, True, "")
    assert [told["text"] for told in item["history"]] == [
        "attempt 1: handed over to the page",
        "dead: not received",
    ]
    assert api.get(API, {"after": "yesterday"}).status_code == 400
    assert api.get(API, {"limit": 0}).status_code == 400


def test_the_api_reviews_and_sends_back(api, dead):
    tip_id, other = dead(), dead()
    key = request_of(tip_id)["_id"]
    answer = api.post(f"{API}/{key}/review", {"resolution": "waived", "note": "asked"}, format="json")
    assert answer.json()["review"] | {"at": ""} == {
        "resolution": "waived",
        "note": "asked",
        "by": "dina",
        "at": "",
    }
    refused = api.post(f"{API}/{key}/replay")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "settled_otherwise")
    assert api.post(f"{API}/{other}/replay").json()["status"] == "pending"
    again = api.post(f"{API}/{other}/replay")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_dead")
    assert api.post(f"{API}/nothing/replay").json()["error"]["code"] == "not_found"
    assert api.post(f"{API}/{key}/review", {"resolution": "burnt"}, format="json").status_code == 400


def test_the_api_sends_back_a_group_whose_count_is_known(api, dead):
    made = [dead("busy") for _ in range(2)]
    refused = api.post(f"{API}/replay", {"cause": "busy", "expect": 1}, format="json")
    assert refused.status_code == 409
    assert refused.json()["error"] == {
        "code": "count_changed",
        "message": "There are 2 now; nothing was sent back.",
        "details": {"actual": 2},
    }
    assert api.post(f"{API}/replay", {"cause": "busy", "expect": 2}, format="json").json() == {
        "replayed": 2,
        "left": 0,
    }
    assert {request_of(tip_id)["status"] for tip_id in made} == {"pending"}
    assert api.post(f"{API}/replay", {"cause": "busy"}, format="json").status_code == 400


def test_the_api_is_for_staff_and_deciding_for_those_who_may(ana, dina, dead):
    tip_id = dead()
    calls = [
        ("get", API),
        ("post", f"{API}/{tip_id}/replay"),
        ("post", f"{API}/{tip_id}/review"),
        ("post", f"{API}/replay"),
    ]
    for method, path in calls:
        assert getattr(APIClient(), method)(path).status_code == 401
        for user in (ana.user, UserFactory.create()):
            client = APIClient()
            client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
            assert getattr(client, method)(path).status_code == 403
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(dina)}")
        assert getattr(client, method)(path).status_code == (200 if method == "get" else 403)
    assert request_of(tip_id)["status"] == "dead"


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    def called(*words):
        capsys.readouterr()
        call_command("dead_letters", *words)
        return capsys.readouterr().out

    return called


def refused(*words):
    with pytest.raises(CommandError) as error:
        call_command("dead_letters", *words)
    return str(error.value), error.value.returncode


def test_the_command_lists_and_shows(run, dead):
    assert run("list") == "no dead letters\n"
    busy, silent = dead("busy"), dead()
    listed = run("list")
    assert "1 busy, 1 may be sent back, 2026-01-03T04:15:00.000Z to 2026-01-03T04:15:00.000Z" in listed
    assert all(f"tip {tip_id}, 100 tokens" in listed for tip_id in (busy, silent))
    assert silent not in run("list", "--cause", "busy")
    told = run("show", busy)
    assert "attempt 1: handed over to the page" in told
    assert "gate menu_match: passed" in told
    found = json.loads(run("list", "--json"))
    assert ({group["cause"] for group in found["groups"]}, len(found["items"])) == (
        {"busy", "not_received"},
        2,
    )
    assert json.loads(run("show", busy, "--json"))["tipId"] == busy
    assert refused("show", "nothing") == ("There is no such request.", 1)


def test_the_command_reviews_and_sends_back_one(run, dead):
    tip_id = dead()
    assert "reviewed as other by eve" in run(
        "review", tip_id, "--resolution", "other", "--note", "hm", "--by", "eve"
    )
    assert f"pending: tip {tip_id}" in run("replay", tip_id)
    words, code = refused("replay", tip_id)
    assert (words, code) == ("It is waiting in the queue already.", 1)


def test_the_command_sends_back_a_group_in_parts_when_the_count_is_known(run, dead, monkeypatch):
    monkeypatch.setattr(decisions, "MOST_AT_ONCE", 2)
    made = [dead("busy") for _ in range(3)]
    dead()
    assert refused("replay", "--all", "--cause", "busy") == (
        "There are 3. Say --expect 3 to send them back.",
        2,
    )
    assert refused("replay", "--all", "--cause", "busy", "--expect", "5") == (
        "There are 3 now; nothing was sent back.",
        1,
    )
    assert run("replay", "--all", "--cause", "busy", "--expect", "3") == "3 sent back, 0 left\n"
    assert {request_of(tip_id)["status"] for tip_id in made} == {"pending"}
    assert json.loads(run("replay", "--all", "--expect", "1", "--json")) == {"replayed": 1, "left": 0}
    assert run("replay", "--all", "--expect", "0") == "0 sent back, 0 left\n"


@pytest.mark.parametrize("words", [(), ("x", "--all")])
def test_the_command_wants_one_or_all(words):
    assert refused("replay", *words) == ("Say either an ID or --all.", 2)


def test_every_cause_that_the_code_gives_has_its_words():
    from lovense.sending.acknowledgement import TEMPORARY

    assert set(letter.CAUSES) == TEMPORARY | {"not_received", "worker_died", "undecidable"}
    assert letter.words("strange_code") == "Strange code"
    assert {one.value for one in letter.Resolution} > queue.SETTLED_OTHERWISE
