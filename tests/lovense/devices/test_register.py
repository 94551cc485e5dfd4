"""The register: what reports make of it once, again, at once and in two halves; what a decision knows."""

import itertools
from datetime import timedelta

import pytest
from pymongo.errors import OperationFailure

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from lovense.devices import changes, readings, register, summary
from lovense.models import Device, Performer
from tests.factories import NOW
from tests.ground.conftest import fail_command, in_threads
from tests.lovense.devices.reports import from_host, from_page, toy

__all__ = ["fail_command", "in_threads"]
pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
PHONE, TABLET = "a" * 24, "b" * 24


@pytest.fixture(autouse=True)
def _by_her_phone(ana, carol):
    """Their own toys are told, by the apps that they have paired."""
    collection(Performer).update_many({}, {"$set": {"bridge": "STANDARD_LAN"}})


def toys_kept(performer):
    rows = collection(Device).find({"performer_id": performer.pk})
    return [row["toy_id"] for row in rows if summary.is_kept(row)]


def device(performer, toy_id="toy-1"):
    return collection(Device).find_one({"_id": f"{performer.pk}.{toy_id}"})


def devices_of(performer):
    """As a decision knows them."""
    return collection(Performer).find_one({"_id": performer.pk})["devices"]


# --- once, and again ---------------------------------------------------------------------------------------


def test_a_toy_that_is_reported_is_hers_with_a_nickname_and_its_functions(ana):
    assert from_host(ana, PHONE, toy(name="nora", battery="80%"), now=NOW) == {ana.pk}
    row = device(ana)
    assert (row["nickname"], row["status"], row["battery"], row["host_id"]) == (
        "Nora",
        "connected",
        80,
        PHONE,
    )
    assert row["functions"] == [
        {"name": "Vibrate", "source": "table"},
        {"name": "Rotate", "source": "table"},
    ]
    assert row["first_connected_at"] == row["last_connected_at"] == row["last_seen_at"] == NOW


def test_what_decisions_know_of_it_stands_on_her_own_row(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    assert devices_of(ana) == [
        {
            "toyId": "toy-1",
            "hostId": PHONE,
            "nickname": "Lush",
            "isConnected": True,
            "isEnabled": True,
            "functions": {"Vibrate": 20},
            "maximumSeconds": None,
            "type": "lush",
        }
    ]


def test_the_same_again_is_no_news_and_writes_nothing_for_ten_seconds(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    assert from_host(ana, PHONE, toy(), now=NOW + 9 * SECOND) == set()
    assert device(ana)["last_seen_at"] == NOW
    assert from_host(ana, PHONE, toy(), now=NOW + 10 * SECOND) == set()
    assert device(ana)["last_seen_at"] == NOW + 10 * SECOND


def test_what_only_a_person_sees_is_written_without_a_word_to_decisions(ana, monkeypatch):
    from_host(ana, PHONE, toy(battery=80), now=NOW)
    monkeypatch.setattr(transactions, "run", lambda *args, **more: pytest.fail("no decision sees a battery"))
    assert from_host(ana, PHONE, toy(battery=79), now=NOW + SECOND) == {ana.pk}
    assert device(ana)["battery"] == 79


def test_a_battery_that_is_not_named_is_as_it_was(ana):
    from_host(ana, PHONE, toy(battery=80), now=NOW)
    from_host(ana, PHONE, toy(), now=NOW + SECOND)
    assert device(ana)["battery"] == 80


def test_a_toy_that_is_missing_from_the_next_report_is_disconnected_at_once(ana):
    from_host(ana, PHONE, toy(), toy("toy-2", name="nora"), now=NOW)
    assert from_host(ana, PHONE, toy(), now=NOW + SECOND) == {ana.pk}
    row = device(ana, "toy-2")
    assert (row["status"], row["reason"], row["last_seen_at"]) == ("disconnected", "missing", NOW)
    assert [each["isConnected"] for each in devices_of(ana)] == [True, False]


def test_a_page_that_has_no_toy_left_says_so_too(ana):
    assert from_page(ana, toy(), now=NOW)
    assert from_page(ana, now=NOW + SECOND)
    assert device(ana)["status"] == "disconnected"


def test_a_report_of_no_toy_from_who_never_had_one_says_nothing_to_decisions(ana):
    assert not from_page(ana, now=NOW)
    assert collection(Performer).find_one({"_id": ana.pk})["devices"] is None


def test_what_the_toy_says_of_its_functions_outranks_the_table_and_stays(ana):
    from_host(ana, PHONE, toy(name="nora", shortFunctionNames=["v"]), now=NOW)
    from_host(ana, PHONE, toy(name="nora"), now=NOW + SECOND)
    assert device(ana)["functions"] == [{"name": "Vibrate", "source": "gettoys"}]


def test_an_unknown_type_vibrates_as_far_as_anybody_knows(ana):
    from_host(ana, PHONE, toy(name="marvel 9"), now=NOW)
    assert device(ana)["functions"] == [{"name": "Vibrate", "source": "default"}]


def test_what_moves_hardware_is_off_until_she_has_tried_it(ana):
    from_host(ana, PHONE, toy(name="solace"), toy("toy-2", name="gravity"), now=NOW)
    assert {each["nickname"]: each["functions"] for each in devices_of(ana)} == {
        "Solace": {},
        "Gravity": {"Vibrate": 20},
    }


# --- nicknames ---------------------------------------------------------------------------------------------


def test_two_of_a_type_are_told_apart_by_a_number(ana):
    from_host(ana, PHONE, toy(), toy("toy-2"), toy("toy-3"), now=NOW)
    assert [each["nickname"] for each in devices_of(ana)] == ["Lush", "Lush 2", "Lush 3"]


def test_her_own_name_for_it_in_the_vendors_app_is_its_nickname(ana):
    from_host(ana, PHONE, toy(nickName="Pinky"), toy("toy-2", nickName="PINKY"), now=NOW)
    assert [device(ana, each)["nickname"] for each in ("toy-1", "toy-2")] == ["Pinky", "PINKY 2"]


def test_a_name_of_thirty_two_characters_still_gets_its_number(ana):
    from_host(ana, PHONE, toy(nickName="x" * 32), toy("toy-2", nickName="x" * 32), now=NOW)
    assert device(ana, "toy-2")["nickname"] == "x" * 30 + " 2"


# --- whose it is -------------------------------------------------------------------------------------------


def test_a_toy_on_two_of_her_hosts_belongs_to_the_one_that_reported_it_connected_last(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    from_host(ana, TABLET, toy(status=0), now=NOW + SECOND)
    assert (device(ana)["host_id"], device(ana)["status"]) == (PHONE, "connected")
    from_host(ana, TABLET, toy(status=1), now=NOW + 2 * SECOND)
    assert (device(ana)["host_id"], device(ana)["status"]) == (TABLET, "connected")
    from_host(ana, PHONE, now=NOW + 3 * SECOND)
    assert device(ana)["status"] == "connected"


def test_a_toy_that_an_app_takes_over_from_her_page_is_reached_by_the_app(ana):
    from_page(ana, toy(), now=NOW)
    assert collection(Performer).find_one({"_id": ana.pk})["devices"] is None
    from_host(ana, PHONE, toy(), now=NOW + SECOND)
    assert [each["toyId"] for each in devices_of(ana)] == ["toy-1"]


def test_what_her_page_says_of_a_toy_of_her_phone_leaves_it_with_the_phone(ana):
    from_host(ana, PHONE, toy(), now=NOW)
    from_page(ana, toy(battery=40), now=NOW + SECOND)
    from_page(ana, now=NOW + 2 * SECOND)
    row = device(ana)
    assert (row["host_id"], row["battery"], row["status"]) == (PHONE, 40, "connected")


def test_a_report_of_one_performer_never_changes_anothers_device(ana, carol):
    from_host(ana, PHONE, toy(battery=80), now=NOW)
    before = device(ana)
    from_host(carol, PHONE, toy(battery=5, status=0), now=NOW + SECOND)
    from_page(carol, toy(f"{ana.pk}.toy-1"), now=NOW + SECOND)
    assert device(ana) == before
    assert device(carol)["battery"] == 5


# --- bounds ------------------------------------------------------------------------------------------------


def test_beyond_sixteen_what_her_pages_reported_and_is_away_gives_way(ana):
    from_page(ana, *[toy(f"old-{n}") for n in range(16)], now=NOW)
    from_page(ana, now=NOW + SECOND)
    from_host(ana, PHONE, toy("new"), now=NOW + 2 * SECOND)
    kept = toys_kept(ana)
    assert len(kept) == 16
    assert "new" in kept


def test_beyond_sixteen_of_which_none_is_away_nothing_new_is_hers(ana):
    for host, name in ((PHONE, "a"), (TABLET, "b")):
        from_host(ana, host, *[toy(f"{name}-{n}") for n in range(10)], now=NOW)
    assert len(devices_of(ana)) == changes.MAX_DEVICES


def test_a_page_that_invents_toys_for_ever_leaves_a_bounded_number_of_rows(ana):
    for turn in range(12):
        from_page(ana, *[toy(f"{turn}-{n}") for n in range(16)], now=NOW + turn * SECOND)
        from_page(ana, now=NOW + turn * SECOND)
    assert collection(Device).count_documents({"performer_id": ana.pk}) <= changes.MAX_ROWS
    assert len(toys_kept(ana)) == 16


def test_what_gave_way_comes_back_under_its_nickname(ana):
    from_page(ana, toy("old", nickName="Pinky"), now=NOW)
    from_page(ana, *[toy(f"new-{n}") for n in range(15)], now=NOW + SECOND)
    from_page(ana, *[toy(f"new-{n}") for n in range(16)], now=NOW + 2 * SECOND)
    assert device(ana, "old")["unpaired_at"] is not None
    from_page(ana, toy("new-0"), now=NOW + 3 * SECOND)
    from_page(ana, toy("old"), now=NOW + 4 * SECOND)
    assert (device(ana, "old")["unpaired_at"], device(ana, "old")["nickname"]) == (None, "Pinky")


# --- at once, and in two halves ----------------------------------------------------------------------------


def test_reports_at_once_leave_one_row_each_and_what_decisions_know_is_all_of_it(ana, in_threads):
    turns = itertools.count()

    def say():
        turn = next(turns)
        host = str(turn % 4) * 24
        from_host(ana, host, toy(f"{host[0]}-{turn // 4 % 2}", status=turn // 8 % 2), now=NOW + turn * SECOND)

    in_threads(say, times=24, workers=4)
    rows = list(collection(Device).find({"performer_id": ana.pk}))
    assert len(rows) == 8
    assert len({row["nickname_key"] for row in rows}) == 8
    assert devices_of(ana) == summary.of_devices(rows, "STANDARD_LAN")


def test_dead_between_the_rows_and_what_decisions_know_neither_is_there(ana, fail_command):
    fail_command("update", errorCode=8, namespace=collection(Performer).full_name)
    with pytest.raises(OperationFailure):
        from_host(ana, PHONE, toy(), now=NOW)
    assert device(ana) is None
    from_host(ana, PHONE, toy(), now=NOW)
    assert [each["toyId"] for each in devices_of(ana)] == ["toy-1"]


def test_reports_of_several_performers_are_recorded_in_one_go(ana, carol):
    both = [changes.ToyReport(each.pk, PHONE, readings.toys_of([toy()]).kept) for each in (ana, carol)]
    assert register.record(both, now=NOW) == {ana.pk, carol.pk}
    assert register.record(both, now=NOW + SECOND) == set()


def test_nicknames_whose_letters_unfold_into_many_are_told_apart_too(ana):
    """As they are compared, both begin with the same 64 letters and more."""
    long = {"nickName": "\ufdfa" * 32}
    from_host(ana, PHONE, toy(**long), toy("toy-2", **long), now=NOW)
    first, second = device(ana), device(ana, "toy-2")
    assert (first["nickname"], second["nickname"]) == ("\ufdfa" * 32, "\ufdfa" * 30 + " 2")
    assert len({first["nickname_key"], second["nickname_key"]}) == 2
