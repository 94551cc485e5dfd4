"""What is wrong opens one repair, however often and by however many it is looked at; it closes by itself, and
what comes and goes is one."""

import pytest

from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.bridges.outcomes import CallOutcome
from lovense.devices import choices, hosts
from lovense.models import Device, Host, Performer, Repair
from lovense.repairs import faults, looking
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.bridges.stage import SETTINGS, choose, named
from tests.lovense.bridges.stage import says as of_extension
from tests.lovense.devices import apps
from tests.lovense.repairs.stage import SECOND, SHOWN, hers, kinds, look, marks, rows, says

__all__ = ["hers", "in_threads"]
pytestmark = pytest.mark.django_db


def chosen(performer, now, toy_id="toy-1", **said):
    key = f"{performer.pk}.{toy_id}"
    choice = choices.Choice(Fields(said, ""))
    choices.change(performer_id=performer.pk, device_id=key, choice=choice, by="ana", now=now)


def of_host(performer, outcome, now):
    faults.heard(performer_id=performer.pk, host_id=apps.HOST, outcome=outcome, now=now)


def offline(performer, now):
    hosts.unreached(performer_id=performer.pk, host_id=apps.HOST, now=now)


def paired_again(performer, now):
    collection(Host).update_one({"_id": apps.HOST}, {"$set": {"uid": "", "content": ""}})
    until = now + apps.FIFTEEN_MINUTES
    apps.opened(performer, _id="c" * 24, now=now, expires_at=until, uid="uid-2", utoken="token-2")
    says(now=now, uid="uid-2", utoken="token-2")


def by_extension(performer, now, state="ready", settings=None):
    """She hands her tips to her extension, of which this is said."""
    named()
    choose(performer, now=now)
    of_extension(performer, state, settings=settings, now=now)


# What answers every amount as the platform's reaction does.
AS_THE_PLATFORM = {"levels": {"level1": {"min": 1, "max": 2**53, "time": 5, "vLevel": 10}}}
KINDS = {
    "extension_silent": (
        lambda ana, now: by_extension(ana, now, "silent"),
        lambda ana, now: of_extension(ana, settings=None, now=now),
    ),
    "drift": (
        lambda ana, now: by_extension(ana, now, settings=SETTINGS),
        lambda ana, now: of_extension(ana, settings=AS_THE_PLATFORM, now=now),
    ),
    "device_lost": (
        lambda ana, now: says({"status": 0}, now=now),
        lambda ana, now: says(now=now),
    ),
    "low_battery": (
        lambda ana, now: says({"battery": 20}, now=now),
        lambda ana, now: says({"battery": 26}, now=now),
    ),
    "app_offline": (offline, lambda ana, now: says(now=now)),
    "address_refused": (
        lambda ana, now: says(now=now, domain="example.com"),
        lambda ana, now: says(now=now),
    ),
    "pairing_lost": (
        lambda ana, now: of_host(ana, CallOutcome.PAIRING_LOST, now),
        paired_again,
    ),
    "operator_fault": (
        lambda ana, now: of_host(ana, CallOutcome.OPERATOR_FAULT, now),
        lambda ana, now: of_host(ana, CallOutcome.ACCEPTED, now),
    ),
    "old_app": (
        lambda ana, now: says(now=now, appVersion="7.70.9"),
        lambda ana, now: says(now=now, appVersion="7.71.0"),
    ),
    "function_failed": (
        lambda ana, now: chosen(ana, now, verified={"Vibrate": False}),
        lambda ana, now: chosen(ana, now, functions={"Vibrate": {"isEnabled": True}}),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_provoked_shown_solved_and_gone(hers, kind):
    provoke, solve = KINDS[kind]
    then = NOW + 11 * SECOND  # what an app says again within ten seconds is no news
    provoke(hers, then)
    look(then)
    assert kinds(hers, then) == []
    assert kinds(hers, then + SHOWN) == [kind]
    assert look(then + SHOWN).news == {hers.pk}
    solve(hers, then + 2 * SHOWN)
    assert look(then + 2 * SHOWN).news == {hers.pk}
    assert kinds(hers, then + 3 * SHOWN) == []
    (row,) = rows(kind=kind)
    assert (row["closed_at"], row["times"]) == (then + 2 * SHOWN, 1)
    assert row["expires_at"] == row["closed_at"] + looking.KEPT
    assert marks() == 0


def test_every_kind_is_provoked():
    assert set(KINDS) == {value for value, _ in Repair._meta.get_field("kind").choices}


# --- once, repeated, concurrent, crashed -------------------------------------------------------------------


def test_nothing_is_opened_where_nothing_is_wrong(hers):
    assert rows() == []
    assert marks() == 0


def test_a_second_look_changes_nothing(hers):
    says({"status": 0}, now=NOW + SECOND)
    look(NOW + SECOND)
    before = rows()
    assert look(NOW + SECOND) == looking.LookRound(set(), has_more=False)
    assert look(NOW + 2 * SECOND).news == set()
    assert rows() == before


def test_the_same_said_again_is_the_same_repair(hers):
    for n in range(1, 6):
        says({"status": 0}, {"battery": 80 - n}, now=NOW + n * SECOND)
        look(NOW + n * SECOND)
    (row,) = rows()
    assert (row["since"], row["times"]) == (NOW + SECOND, 1)


def test_looks_at_once_open_it_once(hers, in_threads):
    says({"status": 0}, {"status": 0}, now=NOW + SECOND)
    in_threads(lambda: look(NOW + SECOND), times=8)
    found = sorted(row["device_id"] for row in rows())  # whoever was faster wrote first
    assert found == [f"{hers.pk}.toy-1", f"{hers.pk}.toy-2"]


def test_looks_at_once_at_different_moments_open_it_once(hers, in_threads):
    says({"status": 0}, now=NOW + SECOND)
    moments = iter([NOW + n * SECOND for n in range(1, 9)])
    in_threads(lambda: look(next(moments)), times=8)
    assert len(rows()) == 1


@pytest.mark.parametrize("step", ["_keep", "_unmark"])
def test_a_round_that_dies_is_done_again(hers, monkeypatch, step):
    says({"status": 0}, now=NOW + SECOND)

    def dies(*given):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(looking, step, dies)
        with pytest.raises(RuntimeError):
            look(NOW + SECOND)
    assert marks() > 0
    look(NOW + 2 * SECOND)
    assert len(rows()) == 1
    assert marks() == 0


def test_what_changes_while_it_is_looked_at_is_looked_at_again(hers, monkeypatch):
    says({"status": 0}, now=NOW + SECOND)
    keep = looking._keep

    def back_meanwhile(looked):
        says(now=NOW + 2 * SECOND)
        keep(looked)

    with monkeypatch.context() as patched:
        patched.setattr(looking, "_keep", back_meanwhile)
        look(NOW + SECOND)
    assert marks() > 0
    look(NOW + 3 * SECOND)
    assert [row["open_key"] for row in rows()] == [""]


def test_what_was_opened_by_old_news_is_over_before_it_is_shown(hers):
    """Two rounds: the one that had read it as lost writes after the one that has read it as back."""
    says({"status": 0}, now=NOW + SECOND)
    stale = looking._hers({hers.pk})[hers.pk]
    says(now=NOW + 2 * SECOND)
    look(NOW + 2 * SECOND)
    looked = looking.Looked()
    looking._decide(looked, hers.pk, stale, [], NOW + 2 * SECOND)
    looking._keep(looked)
    assert len(rows()) == 1
    look(NOW + 2 * SECOND + SHOWN)
    assert kinds(hers, NOW + 2 * SECOND + SHOWN) == []


def test_what_one_round_opens_again_and_another_opens_anew_is_open_once(hers):
    for second, status in ((1, 0), (2, 1), (20, 0)):
        says({"status": status}, now=NOW + second * SECOND)
        if second < 20:
            look(NOW + second * SECOND)
    lost, repairs = looking._hers({hers.pk})[hers.pk], looking._repairs({hers.pk}, NOW + 20 * SECOND)
    look(NOW + 33 * SECOND)  # to this one it is too long ago
    looked = looking.Looked()
    looking._decide(looked, hers.pk, lost, repairs[hers.pk], NOW + 31 * SECOND)
    assert looked.changes
    looking._keep(looked)
    assert [bool(row["open_key"]) for row in rows()] == [False, True]


def test_what_stays_is_looked_at_every_ten_minutes_and_heals_what_nobody_said(hers):
    says({"status": 0}, now=NOW + SECOND)
    look(NOW + SECOND)
    look(NOW + SECOND + SHOWN)
    collection(Device).delete_one({"toy_id": "toy-1"})
    look(NOW + SHOWN + looking.LOOKED_EVERY)
    assert kinds(hers, NOW + SHOWN + looking.LOOKED_EVERY) == ["device_lost"]
    look(NOW + SECOND + SHOWN + looking.LOOKED_EVERY)
    assert kinds(hers, NOW + SECOND + SHOWN + looking.LOOKED_EVERY) == []


# --- what comes and goes -----------------------------------------------------------------------------------


def test_flapping_every_two_seconds_for_a_minute_is_one_entry_that_does_not_flicker(hers):
    shown = []
    for n in range(30):
        now = NOW + SECOND + 2 * n * SECOND
        says({"status": n % 2}, now=now)
        look(now)
        shown.append(kinds(hers, now))
    (row,) = rows()
    assert (row["since"], row["times"]) == (NOW + SECOND, 15)
    assert shown == [[]] * 5 + [["device_lost"]] * 25
    over = NOW + 59 * SECOND
    look(over + looking.CALM)
    assert kinds(hers, over + looking.CALM) == []


def test_what_begins_again_after_half_a_minute_is_another_entry(hers):
    for second, status in ((1, 0), (2, 1), (33, 0)):
        says({"status": status}, now=NOW + second * SECOND)
        look(NOW + second * SECOND)
    assert [(row["times"], bool(row["open_key"])) for row in rows()] == [(1, False), (1, True)]


def test_what_comes_and_goes_is_gone_at_once_where_she_switches_it_off(hers):
    for second in range(1, 6):
        says({"status": (second + 1) % 2}, now=NOW + second * SECOND)
        look(NOW + second * SECOND)
    later = NOW + 20 * SECOND
    look(later)
    assert kinds(hers, later) == ["device_lost"]
    chosen(hers, later, enabled=False)
    assert look(later).news == {hers.pk}
    assert kinds(hers, later) == []


# --- what counts -------------------------------------------------------------------------------------------


def test_a_battery_is_low_at_20_urgent_at_10_and_well_above_25(hers):
    seen = []
    for n, battery in enumerate((21, 20, 11, 10, 15, 25, 26, 22)):
        now = NOW + (n + 1) * SHOWN * 2
        says({"battery": battery}, now=now)
        look(now)
        seen.append([row["weight"] for row in rows() if row["open_key"]])
    assert seen == [[], ["serious"], ["serious"], ["urgent"], ["serious"], ["serious"], [], []]
    assert len(rows()) == 1


def test_a_battery_of_which_nothing_is_heard_is_as_it_was(hers):
    says({"battery": 15, "status": 0}, now=NOW + SECOND)
    look(NOW + SECOND)
    assert [row["kind"] for row in rows()] == ["device_lost"]
    says({"battery": 15}, now=NOW + 2 * SECOND)
    look(NOW + 2 * SECOND)
    says({"status": 0}, now=NOW + 3 * SECOND)
    look(NOW + 3 * SECOND)
    assert {row["kind"] for row in rows() if row["open_key"]} == {"device_lost", "low_battery"}


def test_an_app_that_is_offline_is_one_repair_however_many_toys_it_has(hers):
    offline(hers, NOW + SECOND)
    look(NOW + SECOND)
    assert [(row["kind"], row["host_id"]) for row in rows()] == [("app_offline", apps.HOST)]


def test_an_old_app_with_one_toy_is_old_enough(hers):
    chosen(hers, NOW, "toy-2", enabled=False)
    says(now=NOW + SECOND, appVersion="7.1.2")
    look(NOW + SECOND)
    assert rows() == []


@pytest.mark.parametrize("version", ["", "beta", "7.x.1"])
def test_a_version_that_nobody_can_read_is_not_called_old(hers, version):
    says(now=NOW + SECOND, appVersion=version)
    look(NOW + SECOND)
    assert rows() == []


def test_what_did_not_move_is_off_as_she_wished_after_a_day(hers):
    chosen(hers, NOW + SECOND, verified={"Vibrate": False})
    look(NOW + SECOND)
    look(NOW + SECOND + SHOWN)
    for n in range(1, 144):
        look(NOW + SECOND + SHOWN + n * looking.LOOKED_EVERY)
    assert kinds(hers, NOW + 24 * 3600 * SECOND) == ["function_failed"]
    look(NOW + SECOND + 24 * 3600 * SECOND)
    assert kinds(hers, NOW + SECOND + 24 * 3600 * SECOND) == []


def test_what_she_switched_off_by_hand_has_not_failed(hers):
    chosen(hers, NOW + SECOND, functions={"Vibrate": {"isEnabled": False}})
    look(NOW + SECOND)
    assert rows() == []


@pytest.mark.parametrize(
    "leave",
    [
        lambda ana, now: chosen(ana, now, enabled=False),
        lambda ana, now: choices.remove(performer_id=ana.pk, device_id=f"{ana.pk}.toy-1", by="ana", now=now),
        lambda ana, now: hosts.unpair(performer_id=ana.pk, host_id=apps.HOST, by="ana", now=now),
    ],
    ids=["off", "removed", "unpaired"],
)
def test_what_does_not_play_any_more_has_nothing_to_mend(hers, leave):
    says({"status": 0, "battery": 5}, now=NOW + SECOND)
    look(NOW + SECOND)
    leave(hers, NOW + 2 * SECOND)
    look(NOW + 2 * SECOND)
    assert [row["open_key"] for row in rows()] == [""]


def test_another_path_leaves_behind_what_it_does_not_reach(hers):
    from lovense.bridges import choosing

    says({"status": 0}, now=NOW + SECOND)
    of_host(hers, CallOutcome.PAIRING_LOST, NOW + SECOND)
    look(NOW + SECOND)
    assert len(rows()) == 2
    about = {"performer_id": hers.pk, "by": "ana", "now": NOW + 2 * SECOND}
    choosing.change(**about, changes={"bridge": "SIMULATOR"})
    look(NOW + 2 * SECOND)
    assert [row["open_key"] for row in rows()] == ["", ""]


def test_a_fault_of_the_site_is_one_repair_through_however_many_apps_it_is_heard(hers):
    second = collection(Host).find_one({"_id": apps.HOST})
    collection(Host).insert_one(second | {"_id": "d" * 24, "uid": "another"})
    for host_id in (apps.HOST, "d" * 24):
        about = {"performer_id": hers.pk, "host_id": host_id, "now": NOW}
        faults.heard(**about, outcome=CallOutcome.OPERATOR_FAULT)
    look(NOW)
    assert [row["kind"] for row in rows()] == ["operator_fault"]


def test_the_same_fault_again_writes_nothing(hers):
    of_host(hers, CallOutcome.PAIRING_LOST, NOW)
    assert marks() == 1
    look(NOW)
    of_host(hers, CallOutcome.PAIRING_LOST, NOW + SECOND)
    assert marks() == 0


def test_another_performers_app_takes_no_fault(hers, carol):
    of_host(carol, CallOutcome.PAIRING_LOST, NOW)
    assert marks() == 0


@pytest.mark.parametrize("outcome", CallOutcome)
def test_only_what_lasts_is_a_fault_and_what_reaches_the_app_ends_it(outcome):
    lasting = {CallOutcome.PAIRING_LOST, CallOutcome.OPERATOR_FAULT}
    reached = {"accepted", "app_offline", "not_connected", "toy_gone"}
    assert faults.is_news({"fault": ""}, outcome) is (outcome in lasting)
    assert faults.is_news({"fault": "pairing_lost"}, outcome) is (
        outcome in reached or outcome is CallOutcome.OPERATOR_FAULT
    )
    assert faults.is_news(None, outcome) is False


# --- many --------------------------------------------------------------------------------------------------


def test_a_round_is_bounded_and_says_that_there_is_more(hers):
    says({"status": 0}, {"status": 0}, now=NOW + SECOND)
    assert look(NOW + SECOND, limit=1).has_more is True
    while look(NOW + SECOND, limit=1).has_more:
        pass
    assert len(rows()) == 2
    assert marks() == 0


def test_a_round_looks_by_indexes_at_those_alone_of_whom_something_has_changed(hers):
    fill(Device, lambda n: {"_id": f"x.{n}", "performer_id": f"x{n}", "status": "connected", "battery": 5})
    fill(Host, lambda n: {"_id": f"x{n}", "performer_id": f"x{n}"})
    fill(
        Repair,
        lambda n: {
            **{
                "_id": f"x{n}",
                "performer_id": hers.pk if n < 2000 else f"x{n}",
                "key": f"k{n}",
                "open_key": "",
            },
            **{"closed_at": NOW - 3600 * SECOND, "look_at": None, "kind": "device_lost"},
        },
    )
    collection(Performer).insert_many([{"_id": f"p{n}", "user_id": 10_000 + n} for n in range(2000)])
    says({"status": 0}, {"battery": 10}, now=NOW + SECOND)
    with recorded(run=True) as plans:
        assert look(NOW + SECOND).news == set()
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) < 50
    with recorded(run=True) as plans:
        look(NOW + 2 * SECOND)
    assert len(plans) == 4  # where nothing has changed


def test_closed_ones_expire_by_an_index():
    (index,) = [each for each in Repair._meta.indexes if each.name == "repair_expires"]
    assert index.fields == ["expires_at"]
    assert collection(Repair).index_information()["repair_expires"]["expireAfterSeconds"] == 0


def test_the_task_of_the_beat_tells_her_pages(hers, monkeypatch):
    from ground import clock
    from lovense import tasks
    from lovense.sending import groups

    told = []
    monkeypatch.setattr(groups.news, "mark", lambda ids, topic: told.append((set(ids), topic)))
    then = clock.now() - 2 * SHOWN
    says({"status": 0}, now=then)
    look(then)
    tasks.look_for_repairs()
    assert told == [({hers.pk}, "devices")]
