"""Whose app calls back and what it changes: once, again, at once, and killed after each write; and how an app
is hers no more."""

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ground import clock
from ground.audit import log as audit_log
from ground.journal import journal
from ground.journal.models import JournalEntry
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from lovense.devices import callbacks, choices, hosts, register
from lovense.devices.pairing import FINAL, NoSuchHost
from lovense.models import Device, Host, Pairing, Performer
from tests.factories import NOW
from tests.flows.nursery import SLOT, SURVIVED
from tests.ground.conftest import in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.devices.apps import (
    DOMAIN,
    FIFTEEN_MINUTES,
    HOST,
    LUSH,
    NORA,
    PAIRING,
    UID,
    body,
    call,
    device,
    host,
    kept,
    opened,
    pairing,
    take,
)

__all__ = ["in_threads"]
pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
DIED = -signal.SIGKILL
OFF = {"status": 0}
OTHER = {"uid": "uid-of-her-tablet", "utoken": "utoken-of-her-tablet"}
TABLET = {"_id": "c" * 24, "host_id": "d" * 24, "open_for": ""}


@pytest.fixture(autouse=True)
def _by_her_phone(ana, carol):
    """Their own toys are told, by the apps that they have paired."""
    collection(Performer).update_many({}, {"$set": {"bridge": "STANDARD_LAN"}})


def summary_of(performer):
    """Her devices, as a decision knows them."""
    devices = collection(Performer).find_one({"_id": performer.pk}).get("devices") or []
    return {each["nickname"]: each["isConnected"] for each in devices}


@pytest.fixture
def paired(ana):
    """Ana's phone, paired, with one toy; she has no pairing open any more."""
    opened(ana)
    take(call())
    return host()


@pytest.fixture
def tablet(ana, paired):
    """Her second app, without toys."""
    opened(ana, **OTHER, **TABLET)
    take(call(toys=[], **OTHER))
    return host(TABLET["host_id"])


# --- the first callback ------------------------------------------------------------------------------------


def test_the_first_callback_makes_the_host_and_ends_the_pairing(ana):
    opened(ana)
    taken = take(call(LUSH, NORA, appType="remote"))
    assert (taken.until, taken.news) == ([NOW + 10 * SECOND], {ana.pk})
    assert host() == {
        "_id": HOST,
        "performer_id": ana.pk,
        "uid": UID,
        "utoken_hash": callbacks.hashed("utoken-of-ana"),
        "app_type": "remote",
        "app_version": "7.95.1",
        "platform": "android",
        "protocol_version": "101",
        "domain": DOMAIN,
        "ports": {"http": 34567, "https": 34568, "ws": 34567, "wss": 34568},
        "is_address_refused": False,
        "toys_count": 2,
        "content": call(LUSH, NORA, appType="remote").content,
        "fault": "",
        "look_at": NOW,
        "paired_at": NOW,
        "last_seen_at": NOW,
        "unpaired_at": None,
    }
    row = pairing()
    assert (row["status"], row["toys_count"], row["scanned_at"], row["connected_at"]) == (
        "connected",
        2,
        NOW,
        NOW,
    )
    assert (row["uid"], row["utoken_hash"], row["open_for"]) == ("", "", "")
    assert [device(ana, toy)["host_id"] for toy in ("toy-1", "toy-2")] == [HOST, HOST]
    assert summary_of(ana) == {"Lush": True, "Nora": True}


def test_who_paired_what_is_in_the_audit_log_without_its_secrets_and_address(ana, paired):
    (entry,) = audit_log.of(HOST, limit=9)
    assert (entry["action"], entry["actor"], entry["lane"]) == ("pair", "the app", ana.pk)
    assert not [word for word in (UID, paired["utoken_hash"], DOMAIN) if word in repr(entry)]


@pytest.mark.parametrize("toys", [[], [LUSH | OFF]], ids=["no toy", "one that is off"])
def test_without_a_connected_toy_it_is_scanned_until_one_is(ana, toys):
    opened(ana)
    assert take(call(toys=toys)).news == {ana.pk}
    assert (pairing()["status"], pairing()["toys_count"], host()["paired_at"]) == ("scanned", 0, NOW)
    take(call(toys=toys), now=NOW + 11 * SECOND)
    assert (pairing()["status"], pairing()["scanned_at"]) == ("scanned", NOW)
    assert take(call(LUSH, NORA), now=NOW + 12 * SECOND).news == {ana.pk}
    row = pairing()
    assert (row["status"], row["toys_count"], row["connected_at"]) == ("connected", 2, NOW + 12 * SECOND)
    assert (host()["paired_at"], host()["toys_count"]) == (NOW, 2)


def test_a_callback_may_come_before_the_picture_was_shown(ana):
    opened(ana, status="opened", shown_at=None)
    take(call())
    assert (pairing()["status"], host()["performer_id"]) == ("connected", ana.pk)


def test_an_app_whose_pairing_ran_out_before_it_had_toys_is_hers_all_the_same(ana):
    opened(ana)
    take(call(toys=[]))
    take(call(), now=NOW + 2 * FIFTEEN_MINUTES)
    assert (pairing()["status"], summary_of(ana)) == ("scanned", {"Lush": True})


# --- nobody's ----------------------------------------------------------------------------------------------


def nothing_changed(*calls, now=NOW):
    before = kept()
    taken = take(*calls, now=now)
    return (taken.until, taken.news, kept() == before) == ([None] * len(calls), set(), True)


def test_what_proves_nothing_changes_nothing(ana, paired):
    opened(ana, **OTHER, **TABLET)
    assert nothing_changed(
        call(utoken="wrong"),
        call(uid="unknown"),
        call(uid="unknown", utoken="0"),
        call(uid=OTHER["uid"]),
        call(utoken=OTHER["utoken"]),
    )


def test_a_pairing_that_ran_out_is_nobodys_to_the_moment(ana):
    opened(ana)
    assert nothing_changed(call(), now=NOW + FIFTEEN_MINUTES)
    assert take(call(), now=NOW + FIFTEEN_MINUTES - SECOND).until != [None]


@pytest.mark.parametrize("status", sorted(state.value for state in FINAL))
def test_a_pairing_that_is_over_is_nobodys(ana, status):
    opened(ana, status=status)
    assert nothing_changed(call())


def test_of_many_in_one_round_each_is_judged_by_itself(ana, carol):
    opened(ana)
    opened(carol, **OTHER, **(TABLET | {"open_for": carol.pk}))
    taken = take(call(uid="unknown"), call(), call(utoken="wrong"), call(NORA, **OTHER))
    assert [until is None for until in taken.until] == [True, False, True, False]
    assert taken.news == {ana.pk, carol.pk}
    assert (summary_of(ana), summary_of(carol)) == ({"Lush": True}, {"Nora": True})


# --- again -------------------------------------------------------------------------------------------------


def test_the_same_again_within_ten_seconds_writes_nothing(paired):
    before = kept()
    taken = take(call(), now=NOW + 9 * SECOND)
    assert (taken.until, taken.news, kept()) == ([NOW + 10 * SECOND], set(), before)


def test_and_after_them_only_when_it_was_last_heard_of(ana, paired):
    before = kept()
    later = NOW + 10 * SECOND
    assert take(call(), now=later).news == set()
    assert host() == paired | {"last_seen_at": later}
    (row,) = before["devices"]
    assert device(ana) == row | {"last_seen_at": later}
    assert collection(Pairing).find_one() == before["pairings"][0]


def test_something_else_is_written_at_once(ana, paired):
    at = NOW + SECOND
    assert take(call(LUSH | {"battery": 15}, platform="ios"), now=at).news == {ana.pk}
    assert (host()["platform"], host()["last_seen_at"], device(ana)["battery"]) == ("ios", at, 15)


def test_an_address_that_may_not_be_handed_on_is_forgotten_and_her_toys_are_kept(ana, paired):
    assert hosts.address_of(paired).domain == DOMAIN
    take(call(LUSH, NORA, domain="8-8-8-8.lovense.club"), now=NOW + SECOND)
    row = host()
    assert (row["domain"], row["ports"], row["is_address_refused"]) == ("", {}, True)
    assert hosts.address_of(row).domain == ""
    assert summary_of(ana) == {"Lush": True, "Nora": True}


def test_a_toy_that_is_not_named_any_more_is_disconnected(ana, paired):
    take(call(NORA), now=NOW + SECOND)
    assert summary_of(ana) == {"Lush": False, "Nora": True}
    assert device(ana)["reason"] == "missing"


def test_of_two_callbacks_of_one_app_in_a_round_the_last_one_holds(ana, paired):
    take(call(LUSH | OFF), call(LUSH), call(LUSH | OFF | {"battery": 3}), now=NOW + SECOND)
    assert (summary_of(ana), device(ana)["battery"]) == ({"Lush": False}, 3)


# --- two apps of hers, and somebody else's -----------------------------------------------------------------


def test_a_toy_on_two_hosts_is_the_ones_that_reported_it_connected_last(ana, paired, tablet):
    assert device(ana)["host_id"] == HOST
    take(call(LUSH, **OTHER), now=NOW + SECOND)
    assert device(ana)["host_id"] == tablet["_id"]
    take(call(LUSH | OFF), now=NOW + 2 * SECOND)
    assert (device(ana)["host_id"], summary_of(ana)) == (tablet["_id"], {"Lush": True})
    take(call(LUSH), now=NOW + 3 * SECOND)
    assert device(ana)["host_id"] == HOST


def test_reports_of_two_apps_of_hers_in_one_round_are_held_against_each_other(ana, paired, tablet):
    take(call(LUSH | {"battery": 70}), call(LUSH | {"battery": 30}, **OTHER), now=NOW + SECOND)
    assert (device(ana)["host_id"], device(ana)["battery"]) == (tablet["_id"], 30)
    take(call(LUSH | {"battery": 30}, **OTHER), call(LUSH | {"battery": 70}), now=NOW + 20 * SECOND)
    assert (device(ana)["host_id"], device(ana)["battery"]) == (HOST, 70)


def test_no_report_changes_what_is_another_performers(ana, carol, paired):
    before = device(ana)
    opened(carol, **OTHER, **(TABLET | {"open_for": carol.pk}))
    take(call(LUSH | OFF | {"nickName": "hers"}, **OTHER))
    assert (device(ana), summary_of(ana)) == (before, {"Lush": True})
    assert (device(carol)["host_id"], summary_of(carol)) == (TABLET["host_id"], {"hers": False})


def test_a_pairing_that_names_another_performers_host_makes_nothing(ana, carol, paired):
    opened(carol, **OTHER, _id="c" * 24, host_id=HOST)
    before = kept()
    with pytest.raises(Exception, match="E11000"):
        take(call(**OTHER))
    assert kept() == before


# --- paired again ------------------------------------------------------------------------------------------


def again(performer, *, now):
    return opened(performer, utoken="second", _id="e" * 24, now=now)


def test_pairing_it_again_keeps_what_she_has_decided_and_ends_the_old_secret(ana, paired):
    choice = choices.Choice(
        callbacks.fields.Fields({"nickname": "Pinky", "functions": {"Vibrate": {"cap": 7}}}, "")
    )
    choices.change(performer_id=ana.pk, device_id=f"{ana.pk}.toy-1", choice=choice, by="ana", now=NOW)
    again(ana, now=NOW)
    assert take(call(), now=NOW + 20 * SECOND).until != [None]  # until it is scanned the old one holds
    take(call(utoken="second"), now=NOW + 21 * SECOND)
    assert (host()["paired_at"], host()["utoken_hash"]) == (NOW + 21 * SECOND, callbacks.hashed("second"))
    row = device(ana)
    assert (row["nickname"], row["choices"], row["host_id"]) == ("Pinky", {"Vibrate": {"cap": 7}}, HOST)
    assert nothing_changed(call(LUSH | OFF), now=NOW + 22 * SECOND)


def test_the_same_content_under_a_new_pairing_is_not_swallowed(ana, paired):
    again(ana, now=NOW)
    take(call(utoken="second"), now=NOW + SECOND)
    assert (pairing("e" * 24)["status"], host()["last_seen_at"]) == ("connected", NOW + SECOND)


# --- at once, and killed -----------------------------------------------------------------------------------


def test_of_first_callbacks_at_once_one_makes_the_host_and_all_are_taken(ana, in_threads):
    opened(ana)
    found = in_threads(lambda: take(call(LUSH, NORA)).until, times=8, workers=8)
    assert found == [[NOW + 10 * SECOND]] * 8
    assert [entry["action"] for entry in audit_log.of(HOST, limit=9)] == ["pair"]
    assert (pairing()["status"], summary_of(ana)) == ("connected", {"Lush": True, "Nora": True})


def test_an_app_that_is_paired_between_the_two_reads_is_hers(ana, monkeypatch):
    """Another process has the same callback, and is faster by one read."""
    opened(ana)
    real, asked = hosts.collection, []

    def collection_of(model):
        asked.append(model)
        if len(asked) == 2:
            take(call())
        return real(model)

    monkeypatch.setattr(hosts, "collection", collection_of)
    assert take(call()).until == [NOW + 10 * SECOND]


def test_reports_of_two_apps_at_once_leave_one_row_for_a_toy(ana, paired, tablet, in_threads):
    turns = iter(range(100))

    def say():
        n = next(turns)
        return take(call(LUSH, {"id": f"t{n}", "name": "max", "status": 1}, **(OTHER if n % 2 else {})))

    in_threads(say, times=12, workers=4)
    rows = list(collection(Device).find({"performer_id": ana.pk}))
    assert len({row["nickname_key"] for row in rows}) == len(rows) == 13
    assert set(summary_of(ana)) == {row["nickname"] for row in rows}


def test_killed_after_any_write_the_next_heartbeat_does_the_rest(ana, nursery):
    opened(ana)
    content = body(LUSH, NORA | OFF).decode()
    seen = []
    for last in range(1, 20):
        status, writes = nursery("call_back", last=last, now=clock.iso(NOW), body=content)
        seen = writes if len(writes) > len(seen) else seen
        abandoned.end(SLOT)
        take(callbacks.read(content.encode()), now=NOW)
        assert (pairing()["status"], host()["content"]) == ("connected", call(LUSH, NORA | OFF).content)
        assert summary_of(ana) == {"Lush": True, "Nora": False}
        if status == SURVIVED:
            break
        assert status == DIED
        for model in (Pairing, Host, Device):
            collection(model).delete_many({})
        collection(Performer).update_one(
            {"_id": ana.pk}, {"$set": {"devices": None, "devices_away_at": None}}
        )
        opened(ana)
    assert [name.split()[0] for name in seen].count("commitTransaction") == 2
    assert seen[-1] == "update hosts"  # what tells a repeat is written last
    assert len(audit_log.of(HOST, limit=99)) == last


# --- hers, and not any more --------------------------------------------------------------------------------


def unpair(performer, host_id=HOST, *, now=NOW + SECOND):
    return hosts.unpair(performer_id=performer.pk, host_id=host_id, by="ana", now=now)


def test_her_hosts_are_those_that_are_paired_in_their_order(ana, carol, paired, tablet):
    assert [row["_id"] for row in hosts.of(ana.pk)] == [HOST, TABLET["host_id"]]
    assert hosts.of(carol.pk) == []
    unpair(ana)
    assert [row["_id"] for row in hosts.of(ana.pk)] == [TABLET["host_id"]]


def test_unpaired_its_secrets_and_its_address_are_gone_and_its_devices_are_not_hers(ana, paired):
    row = unpair(ana)
    assert row == host()
    assert (row["uid"], row["utoken_hash"], row["domain"], row["ports"]) == ("", "", "", {})
    assert row["unpaired_at"] == NOW + SECOND
    lush = device(ana)
    assert (lush["status"], lush["unpaired_at"], lush["nickname"], lush["nickname_key"]) == (
        "disconnected",
        NOW + SECOND,
        "Lush",
        "",
    )
    assert summary_of(ana) == {}


def test_a_later_callback_of_it_changes_nothing(ana, paired):
    unpair(ana)
    assert nothing_changed(call(), call(NORA), now=NOW + 60 * SECOND)


def test_unpairing_again_changes_nothing_and_leaves_no_second_entry(ana, paired):
    first = unpair(ana)
    assert unpair(ana, now=NOW + 9 * SECOND) == first
    assert [entry["action"] for entry in audit_log.of(HOST, limit=9)] == ["unpair", "pair"]


def test_who_unpaired_it_is_in_the_audit_log_without_its_secrets_and_address(ana, paired):
    unpair(ana)
    entry = audit_log.of_lane(ana.pk, limit=1)[0]
    assert (entry["type"], entry["action"], entry["actor"], entry["target"]) == (
        "host",
        "unpair",
        "ana",
        HOST,
    )
    assert (entry["before"]["devices"], entry["after"]["devices"]) == (1, 0)
    assert not [word for word in (UID, paired["utoken_hash"], DOMAIN, "toy-1") if word in repr(entry)]


def test_no_process_goes_on_with_what_it_remembers_of_her_lane(ana, paired):
    before = journal.last()
    unpair(ana)
    assert journal.touched_since(before, journal.last()).lanes == {ana.pk}
    assert collection(JournalEntry).count_documents({"by": "turn", "_id": {"$gt": before}}) == 1


def test_unpairing_an_app_of_another_performer_or_of_nobody_is_refused(carol, paired):
    before = kept()
    for host_id in (HOST, "f" * 24, ""):
        with pytest.raises(NoSuchHost):
            unpair(carol, host_id)
    assert kept() == before


def test_the_other_app_and_its_devices_stay(ana, paired, tablet):
    take(call(NORA, **OTHER), now=NOW + SECOND)
    unpair(ana)
    assert (summary_of(ana), host(tablet["_id"])["unpaired_at"]) == ({"Nora": True}, None)


def test_what_she_has_removed_does_not_come_back_as_a_toy_of_no_app(ana, paired):
    named = {"performer_id": ana.pk, "device_id": f"{ana.pk}.toy-1", "by": "ana", "now": NOW}
    choices.remove(**named)
    unpair(ana)
    choices.restore(**named)
    assert summary_of(ana) == {}


def test_paired_again_its_devices_are_hers_again_under_their_names(ana, paired):
    """Its secrets are forgotten, so it is another host."""
    unpair(ana)
    opened(ana, **OTHER, **(TABLET | {"open_for": ana.pk}))
    take(call(**OTHER), now=NOW + 3 * SECOND)
    assert (device(ana)["host_id"], device(ana)["unpaired_at"]) == (TABLET["host_id"], None)
    assert (summary_of(ana), host()["unpaired_at"]) == ({"Lush": True}, NOW + SECOND)


@pytest.mark.parametrize("toys", [None, []], ids=["before its scan", "after it"])
def test_a_pairing_that_would_bring_it_back_is_over_with_it(ana, paired, toys):
    again(ana, now=NOW)
    if toys is not None:
        take(call(toys=toys, utoken="second"))
    unpair(ana)
    assert (pairing("e" * 24)["status"], pairing("e" * 24)["uid"]) == ("cancelled", "")
    assert nothing_changed(call(utoken="second"), now=NOW + 2 * SECOND)


def test_a_pairing_of_another_app_goes_on(ana, paired):
    opened(ana, **OTHER, **(TABLET | {"open_for": ana.pk}))
    unpair(ana)
    assert pairing(TABLET["_id"])["status"] == "shown"


def test_a_callback_that_was_under_way_brings_nothing_back(ana, paired, monkeypatch):
    """It was proven before she pressed, and its devices are written after."""
    record = register.record

    def late(*args, **named):
        unpair(ana)
        return record(*args, **named)

    monkeypatch.setattr(register, "record", late)
    take(call(LUSH, NORA), now=NOW + 2 * SECOND)
    assert (summary_of(ana), device(ana, "toy-2")) == ({}, None)
    assert (host()["content"], host()["uid"], host()["domain"]) == ("", "", "")


def test_a_new_toy_and_an_unpairing_wait_for_each_other(ana, monkeypatch):
    """The report has seen that the app is paired and has not written its toy; nothing that she is told by
    stands between the two."""
    opened(ana)
    take(call(toys=[]))
    collection(Performer).update_many({}, {"$set": {"bridge": "SIMULATOR"}})
    real_rows, real_owned = register.rows_of, hosts._owned
    turned_back, tries, pressed = threading.Event(), [], []

    def owned(*args):
        tries.append(args)
        if len(tries) == 2:
            turned_back.set()
        return real_owned(*args)

    def rows_of(performer_id, session):
        if not pressed:
            pressed.append(pool.submit(unpair, ana))
            pressed[0].add_done_callback(lambda done: turned_back.set())
            assert turned_back.wait(5)
        return real_rows(performer_id, session)

    monkeypatch.setattr(hosts, "_owned", owned)
    monkeypatch.setattr(register, "rows_of", rows_of)
    with ThreadPoolExecutor(1) as pool:
        take(call(LUSH))
        assert pressed[0].result(10)["unpaired_at"] == NOW + SECOND
    assert device(ana)["unpaired_at"] == NOW + SECOND
    assert host()["uid"] == ""


def test_unpairing_and_callbacks_at_once_leave_nothing_of_it(ana, in_threads):
    for n in range(5):
        opened(ana, _id=f"{n:024}", now=NOW, utoken=f"u{n}")
        take(call(utoken=f"u{n}"))
        turns = iter(range(8))

        def work(turns=turns, n=n):
            turn = next(turns)
            if turn == 3:
                unpair(ana)
            else:
                take(call(LUSH, {"id": f"t{turn}", "name": "max", "status": 1}, utoken=f"u{n}"))

        in_threads(work, times=8, workers=8)
        assert summary_of(ana) == {}
        assert collection(Device).count_documents({"unpaired_at": None}) == 0


# --- look-ups ----------------------------------------------------------------------------------------------


def test_whose_callbacks_they_are_is_found_among_many(ana):
    fill(Host, lambda n: {"_id": f"h{n}", "uid": f"u{n}", "performer_id": f"{n}", "utoken_hash": "x"})
    fill(Pairing, lambda n: {"_id": f"p{n}", "uid": f"u{n}", "performer_id": f"{n}", "utoken_hash": "x"})
    with recorded(run=True) as plans:
        take(call(uid="u7"), call(uid="u8"), call(uid="unknown"))
    assert [(plan.collection, plan.indexes) for plan in plans] == [
        ("pairings", ["pairing_uid"]),
        ("hosts", ["host_uid"]),
    ]
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 6


def test_what_callbacks_and_unpairing_read_and_write_uses_indexes(ana, carol):
    opened(ana)
    with recorded() as plans:
        take(call(LUSH, NORA))
        take(call(LUSH, NORA), now=NOW + 11 * SECOND)
        hosts.of(ana.pk)
        unpair(ana)
    assert len(plans) > 15
    assert scans(plans) == []


def test_a_round_asks_twice_however_many_call(ana):
    calls = [call(uid=f"unknown-{n}") for n in range(50)]
    with recorded() as plans:
        take(*calls)
    assert len(plans) == 2


def test_heartbeats_without_news_share_three_reads_and_two_writes(ana, carol, paired):
    opened(carol, **OTHER, **(TABLET | {"open_for": carol.pk}))
    take(call(NORA, **OTHER))
    with recorded() as plans:
        take(call(), call(NORA, **OTHER), now=NOW + 11 * SECOND)
    assert [(plan.command, plan.collection) for plan in plans] == [
        ("find", "pairings"),
        ("find", "hosts"),
        ("find", "devices"),
        ("update", "devices"),
        ("update", "devices"),
        ("update", "hosts"),
        ("update", "hosts"),
    ]


def test_the_row_of_an_app_that_was_never_heard_is_whole(ana):
    """Between its pairing and its first report it has every field."""
    opened(ana)
    register_record, register.record = register.record, lambda *args, **named: 1 / 0
    try:
        with pytest.raises(ZeroDivisionError):
            take(call())
    finally:
        register.record = register_record
    assert set(host()) == {field.column for field in Host._meta.get_fields()}
    assert json.dumps(host()["ports"]) == "{}"
    assert host()["content"] == ""
    assert pairing()["_id"] == PAIRING
