"""Pairing: opened once and shown, whatever is asked again or at once; and what is kept when the vendor gives
nothing."""

import hashlib
from datetime import timedelta

import pytest

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.devices import pairing, pictures
from lovense.devices.vendor import OperatorFault, VendorAway
from lovense.models import Pairing
from tests.factories import NOW
from tests.ground.conftest import fail_command, in_threads
from tests.lovense.devices.clouds import CODE, unshown
from tests.lovense.devices.pairings import cancel, host, pair, rogue, rows, simulated, statuses, told
from tests.vendor import Door

__all__ = ["fail_command", "in_threads", "rogue", "simulated"]
pytestmark = pytest.mark.django_db

LIFE = timedelta(seconds=900)
TICK = timedelta(milliseconds=1)


# --- once --------------------------------------------------------------------------------------------------


def test_a_pairing_is_opened_and_shown(ana, simulated):
    row = pair(ana)
    assert (row["status"], pairing.step_of(row), row["open_for"]) == ("shown", "waiting", ana.pk)
    assert (row["opened_at"], row["shown_at"], row["expires_at"]) == (NOW, NOW, NOW + LIFE)
    assert row["image"].startswith(b"\x89PNG")
    assert row["image_type"] == "image/png"
    assert rows() == [row]
    assert pairing.find(ana.pk, row["_id"]) == pairing.current(ana.pk, now=NOW) == row


def test_what_the_app_will_say_is_what_was_kept(ana, simulated):
    row = pair(ana)
    with Door() as door:
        simulated.sim("manners", {"callbackTo": door.url})
        assert simulated.sim("scan", {"code": row["code"]})["uid"] == row["uid"]
        called = door.next()
    assert called["uid"] == row["uid"]
    assert hashlib.sha256(called["utoken"].encode()).hexdigest() == row["utoken_hash"]
    assert len(called["utoken"]) == len(called["uid"]) == 43, "256 bits"


def test_opening_is_audited_without_what_proves_a_call(ana, simulated):
    row = pair(ana)
    (entry,) = collection(AuditEntry).find()
    assert (entry["type"], entry["action"], entry["target"]) == ("pairing", "open", row["_id"])
    assert (entry["lane"], entry["actor"], entry["at"]) == (ana.pk, "ana", NOW)
    assert entry["after"] == {"hostId": row["host_id"], "isNewHost": True}
    assert not any(secret in repr(entry) for secret in (row["uid"], row["utoken_hash"], row["code"]))


def test_it_lives_as_long_as_the_settings_say(ana, simulated, settings):
    settings.LOVENSE_PAIRING_SECONDS = 60
    assert pair(ana)["expires_at"] == NOW + timedelta(seconds=60)


def test_each_new_app_has_ids_of_its_own(ana, carol, simulated):
    first, second, third = pair(ana), pair(ana), pair(carol)
    for name in ("_id", "host_id", "uid", "utoken_hash"):
        assert len({first[name], second[name], third[name]}) == 3


# --- repeated ----------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_pairing(ana, rogue):
    first = pair(ana, key="k")
    assert pair(ana, key="k", now=NOW + LIFE / 2) == first
    assert (len(rogue.asked), len(rows()), told()) == (1, 1, [("open", first["_id"])])


def test_the_same_key_is_the_same_pairing_when_it_has_ended(ana, rogue):
    first = pair(ana, key="k")
    cancel(ana, first["_id"])
    again = pair(ana, key="k")
    assert (again["_id"], again["status"]) == (first["_id"], "cancelled")
    assert len(rogue.asked) == 1


def test_the_key_of_another_performer_is_another_one(ana, carol, rogue):
    assert pair(ana, key="k")["_id"] != pair(carol, key="k")["_id"]


def test_a_key_belongs_to_one_host(ana, rogue):
    host(ana, 1), host(ana, 2)
    first = pair(ana, key="k", host_id=f"{1:024x}")
    assert pair(ana, key="k", host_id=f"{1:024x}") == first
    with pytest.raises(pairing.PairingKeyReused):
        pair(ana, key="k", host_id=f"{2:024x}")


def test_without_a_key_each_call_is_a_pairing_and_replaces_the_open_one(ana, simulated):
    first, second = pair(ana), pair(ana, now=NOW + TICK)
    assert [row["status"] for row in rows()] == ["replaced", "shown"]
    replaced = pairing.find(ana.pk, first["_id"])
    assert (pairing.step_of(replaced), replaced["ended_at"]) == ("replaced", NOW + TICK)
    assert (replaced["uid"], replaced["utoken_hash"], replaced["image"]) == ("", "", None)
    assert pairing.current(ana.pk, now=NOW)["_id"] == second["_id"]


def test_one_of_anothers_is_not_replaced(ana, carol, simulated):
    pair(ana), pair(carol)
    assert statuses() == ["shown", "shown"]


# --- at once -----------------------------------------------------------------------------------------------


def test_of_two_at_once_one_is_open(ana, rogue, in_threads):
    for turn in range(5):
        found = in_threads(lambda: pair(ana)["_id"], times=2, workers=2)
        assert len(set(found)) == 2
        assert statuses() == sorted(["shown"] + ["replaced"] * (2 * turn + 1))
        assert len(told()) == 2 * turn + 2


def test_of_two_at_once_under_one_key_there_is_one(ana, rogue, in_threads):
    for turn in range(5):
        key = f"key-{turn}"
        found = in_threads(lambda key=key: pair(ana, key=key), times=2, workers=2)
        assert len({row["_id"] for row in found}) == 1
        assert len(rows()) == len(told()) == turn + 1


def test_of_two_answers_to_one_pairing_the_first_counts_with_its_own_proof(ana, simulated, in_threads):
    """Both ask, since neither has been answered: only one of the codes leads to the proof that is kept."""
    with Door() as door:
        simulated.sim("manners", {"callbackTo": door.url, "latencyMs": 50})
        for turn in range(3):
            key = f"key-{turn}"
            found = in_threads(lambda key=key: pair(ana, key=key), times=2, workers=2)
            assert found[0] == found[1]
            simulated.sim("scan", {"code": found[0]["code"]})
            utoken = door.next()["utoken"]
            assert hashlib.sha256(utoken.encode()).hexdigest() == found[0]["utoken_hash"]


def test_one_that_is_replaced_while_the_vendor_is_asked_stays_replaced(ana, rogue, in_threads):
    rogue.gate.clear()

    def work():
        row = pair(ana)
        return row["_id"], row["status"], row["code"]

    def release():
        for _ in range(2):
            assert rogue.arrived.acquire(timeout=20)
        rogue.gate.set()

    steps = iter([work, work, release])

    def turn():
        return next(steps)()

    found = [each for each in in_threads(turn, times=3, workers=3) if each]
    assert sorted(each[1:] for each in found) == [("replaced", ""), ("shown", CODE)]


# --- the vendor gives nothing ------------------------------------------------------------------------------


def test_a_vendor_that_is_away_leaves_it_open_and_the_same_key_asks_again(ana, rogue):
    rogue.says(500)
    with pytest.raises(VendorAway) as away:
        pair(ana, key="k")
    (row,) = rows()
    assert away.value.details == {"pairingId": row["_id"], "code": None}
    assert (row["status"], pairing.step_of(row), row["code"]) == ("opened", "waiting", "")
    rogue.introduces(qrcode="x")
    again = pair(ana, key="k", now=NOW + LIFE / 2)
    assert (again["_id"], again["status"], again["code"]) == (row["_id"], "shown", CODE)
    assert (again["uid"], again["expires_at"]) == (row["uid"], row["expires_at"])
    assert again["utoken_hash"] != row["utoken_hash"], "what was asked with last is what the app was given"
    assert told() == [("open", row["_id"])]


def test_a_refused_site_leaves_it_open(ana, rogue):
    rogue.says(code=501)
    with pytest.raises(OperatorFault) as fault:
        pair(ana)
    assert fault.value.details["pairingId"] == rows()[0]["_id"]
    assert statuses() == ["opened"]


def test_a_code_without_a_picture_is_shown_all_the_same(ana, rogue):
    rogue.introduces("https://example.org/qr.png")
    with unshown(code=CODE) as bad:
        pair(ana, key="k")
    (row,) = rows()
    assert bad.value.details == {"pairingId": row["_id"], "code": CODE}
    assert (row["status"], row["code"], row["image"], row["image_type"]) == ("shown", CODE, None, "")
    assert pair(ana, key="k") == row, "what is shown is not asked for again"
    assert len(rogue.asked) == 1


def test_neither_code_nor_picture_leaves_it_open(ana, rogue):
    rogue.introduces("https://example.org/qr.png", code=None)
    with unshown() as bad:
        pair(ana)
    assert (bad.value.details["code"], statuses()) == (None, ["opened"])


def test_a_picture_that_is_drawn_is_kept_with_its_type(ana, rogue):
    row = pair(ana)
    assert (row["image"], row["image_type"]) == (pictures.drawn("x"), "image/svg+xml")


def test_a_pairing_that_cannot_be_written_asks_nobody(ana, rogue, fail_command):
    pair(ana, key="before")
    fail_command("insert", errorCode=8000, namespace=f"{collection(Pairing).database.name}.pairings")
    with pytest.raises(Exception, match="failCommand"):
        pair(ana)
    assert (len(rogue.asked), statuses(), len(told())) == (1, ["shown"], 1)
