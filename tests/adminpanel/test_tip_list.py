"""The staff's list of tips: what is asked is answered by an index, and each row says what became of it."""

from datetime import timedelta

import pytest
from bson import ObjectId
from django.test import Client

from adminpanel.asking import grammar, plan
from adminpanel.asking.kinds import Amount, NoSuchValue
from adminpanel.staff import enrol
from adminpanel.tip.listing import LISTED
from ground import clock
from ground.audit.models import AuditEntry
from ground.people import Role
from tests.chain import SECOND
from tests.ground.plans import fill, recorded, scans
from tests.pages import inline_code, unlabelled_fields
from tests.tips.calls import ANA, BOB
from tips.models import Tip

pytestmark = pytest.mark.django_db
PAGE = "/staff/tips"


@pytest.fixture
def browser(db):
    made = Client()
    made.force_login(enrol(username="sue", role=Role.SUPPORT, password="").user)
    return made


@pytest.fixture
def now_chain(chain):
    """The same as `chain`, at the time of the pages."""
    chain.now = clock.now() - timedelta(minutes=2)
    chain.publish_menu()
    return chain


def shown(browser, query="", **more):
    answer = browser.get(PAGE, {"q": query, **more})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_each_tip_is_told_with_what_became_of_it(browser, now_chain, bob):
    now_chain.hold()
    played = now_chain.played(bob, 100)
    below = now_chain.settled(bob, 5)
    now_chain.dispatch(later=SECOND)
    waits = now_chain.settled(bob, 50, isAnonymous=True)
    unpaid = now_chain.settled(bob, 10_000_000)
    html = shown(browser)
    assert [each in html for each in (played, below, waits, unpaid)] == [True] * 4
    for said in (
        "100 tokens from \u2068bob\u2069: “Fireworks” played for 10 s.",
        "5 tokens from \u2068bob\u2069 did nothing: below the minimum",
        "50 tokens from \u2068Anonymous\u2069: settled; waiting for its turn in the queue.",
        "waiting for tokens; the viewer&#x27;s balance is too low.",
        "4 tips",
    ):
        assert said in html, said
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


def test_a_list_of_nothing_says_so(browser):
    assert "No tip matches." in shown(browser)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("amount:100", 1),
        ("amount:50-100", 2),
        ("amount:51-", 2),
        ("amount:5,50", 1),
        ("-amount:100", 2),
        ("anonymous:true", 1),
        ("anonymous:true amount:100", 0),
        ("status:settled", 2),
        ("status:pending", 1),
        ("-status:settled", 1),
        ("performer:ana", 3),
        ("performer:ana status:settled amount:50-", 2),
        ("reason:by_platform", 0),
        ("doubt:yes", 0),
        ("on:today since:1h", 3),
        ("before:2020-01-01 archive:yes", 0),
    ],
)
def test_what_is_asked_is_found(browser, now_chain, bob, query, found):
    now_chain.settled(bob, 100)
    now_chain.settled(bob, 50, isAnonymous=True)
    now_chain.settled(bob, 10_000_000)
    assert shown(browser, query).count("data-record=") == found


@pytest.mark.parametrize(
    "query",
    [
        "amount:0",
        "amount:5-1",
        "amount:-5",
        "amount:1e3",
        "status:gone",
        "performer:nobody",
        '"words"',
        "tip:x",
        "anonymous:true,false",
        "-doubt:yes",
        "amount:$gt",
    ],
)
def test_what_is_no_question_is_marked_and_nothing_is_searched(browser, query):
    assert "Not understood, so nothing was searched." in shown(browser, query)


@pytest.mark.parametrize("text", ["500", "100-500", "100-", "7-7"])
def test_an_amount_is_written_as_it_is_read(text):
    assert Amount().write(Amount().read(text)) == text


@pytest.mark.parametrize("text", ["", "-", "-5", "05", "5-4", "1234567890", "5.5", "٣"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(NoSuchValue):
        Amount().read(text)


def row(number):
    state = ("settled", "settled", "settled", "settled", "failed", "pending")[number % 6]
    return {
        "_id": f"{number:024x}",
        "settlement_status": state,
        "failure_reason": "insufficient_funds" if state == "failed" else "",
        "needs_reconciliation": "reversed" if number % 1000 == 7 else "",
        "performer_id": ANA if number % 3 else str(ObjectId()),
        "tipper_id": BOB,
        "total": number % 500 + 1,
        "is_anonymous": number % 2 == 0,
        "source_ref": f"TIP_{number}",
        "created_at": clock.now() - timedelta(seconds=number),
    }


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "tip_by_time"),
        ("since:1h", "tip_by_time"),
        ("status:settled", "tip_by_time"),
        ("status:failed", "tip_unsettled"),
        ("status:failed,pending", "tip_unsettled"),
        ("-status:settled", "tip_unsettled"),
        ("-status:settled amount:3", "tip_unsettled"),
        ("-status:failed", "tip_by_time"),
        ("status:failed,settled", "tip_by_time"),
        ("reason:insufficient_funds", "tip_unsettled"),
        ("doubt:yes", "tip_in_doubt"),
        ("doubt:reversed,not_posted", "tip_in_doubt"),
        ("performer:ana", "tip_by_performer"),
        ("performer:ana doubt:yes", "tip_in_doubt"),
        ("performer:ana amount:3", "tip_by_performer"),
        ("amount:3 anonymous:true", "tip_by_time"),
    ],
)
def test_each_question_is_answered_by_its_index_and_without_a_sort(ana, query, index):
    fill(Tip, row)
    made = plan.made(LISTED, grammar.parse(query, LISTED.keys), now=clock.now())
    assert made.index == index
    with recorded(run=True) as plans:
        found = plan.slice_of(made)
        plan.count(made)
        older = plan.slice_of(made, after=found.older)
        assert (
            plan.slice_of(made, before=plan.cursor_of(LISTED, plan.place_of(LISTED, older.rows[0]))).rows
            if found.older
            else True
        )
    assert scans(plans) == []
    assert max(each.documents for each in plans) <= 3 * max(len(found.rows), 1) + 200
    assert found.rows == sorted(found.rows, key=lambda each: each["created_at"], reverse=True)


def test_a_page_of_fifty_costs_no_more_commands_than_one_of_five(browser, now_chain, bob):
    counts = []
    shown(browser)
    for number in (5, 45):
        for _ in range(number):
            now_chain.settled(bob, 20)
        with recorded() as plans:
            shown(browser)
        assert scans(plans) == []
        counts.append(len(plans))
    assert counts[0] == counts[1] <= 20


def test_a_file_has_what_was_asked_and_leaves_an_entry(browser, now_chain, bob):
    now_chain.settled(bob, 100)
    now_chain.settled(bob, 50, isAnonymous=True)
    answer = browser.get(f"{PAGE}/export", {"q": "anonymous:true"})
    text = b"".join(answer.streaming_content).decode()
    assert len(text.splitlines()) == 2
    assert ("bob" in text, BOB in text) == (False, False)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.after["rows"]) == ("export", "tips", 1)


def test_new_ones_are_counted_and_keys_are_offered(browser, now_chain, bob):
    now_chain.settled(bob, 100)
    news = browser.get(PAGE).context["shown"].news
    assert browser.get(news).json() == {"newer": 0}
    now_chain.now += timedelta(seconds=1)
    now_chain.settled(bob, 100)
    assert browser.get(news).json() == {"newer": 1}
    offered = browser.get(f"{PAGE}/suggest", {"text": "sta"}).json()["found"]
    assert [each["text"] for each in offered] == ["status:"]
    states = browser.get(f"{PAGE}/suggest", {"text": "status:s"}).json()["found"]
    assert [each["text"] for each in states] == ["status:settled"]
