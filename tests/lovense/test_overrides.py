"""What the platform has set for one performer: it binds her decisions and pages from the moment that it is
saved until its end, is never looser than what binds anyway, and ends by itself."""

from datetime import timedelta

import pytest

from ground import clock
from ground.audit import log as audit_log
from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.rules import Rules
from lovense.lane import controls, eta, live
from lovense.lane.live import LaneState, LiveLanes
from lovense.models import Performer
from lovense.performers import overrides, preferences
from lovense.performers.overrides import InvalidOverride, OverridesChanged, OverrideWish
from lovense.performers.preferences import NoSuchPerformer
from lovense.sending.writer import Holding
from lovense.sockets import limits
from tests.factories import NOW
from tests.lovense.conftest import CHANNEL, activation_of, seconds, state
from tests.lovense.controlling import drain, finish

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ALL = {
    "minimumTip": 50,
    "maximumSeconds": 5,
    "maximumIntensity": 8,
    "rateLimitPerMinute": 2,
    "queueMode": "fifo",
}


def put(whose, *, until=NOW + DAY, seen=None, now=NOW, **limits_):
    key = getattr(whose, "performer_id", whose)
    row = collection(Performer).find_one({"_id": key})
    seen = overrides.version_of(row) if seen is None and row else seen or 0
    about = {"by": "dina", "why": "a complaint", "now": now}
    return overrides.change(performer_id=key, wish=OverrideWish(limits_, until), seen=seen, **about)


def rules_of(whose, at):
    return Rules.read([whose.performer_id], at=at)


def entries(whose):
    found = audit_log.of(whose.performer_id, limit=99)
    return [row for row in found if row["action"] == "set_overrides"]


def decided(chain, bob, amount=100, at=NOW):
    """What a tip of now becomes at that moment."""
    tip_id = chain.settled(bob, amount)
    drain(chain, at)
    return activation_of(tip_id)


# --- each binds from then on, until its end ----------------------------------------------------------------


def binding(rules, lane):
    caps = rules.caps_of(lane)
    performer = rules.performers[lane]
    return {
        "minimumTip": rules.minimum_of(performer),
        "maximumSeconds": caps.seconds,
        "maximumIntensity": caps.intensity,
        "rateLimitPerMinute": rules.limit_of(lane),
        "queueMode": rules.mode_of(lane).value,
    }


@pytest.mark.parametrize("name", overrides.NAMES)
def test_each_binds_until_its_end_and_then_nobody_has_to_do_anything(chain, name):
    collection(Performer).update_one({}, {"$set": {"queue_mode": "batch"}})
    lane = chain.performer_id
    usual = binding(rules_of(chain, NOW), lane)
    put(chain, **{name: ALL[name]})
    assert binding(rules_of(chain, NOW), lane) == usual | {name: ALL[name]}
    assert binding(rules_of(chain, NOW + DAY - seconds(1)), lane) == usual | {name: ALL[name]}
    assert binding(rules_of(chain, NOW + DAY), lane) == usual


def test_a_tip_is_decided_by_them_and_after_their_end_by_what_was_there_before(chain, bob):
    put(chain, maximumSeconds=5, maximumIntensity=8)
    row = decided(chain, bob)
    assert row["promised_seconds"] == 5
    levels = {int(each) for command in row["commands"] for each in command["strength"].split(";")}
    assert max(levels) == 8
    saw = {gate["gate"]: gate["saw"] for gate in row["gates"]}
    assert saw["caps"] == "5 s of at most 5 s, intensity at most 8"
    finish(chain, row["tip_id"], delivered_seconds=5)
    again = decided(chain, bob, at=NOW + DAY)
    assert again["promised_seconds"] == 10


def test_a_tip_below_the_minimum_that_is_set_for_her_does_nothing(chain, bob):
    put(chain, minimumTip=101)
    assert decided(chain, bob)["reason"] == "below_minimum"


@pytest.mark.parametrize("of_platform", ["30", "0"])
def test_so_many_runs_start_in_a_minute_whatever_the_platform_allows(chain, bob, of_platform):
    platform.change(key="rate_limit_per_minute", value=of_platform, by="dina", now=NOW)
    put(chain, rateLimitPerMinute=1)
    first, second = chain.settled(bob, 100), chain.settled(bob, 100)
    drain(chain)
    finish(chain, first, delivered_seconds=10)
    drain(chain)
    assert (state(first)[0], state(second)[1]) == ("completed", "pending")
    foreseen = eta.foresee(eta.read(chain.performer_id, now=NOW), now=NOW)
    assert seconds(60) <= foreseen[0].foreseen.at - NOW < seconds(61)
    drain(chain, NOW + seconds(60))
    assert state(second)[0] == "dispatched"


# --- never looser ------------------------------------------------------------------------------------------


def test_what_is_stricter_anyway_binds_on(chain, ana):
    put(chain, maximumSeconds=20, maximumIntensity=15, minimumTip=20, rateLimitPerMinute=20)
    hers = {"maximum_seconds": 6, "maximum_intensity": 4, "minimum_tip": 40}
    preferences.change(performer_id=ana.pk, changes=hers, by="ana", now=NOW)
    assert binding(rules_of(chain, NOW), ana.pk)["maximumSeconds"] == 6
    assert binding(rules_of(chain, NOW), ana.pk)["maximumIntensity"] == 4
    assert binding(rules_of(chain, NOW), ana.pk)["minimumTip"] == 40
    for key, value in (("maximum_seconds", "3"), ("minimum_tip", "60"), ("rate_limit_per_minute", "5")):
        platform.change(key=key, value=value, by="dina", now=NOW)
    found = binding(rules_of(chain, NOW), ana.pk)
    assert (found["maximumSeconds"], found["minimumTip"], found["rateLimitPerMinute"]) == (3, 60, 5)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("minimumTip", 9, "from 10 to"),
        ("maximumSeconds", 31, "from 2 to 30"),
        ("maximumSeconds", 1, "from 2 to 30"),
        ("maximumIntensity", 21, "from 1 to 20"),
        ("maximumIntensity", 0, "from 1 to 20"),
        ("rateLimitPerMinute", 31, "from 1 to 30"),
        ("rateLimitPerMinute", 0, "from 1 to 30"),
        ("maximumSeconds", True, "from 2 to 30"),
        ("maximumSeconds", "5", "from 2 to 30"),
        ("maximumSeconds", 5.0, "from 2 to 30"),
        ("maximumSeconds", None, "from 2 to 30"),
        ("queueMode", "batch", "must be fifo"),
        ("queueMode", ["fifo"], "must be fifo"),
        ("strength", 5, "there is no such override"),
    ],
)
def test_what_is_looser_than_the_platforms_or_no_value_is_refused_with_the_rule(ana, name, value, rule):
    with pytest.raises(InvalidOverride, match=rule) as refused:
        put(ana, **{name: value})
    assert (refused.value.status, refused.value.details["field"]) == (422, name)
    assert entries(ana) == []


@pytest.mark.parametrize("until", [None, NOW, NOW - DAY, NOW + 367 * DAY])
def test_an_override_ends_in_the_future_and_within_a_year(ana, until):
    with pytest.raises(InvalidOverride) as refused:
        put(ana, until=until, maximumSeconds=5)
    assert refused.value.details["field"] == "until"


# --- once, repeated, at once, crashed ----------------------------------------------------------------------


def test_they_are_set_with_one_entry_and_a_repeat_leaves_none(ana):
    put(ana, **ALL)
    put(ana, **ALL)
    [entry] = entries(ana)
    assert (entry["before"], entry["after"]) == ({}, ALL | {"until": "2026-01-04T04:15:00.000Z"})
    assert (entry["actor"], entry["why"], entry["lane"]) == ("dina", "a complaint", ana.pk)


def test_they_take_the_place_of_those_before_and_none_takes_them_away(ana):
    put(ana, maximumSeconds=5)
    put(ana, maximumIntensity=8)
    row = put(ana, until=None)
    assert overrides.told(row) is None
    assert overrides.bound(row, NOW) is row
    assert [entry["after"] for entry in entries(ana)][1:] == [
        {"maximumIntensity": 8, "until": "2026-01-04T04:15:00.000Z"},
        {"maximumSeconds": 5, "until": "2026-01-04T04:15:00.000Z"},
    ]
    put(ana, until=None)
    assert len(entries(ana)) == 3


def test_of_many_that_set_them_at_once_one_does(ana, in_threads):
    values, said = iter(range(5, 9)), []

    def work():
        try:
            put(ana, seen=0, maximumSeconds=next(values))
        except Refusal as refused:
            said.append(refused)

    in_threads(work, times=4, workers=4)
    assert [type(each) for each in said] == [OverridesChanged] * 3
    assert len(entries(ana)) == 1
    present = {each.details["present"]["limits"]["maximumSeconds"] for each in said}
    assert present == {entries(ana)[0]["after"]["maximumSeconds"]}


def test_where_the_entry_cannot_be_written_nothing_binds(ana, monkeypatch):
    def died(**_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            put(ana, **ALL)
    assert overrides.told(preferences.of(ana.pk)) is None
    put(ana, **ALL)


def test_nobody_has_overrides_who_is_no_performer(db):
    with pytest.raises(NoSuchPerformer):
        put("f" * 24, maximumSeconds=5)


# --- in memory, and on her pages ---------------------------------------------------------------------------


def in_memory(chain, now=NOW):
    lanes, page = LiveLanes(), Holding(chain.performer_id, CHANNEL, 1, lambda: True)
    rules, found = live.read([chain.performer_id], now=now)
    lanes.attach(page)
    lanes.learn(rules)
    lane = lanes.get(chain.performer_id)
    lanes.loaded(lane, found[chain.performer_id], now=now)
    return lanes, lane


MARK = {"status": "claimed", "claimed_by": "web-0", "claimed_at": NOW, "lease_until": NOW}


def test_a_lane_in_memory_goes_by_them_until_their_end_without_being_read_again(chain, bob):
    put(chain, maximumSeconds=5, rateLimitPerMinute=3)
    for _ in range(2):
        chain.settled(bob, 100)
    lanes, lane = in_memory(chain)
    [first] = lanes.start(lane, mark=MARK, now=NOW)
    assert (first.row["promised_seconds"], lanes.rules.paces[lane.performer_id].limit) == (5, 3)
    lane.running = ""
    [second] = lanes.start(lane, mark=MARK, now=NOW + DAY)
    assert (second.row["promised_seconds"], lanes.rules.paces[lane.performer_id].limit) == (10, 30)


def test_a_lane_whose_plain_mode_has_ended_leaves_memory(chain, bob):
    controls.set_mode(performer_id=chain.performer_id, mode="batch", by="ana", now=NOW)
    put(chain, queueMode="fifo")
    chain.settled(bob, 100)
    lanes, lane = in_memory(chain)
    assert lane.state is LaneState.READY
    assert lanes.start(lane, mark=MARK, now=NOW + DAY) == []
    assert lane.state is LaneState.ROWS


def test_her_pages_are_told_them_and_their_end_a_look_before_it(ana, monkeypatch):
    def told(at):
        monkeypatch.setattr(limits.clock, "now", lambda: at)
        found = limits.among([ana.pk])[ana.pk]
        return found["maximumSeconds"], found["maximumIntensity"]

    put(ana, maximumSeconds=5, maximumIntensity=8)
    assert told(NOW) == (5, 8)
    assert told(NOW + DAY - overrides.TOLD_EARLY) == (30, 20)


def test_her_preferences_say_what_is_set_until_when_and_why(client, ana):
    until = clock.now() + 2 * DAY
    put(ana, until=until, now=clock.now(), **ALL)
    client.force_login(ana.user)

    def shown(section):
        return " ".join(client.get(f"/preferences/{section}").content.decode().split())

    assert "Set by the platform until" in shown("limits")
    assert "At most 5 s a run; Strength at most 8. a complaint" in shown("limits")
    assert "Minimum 50 tokens; At most 2 runs a minute; Tips play in order (fifo)" in shown("queue")
    assert "Set by the platform" not in shown("look")
    put(ana, until=None, now=clock.now())
    assert "Set by the platform" not in shown("limits")
