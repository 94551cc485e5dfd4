"""The staff's Statistics page: a period beside the one before it, narrowed by what is pressed, with how fresh
it is."""

import re
from datetime import timedelta

import pytest

from adminpanel.models import Heartbeat, TipHour
from adminpanel.watch.recounting import Recounter
from ground.mongodb.collections import collection
from lovense.models import Activation
from tests.adminpanel.statistics.rows import DAY, count_all, fill
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.history.rows import row
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
PATH = "/staff/statistics"
MOST_COMMANDS, MOST_BYTES = 20, 80_000


@pytest.fixture
def page(client, dina, frozen):
    client.force_login(dina)

    def get(query=""):
        response = client.get(f"{PATH}{query}")
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


@pytest.fixture
def frozen(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)


def keep(performer, *rows):
    collection(Activation).insert_many([row(n, performer.pk, **each) for n, each in enumerate(rows)])
    count_all([performer.pk])


def stat(page, label):
    found = re.search(rf'ui-stat__label">{label}</p> <p class="ui-stat__value">(.*?)</p>', page)
    return re.sub(r"<.*?>|&nbsp;", "", found[1]) if found else None


def test_a_period_stands_beside_the_one_before_it_at_the_same_hour(page, ana):
    yesterday, later = {"at": NOW - DAY, "amount": 50}, {"at": NOW - DAY + timedelta(hours=2)}
    keep(ana, {"at": NOW, "amount": 100}, yesterday, later)
    shown = page("?period=1d")
    assert stat(shown, "Tokens") == "100"
    # What came yesterday at a later hour than it is now is not compared with.
    assert "+100&nbsp;%" in shown.replace("\xa0", "&nbsp;")


def test_what_did_not_play_says_why_and_leads_to_itself(page, ana):
    keep(ana, {"status": "expired", "reason": "device_offline", "delivered_seconds": None}, {})
    shown = page()
    assert (stat(shown, "Played"), stat(shown, "Share played")) == ("1", "50%")
    assert 'href="?period=7d&amp;outcome=device_offline"' in shown


def test_pressing_a_path_narrows_all_numbers_and_the_chip_takes_it_away(page, ana):
    keep(ana, {"bridge": "STANDARD_LAN", "amount": 7}, {"bridge": "SIMULATOR", "amount": 5})
    assert 'href="?period=7d&amp;bridge=STANDARD_LAN"' in page()
    shown = page("?period=7d&bridge=STANDARD_LAN")
    assert stat(shown, "Tokens") == "7"
    assert 'href="?period=7d" aria-current="true">path: This page, over your own network ×' in shown
    assert "Busiest minutes" not in shown


def test_what_is_of_no_path_can_be_asked_for_too(page, ana):
    keep(ana, {"bridge": None, "amount": 3}, {"bridge": "SIMULATOR", "amount": 5})
    assert stat(page("?bridge=none"), "Tokens") == "3"


def test_of_one_performer_it_is_hers_alone(page, ana, carol):
    collection(Activation).insert_many([row(1, ana.pk, amount=8), row(2, carol.pk, amount=9)])
    count_all([ana.pk, carol.pk])
    assert stat(page(), "Tokens") == "17"
    shown = page(f"?performer={carol.pk}")
    assert stat(shown, "Tokens") == "9"
    assert f"performer: {carol.display_name} ×" in shown


def test_settled_tips_are_counted_by_the_hour_of_their_settlement(page, ana):
    keep(ana, {})
    TipHour.objects.create(key="2026-01-03T04", hour=NOW, tips=4, tokens=400, net=300)
    TipHour.objects.create(key="2025-12-20T04", hour=NOW, tips=9, tokens=900, net=300)
    assert stat(page(), "Settled") == "4"


def test_it_says_up_to_when_it_was_counted_and_that_nobody_counts(page, ana):
    keep(ana, {})
    assert "Not counted yet" in page()
    assert "Nobody has counted" in page()
    Recounter().run(now=NOW, limit=9)
    shown = page()
    assert "Counted up to" in shown
    assert "04:15:00 UTC</time>" in shown
    assert "Nobody has counted" not in shown
    Heartbeat.objects.filter(pk="statistics").update(at=NOW - timedelta(minutes=4))
    assert "Nobody has counted" in page()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?period=91d", "must be a number of days"),
        ("?period=0d", "must be a number of days"),
        ("?period=7h", "must be a number of days"),
        ("?from=2026-01-05", "Must not be later than today"),
        ("?from=2025-01-01&to=2026-01-01", "Must be at most 90 days"),
        ("?from=yesterday", "Must be a day, as 2026-01-03"),
        ("?to=2026-13-01", "Must be a day, as 2026-01-03"),
        ("?bridge=%00", "must be a word"),
        ("?kind=%24where%7B", "must be a word"),
        (f"?device={'x' * 41}", "must be a word"),
        ("?performer=ana", "24 hexadecimal digits"),
        ("?performer=%F0%9D%9F%8E", "24 hexadecimal digits"),
    ],
)
def test_what_is_none_stands_beside_it_and_the_usual_period_is_shown(page, query, said):
    shown = page(query)
    assert said in shown
    assert "28 Dec 2025 to 3 Jan 2026" in shown


def test_nothing_counted_is_said(page):
    assert "Nothing was counted for this" in page("?pattern=wave")


def test_markup_in_a_name_is_text(page, ana):
    type(ana).objects.filter(pk=ana.pk).update(display_name="<b>x</b>")
    keep(ana, {})
    assert "&lt;b&gt;x&lt;/b&gt;" in page()


def test_it_is_small_and_reads_little_however_much_there_was(page, ana, carol):
    fill([ana.pk, carol.pk], 300)
    count_all([ana.pk, carol.pk])
    with recorded(run=True) as plans:
        shown = page("?period=90d")
    assert len(plans) <= MOST_COMMANDS
    assert scans(plans) == []
    assert sum(plan.documents for plan in plans) <= 3 * 400 + 200
    assert len(shown) <= MOST_BYTES
    assert not inline_code(shown)
    assert not unlabelled_fields(shown)
