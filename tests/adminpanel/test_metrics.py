"""What the queue did in a period, over REST and as Prometheus reads it."""

import re
from datetime import timedelta

import pytest

from adminpanel.watch import exposition, metrics, readiness
from ground import clock
from ground.journal import journal
from ground.mongodb.collections import collection
from tests.adminpanel.rows import ended, rows
from tests.chain import Chain
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import NOW, fund, token_of
from tests.ground.plans import recorded
from tests.lovense.conftest import in_collection
from tips.models import QueueRequest, RequestStatus, RequestType, Tip, TipActivated

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
S = RequestStatus


def read(length=HOUR, now=NOW):
    return metrics.read(length, now=now)


# --- a period ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [("1m", MINUTE), ("90m", 90 * MINUTE), ("24h", DAY), ("7d", 7 * DAY), ("90d", 90 * DAY)],
)
def test_a_period_is_a_number_of_minutes_hours_or_days(text, length):
    assert metrics.period(text) == length


@pytest.mark.parametrize(
    "text", ["", "h", "0h", "01h", "1", "1w", "-1h", "1.5h", "91d", "2161h", "999999d", "1h ", "1h\n", "١h"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(metrics.InvalidPeriod):
        metrics.period(text)


def test_nothing_ended(db):
    found = read()
    assert (found.submitted, sum(found.ended.values()), found.success_rate) == (0, 0, None)
    assert (found.waits.count, found.waits.mean, found.waits.percentiles["p50"]) == (0, None, None)


def test_what_ended_in_the_period_by_how_it_ended(db):
    for count, status in ((90, S.COMPLETED), (6, S.FAILED), (4, S.DEAD), (5, S.CANCELLED)):
        ended(count, status.value, ago=30 * MINUTE)
        ended(count, status.value, ago=2 * HOUR)
    rows(7)
    found = read()
    assert [found.ended[status] for status in metrics.ENDS] == [90, 6, 4, 5]
    assert found.success_rate == 0.9
    assert found.per_hour(90) == 90
    assert read(3 * HOUR).ended[S.COMPLETED] == 180
    assert read(3 * HOUR).per_hour(180) == 60


def test_submitted_are_the_tips_that_settled_and_what_people_sent(ana, bob):
    fund(bob, 10_000)
    chain = Chain(ana)
    for minutes in (-120, -50, -40, 0):
        chain.now = NOW + minutes * MINUTE
        chain.settled(bob, 100)
    rows(3, kind=RequestType.TEST, ago=10 * MINUTE)
    rows(3, kind=RequestType.MANUAL, ago=2 * HOUR)
    assert [read(length).submitted for length in (MINUTE, 45 * MINUTE, HOUR, 3 * HOUR)] == [1, 5, 6, 10]


def test_the_beginning_of_the_log_may_be_in_the_archive(ana, bob):
    fund(bob, 10_000)
    chain = Chain(ana)
    for _ in range(5):
        chain.settled(bob, 100)
    collection(TipActivated).delete_many({"sequence": {"$lte": 3}})  # as the archive leaves it
    assert read(HOUR).submitted == 2


def test_waits_and_their_percentiles_are_right_to_one_percent(db):
    for number in range(1, 101):
        ended(1, waited=number * SECOND, lasted=10 * SECOND, ago=MINUTE)
    ended(5, ago=MINUTE, claimed_at=None)  # never had a turn
    waits = read().waits
    assert (waits.count, waits.mean) == (100, 50.5)
    for name, seconds in (("p50", 50), ("p95", 95), ("p99", 99)):
        assert abs(waits.percentiles[name] / seconds - 1) <= 0.0101


def test_it_walks_keys_and_no_document(db):
    ended(500, ago=MINUTE, waited=SECOND)
    ended(500, ago=2 * HOUR)
    with recorded(run=True) as plans:
        read()
    walk = next(plan for plan in plans if "request_finished" in plan.indexes)
    assert "IXSCAN" in walk.stages
    assert "FETCH" not in walk.stages
    assert walk.examined in (500, 501)
    assert all(plan.is_indexed or plan.collection == "tip_activated_chain_head" for plan in plans)


# --- REST --------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(client, dina):
    client.force_login(dina)

    def asked(query=""):
        answer = client.get(f"/api/performance-queue/metrics{query}")
        described = SCHEMA["paths"]["/api/performance-queue/metrics"]["get"]["responses"][
            str(answer.status_code)
        ]
        assert breaches(json_of(described)["schema"], answer.json()) == []
        return answer

    return asked


def test_metrics_over_rest(ask, ana):
    ended(3, ago=NOW - clock.now() + MINUTE, waited=SECOND)
    answer = ask("?period=1h").json()
    assert (answer["completed"], answer["successRate"], answer["waitSeconds"]["count"]) == (3, 1.0, 3)
    assert ask().json()["perHour"]["completed"] == 3.0


def test_a_wrong_period_is_named(ask):
    answer = ask("?period=1y")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "period"


def test_too_long_a_period_for_this_deployment_is_said(ask, fail_command):
    fail_command("aggregate", errorCode=50, **in_collection(QueueRequest))  # MaxTimeMSExpired
    answer = ask("?period=90d")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_long")


# --- Prometheus --------------------------------------------------------------------------------------------

_LINE = re.compile(
    r"# HELP (?P<help>[a-z_0-9]+) [^\n]+|# TYPE (?P<type>[a-z_0-9]+) (?P<kind>gauge|counter)"
    r"|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r'(?P<labels>\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? '
    r"(?P<value>[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|Inf)|NaN)"
)


def parsed(text):
    """Every sample by its name and labels; the format of 0.0.4: HELP, TYPE, then the samples of that name,
    once each."""
    assert text.endswith("\n")
    found, current = {}, ""
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        assert match, line
        if match["help"]:
            current = match["help"]
        elif match["type"]:
            assert match["type"] == current
        else:
            assert match["name"] == current
            key = current.removeprefix(exposition.PREFIX) + (match["labels"] or "")
            assert key not in found
            found[key] = float(match["value"])
    return found


@pytest.fixture(autouse=True)
def _no_clock_is_measured(monkeypatch):
    """NOW is far from what MongoDB's clock says."""
    monkeypatch.setattr(readiness, "_written_at", float("inf"))


def test_it_is_prometheus_text_and_tells_the_depths(ana, bob):
    fund(bob, 1000)
    chain = Chain(ana)
    chain.settled(bob, 100)
    chain.deliver(bob, 100)
    chain.hold()
    ended(3, ago=MINUTE, waited=SECOND)
    journal.append({"_id": journal.last() + 1, "by": "test", "at": NOW - MINUTE})
    found = parsed(exposition.text(now=NOW))
    assert found['hop_depth{hop="entries"}'] == 1
    assert found['hop_lag_seconds{hop="entries"}'] == 60
    assert found["journal_rows_refused"] == 0
    assert found['hop_depth{hop="requests"}'] == 1
    assert found['hop_depth{hop="deliveries"}'] == 1
    assert found['queue_health{status="healthy"}'] == 1
    assert found['requests_ended_5m{status="completed"}'] == 3
    assert found["events_total"] == 1
    assert found["pages_online"] == 1
    assert 0.98 < found['wait_seconds_5m{quantile="0.99"}'] < 1.02


def test_rows_that_an_index_refused_are_counted(db):
    journal.refuse(Tip, {"_id": "1"})
    found = parsed(exposition.text(now=NOW))
    assert (found["journal_rows_refused"], found['queue_health{status="degraded"}']) == (1, 1)


def test_a_label_is_escaped():
    family = exposition.Family("x", "Words.", [({"a": 'b"c\\d\ne'}, 1)])
    assert parsed(exposition.render([family]).replace("settled_tips_", "")) == {'x{a="b\\"c\\\\d\\ne"}': 1}


def test_it_names_nobody(ana, bob):
    fund(bob, 1000)
    chain = Chain(ana)
    chain.settled(bob, 100)
    text = exposition.text(now=NOW)
    assert not [word for word in ("ana", "bob", ana.pk, bob.user_id) if re.search(rf"\b{word}\b", text)]


def test_while_mongodb_is_away_it_says_so(db, fail_command, monkeypatch):
    monkeypatch.setattr(readiness, "_written_at", float("-inf"))
    fail_command("update", errorCode=8000)
    found = parsed(exposition.text(now=clock.now()))
    assert found['up{part="mongodb"}'] == 0
    assert 'hop_depth{hop="requests"}' not in found


def test_everything_it_asks_is_indexed(ana):
    rows(50)
    with recorded() as plans:
        exposition.text(now=NOW)
    single = {"platform_settings", "tip_activated_chain_head"}
    assert [plan for plan in plans if not plan.is_indexed and plan.collection not in single] == []


@pytest.fixture
def scrape(client):
    def scraped(authorization="", **more):
        headers = {"Authorization": authorization} if authorization else {}
        return client.get("/metrics", headers=headers, **more).status_code

    return scraped


def test_who_may_scrape(scrape, client, settings, ana, dina):
    settings.PRODUCTION, settings.METRICS_TOKEN = True, "a-long-token"
    assert scrape("Bearer a-long-token") == 200
    assert [scrape(shown) for shown in ("Bearer a-long-tokem", "Bearer", "Bearer ", "Basic x", "")] == [
        401
    ] * 5
    assert [scrape(f"Token {token}") for token in (token_of(dina), token_of(ana.user), "x")] == [
        200,
        401,
        401,
    ]
    client.force_login(ana.user)
    assert scrape() == 401
    client.force_login(dina)
    assert scrape() == 200
    settings.METRICS_TOKEN = ""
    client.logout()
    assert [scrape("Bearer "), scrape("Bearer x"), scrape()] == [401] * 3


def test_while_mongodb_is_away_the_token_of_prometheus_is_enough(scrape, settings, dina, fail_command):
    settings.METRICS_TOKEN, staff = "a-long-token", token_of(dina)
    fail_command("aggregate", "find", "update", times=50, errorCode=8000)
    assert [scrape("Bearer a-long-token"), scrape(f"Token {staff}")] == [200, 401]


def test_in_development_this_machine_may_unless_it_speaks_for_another(scrape, db):
    assert scrape() == 200
    assert scrape(REMOTE_ADDR="192.0.2.1") == 401
    assert scrape(HTTP_X_FORWARDED_FOR="192.0.2.1") == 401


def test_its_type_is_the_one_prometheus_asks_for(client, db):
    assert client.get("/metrics")["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert client.post("/metrics").status_code == 405
