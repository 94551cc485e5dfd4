"""The page of the event log's consumers: where each stands, what is dead, and the button that retries it."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from adminpanel.handling import emissions as handling
from adminpanel.staff import enrol
from adminpanel.views import emissions as page
from adminpanel.watch import health
from ground.audit.models import AuditEntry
from ground.people import Role
from tests.adminpanel.people.at_once import together
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.pages import inline_code, unlabelled_fields
from tests.tips import calls
from tests.tips.calls import tip_id
from tips.log import emission
from tips.log.emission import Consumer

pytestmark = pytest.mark.django_db

PATH, RETRY = "/staff/emissions", "/staff/emissions/picky/retry"
WHY = "it can be reached again"
SECOND = timedelta(seconds=1)


class Picky:
    """A consumer that takes nothing while it is `bad`."""

    def __init__(self):
        self.bad, self.taken = False, []

    def record(self, envelopes, *, now, session):
        if self.bad:
            raise OverflowError
        self.taken += [envelope["data"]["tipId"] for envelope in envelopes]


@pytest.fixture
def picky(monkeypatch, db):
    made = Picky()
    consumers = {name: Consumer(name, ("tipId",)) for name in ("archivist", "messenger")}
    monkeypatch.setattr(
        emission, "CONSUMERS", consumers | {"picky": Consumer("picky", ("tipId",), record=made.record)}
    )
    return made


def settle(*numbers):
    calls.bought(1000)
    for number in numbers:
        calls.succeeded(number)
    calls.settle()


def drain(seconds=0):
    while emission.drain(now=NOW + seconds * SECOND):
        pass


@pytest.fixture
def dead(picky):
    """Two tips that the picky one would not take."""
    picky.bad = True
    settle(1, 2)
    for seconds in range(0, 200, 5):
        drain(seconds)
    picky.bad = False
    assert emission.count_dead() == 2


def browser(role=Role.ADMIN, **more):
    made = Client(**more)
    made.force_login(enrol(username=role.value, role=role, password="").user)
    return made


def text(client, query=""):
    answer = client.get(PATH + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_consumers_that_are_well_say_so(picky):
    settle(1)
    drain()
    shown = text(browser())
    assert shown.count("Up to date") == 3
    assert "Has taken event 1 · nothing waits" in shown
    assert "Nothing is dead" in shown
    assert '<section class="card" aria-label="Retry" hidden>' in shown


def test_one_that_is_held_up_says_why_and_when_it_goes_on(picky):
    picky.bad = True
    settle(1, 2)
    drain()
    shown = text(browser())
    assert "Held up" in shown
    assert "Event 1 failed 1 time, the last time with <code>OverflowError</code>; again at" in shown
    assert "04:15:01 UTC" in shown
    assert "2 wait" in shown


def test_one_that_is_late_is_behind(picky):
    settle(1)
    at = {words: health.consumers(now=NOW + words * SECOND)[0] for words in (10, 11)}
    assert [(at[10].word, at[10].lag_seconds), (at[11].word, at[11].lag_seconds)] == [
        ("Up to date", 10),
        ("Behind", 11),
    ]


def test_dead_emissions_are_listed_with_their_history(dead):
    shown = text(browser())
    assert "Has dead events" in shown
    assert shown.count("failed 5 times, the last time <") == 2
    assert shown.count("OverflowError") == 2 * 6  # each attempt, and the badge
    assert f'href="/staff/tips/{tip_id(1)}"' in shown
    assert "Retry all 2 for picky" in shown
    assert inline_code(shown) == []
    assert unlabelled_fields(shown) == set()


def press(client, seen, *, reason=WHY, path=RETRY):
    return client.post(path, {"reason": reason, "seen": str(seen)})


def entries():
    found = AuditEntry.objects.filter(action="retry").order_by("at", "entry_id")
    return [(each.actor, each.why, each.success, each.target) for each in found]


def test_the_button_delivers_once_what_was_seen_and_each_leaves_its_entry(dead, picky):
    admin = browser()
    answer = press(admin, 2)
    assert (answer.status_code, answer["Location"]) == (302, PATH + "?delivered=2&dead=0")
    assert picky.taken == [tip_id(1), tip_id(2)]
    assert "2 delivered" in text(admin, "?delivered=2&dead=0")
    assert entries() == [("admin", WHY, True, f"picky/{tip_id(number)}") for number in (1, 2)]
    again = press(admin, 2)
    assert again.status_code == 409
    assert "0 are dead now; nothing was retried." in again.content.decode()
    assert picky.taken == [tip_id(1), tip_id(2)]


@pytest.mark.parametrize("reason", ["", "no", " a ", "x" * 201])
def test_without_a_reason_nothing_is_done_and_the_form_says_so(dead, picky, reason):
    answer = press(browser(), 2, reason=reason)
    assert answer.status_code == 422
    assert "Say why, in 3 to 200 characters." in answer.content.decode()
    assert picky.taken == []
    assert [entry[2:] for entry in entries()] == [(False, "picky")]


@pytest.mark.parametrize("seen", ["", "1", "-2", "two", "9" * 40])
def test_with_another_number_nothing_is_done(dead, picky, seen):
    assert press(browser(), seen).status_code == 409
    assert picky.taken == []


def test_of_two_presses_at_once_one_delivers(dead, picky):
    clients = [browser() for _ in range(2)]
    statuses = together(2, lambda place: press(clients[place], 2).status_code)
    assert picky.taken == [tip_id(1), tip_id(2)]
    assert set(statuses) <= {302, 409}


def test_what_fails_again_is_said_and_names_who_asked(dead, picky):
    picky.bad = True
    admin = browser()
    assert press(admin, 2)["Location"] == PATH + "?delivered=0&dead=2"
    shown = text(admin, "?delivered=0&dead=2")
    assert "2 failed again and stay dead" in shown
    assert shown.count("asked for by admin") == 2


def test_the_list_and_a_press_are_bounded(dead, picky, monkeypatch):
    monkeypatch.setattr(page, "FIRST_SHOWN", 1)
    monkeypatch.setattr(page, "MOST_AT_ONCE", 1)
    admin = browser()
    shown = text(admin)
    assert "Retry the oldest 1 for picky" in shown
    assert "All 2: manage.py retry_emissions --consumer picky" in shown
    assert shown.count("failed 5 times") == 1
    assert press(admin, 2)["Location"] == PATH + "?delivered=1&dead=0"
    assert picky.taken == [tip_id(1)]


def test_of_very_many_the_number_is_counted_at_the_press_and_agreed_to(dead, picky, monkeypatch):
    monkeypatch.setattr(emission, "DEAD_COUNTED", 1)
    admin = browser()
    shown = text(admin)
    assert "at least 1 dead" in shown
    assert "There are at least 1: the first press counts them." in shown
    refused = press(admin, "")
    assert refused.status_code == 409
    shown = " ".join(refused.content.decode().split())
    assert "2 are dead now; nothing was retried." in shown
    assert '<input type="hidden" name="seen" value="2">' in shown
    assert picky.taken == []
    assert press(admin, 2)["Location"] == PATH + "?delivered=2&dead=0"


def numbers(shown):
    """Of the events that are listed, in their order."""
    return [*map(int, re.findall(r"Event (\d+) for picky failed", shown))]


@pytest.fixture
def two_cannot(monkeypatch, picky):
    """The picky one and the messenger take nothing; of four tips."""
    picky.bad = True
    other = Consumer("messenger", ("tipId",), record=picky.record)
    monkeypatch.setitem(emission.CONSUMERS, "messenger", other)
    settle(1, 2, 3, 4)
    for seconds in range(0, 400, 5):
        drain(seconds)
    picky.bad = False


def test_of_each_consumer_the_first_are_listed_and_how_many_more_there_are(two_cannot, monkeypatch):
    monkeypatch.setattr(page, "FIRST_SHOWN", 3)
    shown = text(browser())
    assert shown.count("for messenger failed") == 3
    assert numbers(shown) == [1, 2, 3]
    assert 'href="/staff/emissions?consumer=picky&amp;after=3">1 more for picky</a>' in shown
    further = text(browser(), "?consumer=picky&after=3")
    assert numbers(further) == [4]
    assert "for messenger failed" not in further
    assert "more for" not in further


def test_one_consumer_has_its_own_page_and_is_paged(two_cannot, monkeypatch):
    monkeypatch.setattr(page, "PAGE_SHOWN", 3)
    shown = text(browser(), "?consumer=picky")
    assert numbers(shown) == [1, 2, 3]
    assert "for messenger failed" not in shown
    assert 'href="/staff/emissions?consumer=picky&amp;after=3">Later ones' in shown
    assert 'href="/staff/emissions?consumer=picky" aria-current="true"' in shown
    assert "Nothing of archivist is dead" in text(browser(), "?consumer=archivist")


@pytest.mark.parametrize("query", ["?consumer=nobody", "?consumer=picky&after=x", "?after=$ne", "?after=-1"])
def test_a_place_that_is_none_leads_to_the_first_ones(dead, query):
    answer = browser().get(PATH + query)
    assert (answer.status_code, answer["Location"]) == (302, PATH)


def test_the_region_that_fetches_itself_is_the_same_html_as_in_the_page(dead):
    admin = browser()
    part = " ".join(admin.get(PATH, headers={"HX-Request": "true"}).content.decode().split())
    assert "<html" not in part
    assert "<form" not in part
    assert numbers(part) == [1, 2]
    assert of_no_moment(part) in of_no_moment(text(admin))
    assert 'hx-trigger="fresh" data-topics="tips audit"' in text(admin)


def test_what_is_listed_is_found_by_the_index_of_dead_ones(dead, monkeypatch):
    monkeypatch.setattr(page, "FIRST_SHOWN", 1)
    with recorded(run=True) as plans:
        emission.slice_of("picky", after=1, limit=1)
    assert [(plan.indexes, plan.examined) for plan in plans] == [(["failed_emission_dead"], 1)]


REFRESH = '<noscript><meta http-equiv="refresh" content="30"></noscript>'


def test_without_script_the_page_is_fetched_again_where_nothing_can_be_typed(dead):
    assert REFRESH in text(browser(Role.SUPPORT))
    shown = text(browser(), "?consumer=picky")
    assert REFRESH not in shown
    assert re.search('<noscript><a [^>]*href="/staff/emissions\\?consumer=picky">Look again', shown)


def test_a_refused_press_keeps_the_marks_of_other_pages_and_where_it_was(two_cannot, picky, monkeypatch):
    monkeypatch.setattr(page, "PAGE_SHOWN", 2)
    said = marks()[-4:]
    admin = browser()
    assert f'action="{PATH}/retry?consumer=picky"' in text(admin, "?consumer=picky")
    answer = admin.post(f"{PATH}/retry?consumer=picky", {"mark": said, "reason": ""})
    assert answer.status_code == 422
    shown = " ".join(answer.content.decode().split())
    assert numbers(shown) == [1, 2]
    assert re.findall('<input type="hidden" name="mark" value="([^"]+)"', shown) == said[2:]
    emission.retry("picky/" + tip_id(4), by="eve", now=NOW)
    answer = admin.post(f"{PATH}/retry?consumer=picky", {"mark": said, "reason": WHY})
    assert answer.status_code == 409
    shown = " ".join(answer.content.decode().split())
    assert re.findall('<input type="hidden" name="mark" value="([^"]+)"', shown) == [said[2]]
    assert picky.taken == [tip_id(4)]


def of_no_moment(shown):
    """Without when it was fetched, which `data-fresh` says."""
    return re.sub(r"<st-age.*?</st-age>", "", shown)


def marks():
    return [handling.mark_of(row) for row in emission.dead()]


def press_marked(client, marks, *, reason=WHY):
    return client.post(f"{PATH}/retry", {"mark": marks, "reason": reason})


def test_what_is_marked_is_delivered_and_nothing_else(dead, picky):
    admin, (first, second) = browser(), marks()
    assert f'name="mark" value="{second}"' in text(admin)
    answer = press_marked(admin, [second])
    assert (answer.status_code, answer["Location"]) == (302, PATH + "?delivered=1&dead=0")
    assert picky.taken == [tip_id(2)]
    assert entries() == [("admin", WHY, True, f"picky/{tip_id(2)}")]
    refused = press_marked(admin, [first, second])
    assert refused.status_code == 409
    shown = " ".join(refused.content.decode().split())
    assert "1 of 2 marked has moved meanwhile; nothing was done." in shown
    assert f'value="{first}" data-mark tabindex="-1" checked' in shown
    assert picky.taken == [tip_id(2)]


def test_what_has_failed_again_since_it_was_marked_is_not_retried_unseen(dead, picky):
    before = marks()
    picky.bad = True
    assert press_marked(browser(), before)["Location"] == PATH + "?delivered=0&dead=2"
    assert press_marked(browser(), before).status_code == 409


@pytest.mark.parametrize(
    ("marks", "status"), [([], 422), (["$ne x"], 409), ([f"{n} x" for n in range(501)], 422)]
)
def test_marks_that_name_nothing_retry_nothing(dead, picky, marks, status):
    assert press_marked(browser(), marks).status_code == status
    assert picky.taken == []


def test_a_retry_of_what_is_marked_says_why(dead, picky):
    answer = press_marked(browser(), marks(), reason="no")
    assert answer.status_code == 422
    assert "Say why, in 3 to 200 characters." in answer.content.decode()
    assert [entry[2:] for entry in entries()] == [(False, "all")]


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_those_who_only_look_have_no_button_and_cannot_press_it(dead, picky, role):
    looker = browser(role)
    assert "<form" not in text(looker).partition("<main")[2].partition("</main")[0]
    assert "data-mark" not in text(looker)
    assert press(looker, 2).status_code == 403
    assert press_marked(looker, marks()).status_code == 403
    assert picky.taken == []


def test_a_press_needs_its_token_and_is_no_link(dead, picky):
    assert press(browser(enforce_csrf_checks=True), 2).status_code == 403
    assert browser().get(RETRY).status_code == 405
    assert picky.taken == []


@pytest.mark.parametrize("path", [PATH, RETRY])
def test_it_is_for_staff_only(dead, picky, ana, path):
    for client, status in ((Client(), 302), (Client(), 403)):
        if status == 403:
            client.force_login(ana.user)
        assert (client.post(path) if path == RETRY else client.get(path)).status_code == status
    assert picky.taken == []


@pytest.mark.parametrize("consumer", ["nobody", "$where", "a%20b", "picky2"])
def test_there_is_no_unknown_consumer(dead, picky, consumer):
    assert press(browser(), 2, path=f"{PATH}/{consumer}/retry").status_code == 404
    assert picky.taken == []


def test_the_page_costs_the_same_however_much_is_dead(dead, django_assert_max_num_queries):
    admin = browser()
    with django_assert_max_num_queries(15):
        text(admin)
