"""The staff's pages of dead letters: by cause, one letter, and what is decided about them."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.lane import deadletters, decisions, letter
from lovense.models import Activation
from tests.adminpanel.letters import (
    LIST,
    QUEUE,
    WHY,
    admin,
    browser,
    dead,
    entries,
    letter_page,
    press,
    request_of,
    seen_of,
    shown,
)
from tests.adminpanel.people.at_once import together
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.pages import inline_code, unlabelled_fields
from tips.models import QueueRequest
from tips.queue import requests as queue

__all__ = ["admin", "browser", "dead"]
pytestmark = pytest.mark.django_db
REFRESH = '<noscript><meta http-equiv="refresh" content="30"></noscript>'


# --- the list ----------------------------------------------------------------------------------------------


def test_without_any_it_says_so_and_a_form_waits_for_the_first(browser):
    text = shown(browser.get(LIST))
    assert "No dead letters" in text
    assert '<section class="card" aria-label="Many at once" hidden>' in text
    assert "All that match" not in text


def test_causes_and_letters_are_listed_and_a_cause_has_its_own_page(browser, dead):
    busy, silent = dead("busy"), dead()
    text = shown(browser.get(LIST))
    assert "The device was busy" in text
    assert "No page confirmed it" in text
    for tip_id in (busy, silent):
        assert tip_id in text
    text = shown(browser.get(LIST, {"cause": "busy"}))
    assert busy in text
    assert silent not in text
    assert "Send back or review: 1 of this cause" in text
    assert "None of this cause" in shown(browser.get(LIST, {"cause": "unheard"}))


@pytest.fixture
def two_a_page(monkeypatch):
    defaults = deadletters.slice_of.__kwdefaults__ | {"limit": 2}
    monkeypatch.setattr(deadletters.slice_of, "__kwdefaults__", defaults)


def older(answer):
    return re.search('href="([^"]+)">Older ones', answer.content.decode())[1].replace("&amp;", "&")


@pytest.mark.usefixtures("two_a_page")
def test_a_long_list_is_paged(browser, dead):
    made = {dead() for _ in range(3)}
    answer = browser.get(LIST)
    first, second = shown(answer), shown(browser.get(older(answer)))
    assert [sum(tip_id in text for tip_id in made) for text in (first, second)] == [2, 1]
    assert browser.get(LIST, {"after": "yesterday"}).status_code == 302


@pytest.mark.usefixtures("two_a_page")
def test_a_page_that_refused_a_press_leads_to_older_ones(browser, dead):
    made = [dead("busy") for _ in range(3)]
    refused = press_all(browser, "busy", 2)
    assert refused.status_code == 409
    text = shown(browser.get(older(refused)))
    assert sum(tip_id in text for tip_id in made) == 1


@pytest.mark.parametrize("path", [LIST, QUEUE])
def test_the_region_that_fetches_itself_is_the_same_html_as_in_the_page(browser, dead, path):
    dead()
    part = shown(browser.get(path, headers={"HX-Request": "true"}))
    assert "<html" not in part
    page = shown(browser.get(path))
    assert of_no_moment(part.strip()) in of_no_moment(page)
    assert re.search('hx-trigger="(tick|fresh)" data-topics="queue', page)


def test_the_region_is_made_of_its_causes_and_its_rows_alone(browser, dead):
    for _ in range(3):
        dead("busy")
    browser.get(LIST)  # the session is marked, once
    with recorded() as plans:
        region = shown(browser.get(LIST, {"cause": "busy"}, headers={"HX-Request": "true"}))
    assert "data-marked-bar" in region
    asked = [plan.collection for plan in plans]
    assert [asked.count(name) for name in ("queue_requests", "activations")] == [2, 1]
    of_queue = [plan.indexes for plan in plans if plan.collection == "queue_requests"]
    assert of_queue == [[deadletters.BY_CAUSE], [deadletters.NEWEST]]


def test_without_script_a_list_that_asks_for_nothing_is_fetched_again(browser, dina, dead):
    assert REFRESH in shown(browser.get(LIST))
    dead("busy")
    assert REFRESH not in shown(browser.get(LIST))
    type(dina).objects.filter(pk=dina.pk).update(is_superuser=False)
    assert REFRESH in shown(browser.get(LIST))


def test_without_script_marks_and_a_reason_are_not_thrown_away_by_the_clock(browser, dead):
    dead("busy")
    text = " ".join(shown(browser.get(LIST, {"cause": "busy"})).split())
    assert REFRESH not in text
    assert re.search(r'<noscript><a [^>]*href="/staff/dead-letters\?cause=busy&amp;after=">Look again', text)


def of_no_moment(text):
    """Without when it was fetched, which `data-fresh` says."""
    return re.sub(r"<st-age.*?</st-age>", "", text, flags=re.S)


# --- one letter --------------------------------------------------------------------------------------------


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


def press_all(browser, cause, seen, *, reason=WHY):
    told = {"reason": reason, "seen": str(seen)}
    return browser.post(f"{LIST}/replay?cause={cause}", told, follow=True)


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


def test_before_a_group_goes_back_it_says_what_will_play_and_what_stays(browser, dead, admin):
    letters = [dead("busy") for _ in range(3)]
    text = shown(browser.get(LIST, {"cause": "busy"}))
    assert "Sending all back will play 3 requests of 1 performer, 30 s in all, within the limits" in text
    assert "All that match: 3; 3 can be sent back, and 3 can be reviewed" in text
    assert "See why some stay" not in text
    for resolution, tip_id in zip(("refunded", "other"), letters, strict=False):
        decisions.review(
            queue.request_id(tip_id), resolution=letter.Resolution(resolution), by="dina", now=NOW
        )
    text = shown(browser.get(LIST, {"cause": "busy"}))
    assert "Sending all back will play 2 requests of 1 performer, 20 s in all" in text
    assert "All that match: 3; 2 can be sent back, 1 cannot, and 1 can be reviewed" in text
    assert "<li>1 refunded</li>" in text


def test_what_ended_after_all_is_not_among_what_will_play(dead, browser):
    letters = [activation_id(dead("busy")) for _ in range(3)]
    for key, changes in zip(letters, ({"requeued_at": NOW}, {"status": "completed"}), strict=False):
        collection(Activation).update_one({"_id": key}, {"$set": changes})
    collection(Activation).delete_one({"_id": letters[2]})
    text = shown(browser.get(LIST, {"cause": "busy"}))
    assert "Sending all back will play 1 request of 1 performer, at least 0 ms" in text
    assert "<li>2 ended after all</li>" in text
    assert decisions.replay_group(cause="busy", expect=3, by="dina", now=NOW)[0] == 1


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 20])
def test_a_count_that_is_none_is_refused(browser, dead, seen):
    tip_id = dead()
    assert press_all(browser, "not_received", seen).status_code == 409
    assert request_of(tip_id)["status"] == "dead"


# --- news -----------------------------------------------------------------------------------------------


def test_it_says_how_many_have_died_since(browser, dead):
    dead("busy")
    news = re.search('data-news="([^"]+)"', shown(browser.get(LIST, {"cause": "busy"})))[1]
    address = news.replace("&amp;", "&")
    assert browser.get(address).json() == {"newer": 0}
    late = dead("busy")
    later = {"$set": {"finished_at": NOW + timedelta(hours=1)}}
    collection(QueueRequest).update_one({"idempotency_key": late}, later)
    assert browser.get(address).json() == {"newer": 1}
    assert browser.get(f"{LIST}/news", {"since": "yesterday"}).json() == {"newer": 0}


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
    assert "data-mark" not in looker.get(LIST).content.decode()
    assert "many-form" not in looker.get(LIST).content.decode()
    for path in (f"{page}/replay", f"{page}/review", f"{LIST}/replay", f"{LIST}/review"):
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
