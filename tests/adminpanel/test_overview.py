"""The Overview, and its line on every page: how each step keeps up, beside what passes it; and nothing is
green that nobody has looked at."""

import re
from datetime import timedelta

import pytest

from adminpanel.models import HealthMinute, Heartbeat, TipHour
from adminpanel.watch import lasthour, minutes, overview, readiness
from config.settings import BASE_DIR
from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.models import PlatformSettings
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.ground.plans import recorded, scans
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
START = minutes.floor(NOW)
MOST_COMMANDS, MOST_BYTES = 20, 80_000
SEEN = {"seen": {"$ne": None}}


@pytest.fixture
def page(client, dina):
    """The page at an address, as staff; as text."""
    client.force_login(dina)

    def get(address="/staff", **headers):
        response = client.get(address, headers=headers)
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return get


def hour(now=START + MINUTE):
    return lasthour.read(now=now)


def sentence(now=START + MINUTE):
    found = hour(now)
    return overview.sentence(overview.steps(found, now=now), found)


def held(**changes):
    collection(PlatformSettings).update_one({"_id": platform.ROW}, {"$set": changes}, upsert=True)


# --- what it says ------------------------------------------------------------------------------------------


def test_where_all_is_well_it_says_so_in_one_sentence(db):
    minutes.keep(now=START + MINUTE)
    assert sentence() == "All six steps keep up; no repairs are open."
    assert hour().word is lasthour.HealthWord.WELL


def test_a_step_that_is_late_is_named_first(ana, bob):
    fund(bob, 100)
    Chain(ana, now=START).deliver(bob, 10)
    minutes.keep(now=START + MINUTE)
    assert sentence() == "Inbox falls behind; no repairs are open."
    assert hour().word is lasthour.HealthWord.STRAINED


def test_the_steps_have_what_passed_beside_what_waits(ana, bob):
    fund(bob, 1000)
    chain = Chain(ana, now=START + SECOND)
    chain.publish_menu()
    chain.hold()
    chain.played(bob, 100)
    chain.settled(bob, 100)
    minutes.keep(now=START + MINUTE)
    steps = overview.steps(hour(), now=START + MINUTE)
    assert [step.rate for step in steps] == [2, 2, 2, 1, 1, 1]
    assert [step.waiting for step in steps] == [0, 0, 0, 1, 0, 0]
    assert (steps[4].half, steps[5].half) == (pytest.approx(10, rel=0.08), None)
    assert steps[3].waited == "59 s"
    assert [step.word for step in steps] == ["Keeps up"] * 6


def test_what_nobody_has_looked_at_lately_is_not_known(db):
    minutes.keep(now=START + MINUTE)
    late = START + MINUTE + lasthour.FRESH
    assert hour(late).word is lasthour.HealthWord.UNKNOWN
    assert hour(late - SECOND).word is lasthour.HealthWord.WELL
    assert sentence(late).startswith(
        "Nobody has counted what passed in the last two minutes; the rest is not"
    )


def test_a_ledger_that_does_not_answer_is_worse_than_any_queue(db):
    minutes.keep(now=START + MINUTE)
    collection(HealthMinute).update_many(SEEN, {"$set": {"seen.ledger.answers": False}})
    assert hour().word is lasthour.HealthWord.ILL
    assert "the ledger does not answer" in sentence()


def test_a_minute_that_is_missing_is_a_gap_in_the_line(db):
    minutes.keep(now=START + MINUTE)
    collection(HealthMinute).delete_one({"_id": minutes.key_of(START - 3 * MINUTE)})
    passed = hour().passed(3)
    assert passed[-10:] == [0, 0, 0, 0, 0, 0, None, 0, 0, 0]
    assert overview.steps(hour(), now=START + MINUTE)[2].drawn.count("M") == 2


def test_money_is_of_today_alone(db):
    for day, tokens in (("2026-01-02T23", 7), ("2026-01-03T00", 100), ("2026-01-03T04", 50)):
        row = {"_id": day, "tips": 1, "tokens": tokens, "net": tokens // 2}
        collection(TipHour).insert_one(row)
    assert overview.today(now=NOW) == {"tips": 2, "tokens": 150, "net": 75, "commission": 75}


def test_a_process_that_has_not_shown_itself_is_silent(db):
    readiness._mark("worker/worker-0", NOW)
    readiness._mark("web/web-0", NOW - 16 * SECOND)
    readiness._mark("ready/web-0", NOW)
    readiness._mark("worker/worker-9", NOW - timedelta(days=2))
    found = {each.name: (each.word, each.version) for each in overview.processes(now=NOW)}
    assert found == {"Web web-0": ("Silent", "0.1.0"), "Worker worker-0": ("Answers", "0.1.0")}
    assert all(each.memory_mb > 10 for each in overview.processes(now=NOW))
    assert Heartbeat.objects.count() == 4


# --- as a page ---------------------------------------------------------------------------------------------


def test_the_page_has_a_step_for_each_fact_and_works_without_scripts(page):
    minutes.keep(now=clock.now())
    shown = page()
    assert shown.count("steps__one") == 6
    assert shown.count('class="trend"') == 7
    assert "All six steps keep up" in shown
    assert inline_code(shown) == []
    assert unlabelled_fields(shown) == set()
    assert len(shown) < MOST_BYTES


def test_the_page_costs_a_bounded_number_of_commands_each_by_an_index(client, dina, page):
    held(enable_lovense=False)
    minutes.keep(now=clock.now())
    page()  # the session is marked, once
    with recorded() as plans:
        page()
    assert scans(plans) == []
    assert len(plans) <= MOST_COMMANDS


@pytest.mark.parametrize("address", ["/staff/tips", "/staff/queue", "/staff/audit", "/staff/find?q=x"])
def test_the_strip_stands_on_every_page(page, address):
    assert "Not known" in page(address)
    minutes.keep(now=clock.now())
    assert '<span class="badge" data-tone="good">Healthy</span>' in page(address)


def test_the_strip_says_what_is_held_by_whom_and_since_when(page):
    platform.change(key="enableLovense", value="false", by="ada", why="A fault.", now=NOW)
    shown = page("/staff/strip", **{"HX-Request": "true"})
    assert "Kill switch: nothing plays since 3 Jan 2026, 04:15 UTC, by ada" in re.sub("<[^>]+>", "", shown)
    held(is_draining=True)  # written past the log
    shown = re.sub("<[^>]+>", "", page("/staff/strip", **{"HX-Request": "true"}))
    assert "Draining: nothing new starts Not known" in shown


def test_the_strip_names_the_worst_repair_by_its_kind_alone(page, ana):
    minutes.keep(now=clock.now())
    worst = {"kind": "app_offline", "weight": "urgent", "since": "x", "performer_id": ana.pk}
    repairs = {"open": 1, "kinds": {"app_offline": 1}, "worst": worst}
    collection(HealthMinute).update_many(SEEN, {"$set": {"seen.repairs": repairs}})
    shown = page("/staff/strip")
    assert "Worst repair: App offline" in shown
    assert ana.pk not in shown


# --- where it says what to do ------------------------------------------------------------------------------


def test_every_word_of_health_has_its_heading_in_the_document():
    written = (BASE_DIR / "docs/operations.md").read_text()
    assert [word for word in lasthour.HealthWord if f"\n## {word.value}\n" not in written] == []
