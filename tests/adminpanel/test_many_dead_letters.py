"""Many dead letters at once: those that are marked, or all that match; and what the page says of them when a
press was refused."""

import re

import pytest
from django.test import Client

from adminpanel.handling import letters as handling
from adminpanel.views import letterlist
from adminpanel.views.acts import Pressed
from ground.audit.models import AuditEntry
from lovense.lane import deadletters, decisions
from tests.adminpanel.letters import LIST, WHY, admin, browser, dead, entries, press, request_of, shown
from tests.adminpanel.people.at_once import together
from tests.pages import inline_code

__all__ = ["admin", "browser", "dead"]
pytestmark = pytest.mark.django_db


def press_marked(browser, marks, act="replay", *, reason=WHY, **said):
    told = {"scope": "marked", "mark": marks, "reason": reason, **said}
    return browser.post(f"{LIST}/{act}?cause=", told, follow=True)


def mark_of(tip_id):
    return handling.mark_of(deadletters.find(tip_id))


def test_what_is_marked_goes_back_and_nothing_else_each_with_its_entry(browser, dead):
    first, second, third = (dead("busy") for _ in range(3))
    marks = [mark_of(first), mark_of(third)]
    assert f'name="mark" value="{marks[0]}"' in " ".join(shown(browser.get(LIST)).split())
    assert "2 sent back." in shown(press_marked(browser, marks))
    assert [request_of(each)["status"] for each in (first, second, third)] == ["pending", "dead", "pending"]
    told = AuditEntry.objects.filter(action="replay")
    assert [(each.before["status"], each.after["status"]) for each in told] == 2 * [("dead", "pending")]


def test_of_what_is_marked_that_which_was_refunded_stays_and_it_is_said(browser, dead):
    tips = [dead("busy"), dead()]
    press(browser, tips[0], "review", resolution="refunded")
    answer = shown(press_marked(browser, [mark_of(each) for each in tips]))
    assert "1 sent back. 1 cannot be, and stay." in answer
    assert [request_of(each)["status"] for each in tips] == ["dead", "pending"]


@pytest.mark.parametrize("act", ["replay", "review"])
def test_where_a_marked_one_has_moved_nothing_is_done_and_the_others_stay_marked(browser, dead, act):
    moved, left = dead("busy"), dead("busy")
    marks = [mark_of(moved), mark_of(left)]
    press(browser, moved, "replay")
    answer = press_marked(browser, marks, act, resolution="waived")
    assert answer.status_code == 409
    text = " ".join(answer.content.decode().split())
    assert "1 of 2 marked has moved meanwhile; nothing was done." in text
    assert f'value="{marks[1]}" checked' in text
    assert (request_of(left)["status"], request_of(left).get("review")) == ("dead", None)
    assert AuditEntry.objects.filter(action=act, success=False).count() == 1


def test_the_marked_and_all_that_match_are_reviewed(browser, dead):
    tips = [dead("busy") for _ in range(3)]
    answer = shown(press_marked(browser, [mark_of(tips[0])], "review", resolution="refunded"))
    assert "1 reviewed: refunded." in answer
    told = {"reason": WHY, "scope": "all", "resolution": "waived", "unreviewed": "3"}
    refused = browser.post(f"{LIST}/review?cause=busy", told)
    assert refused.status_code == 409
    assert "There are 2 now; nothing was decided." in refused.content.decode()
    answer = browser.post(f"{LIST}/review?cause=busy", told | {"unreviewed": "2"}, follow=True)
    assert "2 reviewed: waived." in shown(answer)
    said = [request_of(each)["review"]["resolution"] for each in tips]
    assert said == ["refunded", "waived", "waived"]
    assert [
        told.before["resolution"] for told in AuditEntry.objects.filter(action="review", success=True)
    ] == 3 * [None]


@pytest.mark.parametrize("act", ["replay", "review"])
@pytest.mark.parametrize(
    ("marks", "status"),
    [([], 422), (["nothing"], 409), (["$ne x"], 409), ([" "], 409), ([f"{n} x" for n in range(501)], 422)],
)
def test_marks_that_name_nothing_do_nothing(browser, dead, act, marks, status):
    tip_id = dead()
    answer = press_marked(browser, marks, act, resolution="waived")
    assert (answer.status_code, scope_of(answer)) == (status, "marked")
    assert (request_of(tip_id)["status"], request_of(tip_id).get("review")) == ("dead", None)


def scope_of(answer):
    """Which a press of the form that was answered would be about."""
    (chosen,) = re.findall('<input type="radio" name="scope" value="([^"]*)" checked>', flat(answer))
    return chosen


@pytest.mark.parametrize("cause", ["", "busy"])
def test_what_was_marked_and_has_moved_never_becomes_all_that_match(browser, dead, cause):
    marked, others = [dead("busy") for _ in range(3)], [dead("busy"), dead()]
    told = {"scope": "marked", "mark": [mark_of(each) for each in marked], "reason": WHY}
    for each in marked:
        press(browser, each, "replay")
    for status in (409, 422, 422):
        answer = browser.post(f"{LIST}/replay?cause={cause}", told)
        assert (answer.status_code, scope_of(answer)) == (status, "marked")
        told = {"scope": scope_of(answer), "seen": hidden(flat(answer), "seen")[0], "reason": WHY}
    assert {request_of(each)["status"] for each in others} == {"dead"}


@pytest.mark.parametrize(("cause", "of_the_list"), [("", "marked"), ("busy", "all")])
@pytest.mark.parametrize("chosen", ["marked", "all"])
def test_a_refused_press_keeps_what_was_chosen(browser, dead, cause, of_the_list, chosen):
    tip_id = dead("busy")
    assert scope_of(browser.get(LIST, {"cause": cause})) == of_the_list
    told = {"scope": chosen, "unreviewed": "1", "resolution": "", "reason": WHY}
    answer = browser.post(f"{LIST}/review?cause={cause}", told)
    assert (answer.status_code, scope_of(answer)) == (422, chosen)
    assert request_of(tip_id).get("review") is None


@pytest.mark.parametrize("reason", ["", "no", "x" * 201])
def test_without_a_reason_nothing_marked_moves_and_the_marks_stay(browser, dead, reason):
    tip_id = dead()
    answer = press_marked(browser, [mark_of(tip_id)], reason=reason)
    assert answer.status_code == 422
    text = " ".join(answer.content.decode().split())
    assert "Say why, in 3 to 200 characters." in text
    assert f'value="{mark_of(tip_id)}" checked' in text
    assert request_of(tip_id)["status"] == "dead"


def test_two_admins_with_the_same_marks_have_one_effect_and_one_is_told(dead, admin):
    tips = [dead("busy") for _ in range(2)]
    marks = [mark_of(each) for each in tips]
    browsers = [Client(), Client()]
    for each in browsers:
        each.force_login(admin)

    def press_at_once(place):
        told = {"scope": "marked", "mark": marks, "reason": WHY}
        return browsers[place].post(f"{LIST}/replay?cause=", told).status_code

    assert set(together(2, press_at_once)) <= {302, 409}
    assert [request_of(each)["replays"] for each in tips] == [1, 1]
    assert len([done for _, _, done in entries("replay") if done]) == 2


def test_more_than_one_press_does_is_said_with_its_command(browser, dead, monkeypatch):
    monkeypatch.setattr(letterlist, "MOST_AT_ONCE", 1)
    for _ in range(2):
        dead("busy")
    text = shown(browser.get(LIST, {"cause": "busy"}))
    assert "At most 1 at once, the oldest first." in text
    assert "manage.py dead_letters replay --all --cause busy --expect 2" in text
    assert "manage.py dead_letters review --all --cause busy --expect 2 --resolution … --note …" in text


def flat(answer):
    return " ".join(answer.content.decode().split())


def hidden(text, name):
    return re.findall(f'<input type="hidden" name="{name}" value="([^"]*)"', text)


@pytest.mark.parametrize(
    ("act", "field", "done"), [("replay", "seen", "sent back"), ("review", "unreviewed", "decided")]
)
def test_of_very_many_the_number_is_counted_at_the_press_and_agreed_to(
    browser, dead, monkeypatch, act, field, done
):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 2)
    tips = [dead("busy") for _ in range(4)]
    text = flat(browser.get(LIST, {"cause": "busy"}))
    assert "All that match: at least 2, counted by the first press" in text
    assert hidden(text, field) == [""]
    told = {"scope": "all", "reason": WHY, "resolution": "waived"}
    refused = browser.post(f"{LIST}/{act}?cause=busy", told | {field: ""})
    assert refused.status_code == 409
    assert f"There are 4 now; nothing was {done}." in flat(refused)
    assert hidden(flat(refused), field) == ["4"]
    assert "All that match: 4 can be " in flat(refused)
    assert {request_of(each)["status"] for each in tips} == {"dead"}
    agreed = browser.post(f"{LIST}/{act}?cause=busy", told | {field: "4"}, follow=True)
    assert re.search("4 (sent back|reviewed)", shown(agreed))


@pytest.mark.parametrize(("found", "agreed"), [(12, 12), (deadletters.LOOKED_AT, 11)])
def test_the_number_of_a_refusal_is_agreed_to_only_where_the_page_knows_none(found, agreed):
    told = deadletters.GroupOutlook(found, 1, 0, 0, 0)
    pressed = Pressed(decisions.REPLAY, decisions.GroupCountChanged(11), {"scope": "all"})
    matching = deadletters.Matching({"": found})
    many = letterlist.ManyLetters("busy", "", matching, told, [], letterlist.ALL, pressed)
    assert many.seen == agreed
    assert f"{agreed} can be sent back" in many.which


def test_of_very_many_the_commands_are_named_which_tell_the_number(browser, dead, monkeypatch):
    monkeypatch.setattr(deadletters, "LOOKED_AT", 2)
    monkeypatch.setattr(letterlist, "MOST_AT_ONCE", 1)
    for _ in range(3):
        dead("busy")
    text = flat(browser.get(LIST, {"cause": "busy"}))
    assert "<code>manage.py dead_letters replay --all --cause busy</code>" in text
    assert "<code>manage.py dead_letters review --all --cause busy --resolution … --note …</code>" in text
    assert "Sending back the oldest 1 will play 1 request" in text


@pytest.mark.parametrize("act", ["replay", "review"])
def test_all_is_not_meant_where_some_are_marked(browser, dead, act):
    tips = [dead("busy") for _ in range(2)]
    said = {"scope": "all", "seen": "2", "unreviewed": "2", "resolution": "waived"}
    answer = press_marked(browser, [mark_of(tips[0])], act, **said)
    assert answer.status_code == 422
    text = flat(answer)
    assert "Some are marked: choose what is marked, or take the marks away." in text
    assert f'value="{mark_of(tips[0])}" checked' in text
    assert 'name="scope" value="marked" checked' in text
    assert 'aria-describedby="scope-error"' in text
    assert [(request_of(each)["status"], request_of(each).get("review")) for each in tips] == 2 * [
        ("dead", None)
    ]


def test_a_refused_press_keeps_the_marks_of_other_pages(browser, dead):
    here, there, moved = dead("busy"), dead(), dead()
    marks = [mark_of(each) for each in (here, there, moved)]
    address = f"{LIST}/replay?cause=busy"
    told = {"scope": "marked", "mark": marks, "reason": ""}
    answer = browser.post(address, told)
    assert answer.status_code == 422
    assert hidden(flat(answer), "mark") == marks[1:]
    assert "What is marked below, and 2 not on this page" in flat(answer)
    press(browser, moved, "replay")
    answer = browser.post(address, told | {"reason": WHY})
    assert answer.status_code == 409
    assert hidden(flat(answer), "mark") == [marks[1]]
    assert {request_of(each)["status"] for each in (here, there)} == {"dead"}
    left = [marks[0], *hidden(flat(answer), "mark")]
    assert "2 sent back." in shown(press_marked(browser, left))


def test_what_was_never_a_mark_comes_back_as_text(browser, dead):
    dead("busy")
    told = {"scope": "marked", "mark": ['"><script>x</script>'], "reason": ""}
    answer = browser.post(f"{LIST}/replay?cause=busy", told)
    assert answer.status_code == 422
    assert inline_code(answer.content.decode()) == []


def test_what_takes_too_long_to_count_is_said_on_the_page_and_nothing_is_done(browser, dead, request):
    tip_id = dead("busy")
    request.getfixturevalue("time_is_up")
    told = {"scope": "all", "seen": "1", "reason": WHY}
    answer = browser.post(f"{LIST}/replay?cause=busy", told)
    assert answer.status_code == 503
    assert "They are too many to be counted in time; nothing was done." in flat(answer)
    assert request_of(tip_id)["status"] == "dead"
