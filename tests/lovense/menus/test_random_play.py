"""What is drawn for a tip is the same wherever it is asked, and its secret stays where it is."""

from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.deciding import foresight, platform
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules
from lovense.lane import eta
from lovense.menus import draws, publishing, reading, versions
from lovense.models import Activation, MenuSeal
from lovense.sending import dispatch
from tests.commands import RECORDER
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.lovense.conftest import activation_of, request_of
from tests.lovense.menus import chancing
from tests.lovense.menus.chancing import LUCKY, expected, menu_of, publish, seal_of, values
from tests.lovense.menus.offers import added, publication, said

__all__ = ["in_threads"]
pytestmark = pytest.mark.django_db


def claimed(tip_id, attempts=1):
    return request_of(tip_id) | {"attempts": attempts, "claimed_by": "worker-0/x", "claimed_at": NOW}


def decided(tip_id, before=None):
    request = claimed(tip_id, 2 if before else 1)
    rules = Rules.read([request["lane"]], [request])
    return decide(request, rules, is_online=True, now=NOW, before=before)


def commands_of(call):
    RECORDER.commands = sent = []
    try:
        call()
    finally:
        RECORDER.commands = None
    return [str(command[next(iter(command))]) for _, command in sent]


# --- sealed ------------------------------------------------------------------------------------------------


def test_a_version_that_draws_shows_the_commitment_to_a_secret_that_is_kept_elsewhere(chain):
    key = publish(chain)
    secret = bytes.fromhex(seal_of(key)["secret"])
    assert len(secret) == 32
    assert menu_of(key)["commitment"] == draws.commitment(secret)
    assert secret.hex() not in str(menu_of(key))


def test_a_version_that_draws_nothing_has_no_secret(chain):
    key = publish(chain, random=None)
    assert (seal_of(key), menu_of(key).get("commitment")) == (None, None)


def test_each_version_has_a_secret_of_its_own_also_one_that_goes_back(chain):
    performer = chain.performer
    added(performer, "Lucky", minimum=1, maximum=None, random={"intensity": {"from": 1, "to": 8}})
    first = versions.publish(publication(performer, key="a")).menu
    added(performer, "More")
    versions.publish(publication(performer, key="b"))
    back = versions.roll_back(publication(performer, key="c"), first["version"]).menu
    commitments = {row["commitment"] for row in (first, back)}
    assert len(commitments) == 2
    assert len({row["secret"] for row in collection(MenuSeal).find()}) == 3


def test_the_same_publication_at_the_same_moment_makes_one_secret(chain, in_threads):
    added(chain.performer, "Lucky", minimum=1, maximum=None, random={"intensity": {"from": 1, "to": 8}})
    asked = publication(chain.performer, key="a")
    found = in_threads(lambda: versions.publish(asked).menu["commitment"], times=4, workers=4)
    assert len(set(found)) == 1
    assert collection(MenuSeal).count_documents({}) == 1


def test_a_version_that_failed_leaves_no_secret(chain, monkeypatch):
    monkeypatch.setattr(publishing.issuing.seen, "after", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(chain)
    assert collection(MenuSeal).count_documents({}) == 0


# --- drawn -------------------------------------------------------------------------------------------------


def test_a_tip_plays_what_is_drawn_for_it_and_its_record_has_it_with_the_bounds(chain, bob):
    key = publish(chain)
    row = activation_of(chain.played(bob, 100, seconds=1))
    assert values(row) == expected(key, row["tip_id"])
    assert (row["item"]["random"], row["drawn_by"]) == (LUCKY, key)
    assert row["promised_seconds"] == row["item"]["durationSec"]


def test_a_plain_item_of_that_menu_draws_nothing(chain, bob):
    publish(chain)
    row = activation_of(chain.played(bob, 77, seconds=1))
    assert row["item"]["title"] == "Plain"
    assert "drawn_by" not in row


def test_an_estimate_a_retry_and_another_process_draw_the_same(chain, bob):
    key = publish(chain)
    tips = [chain.settled(bob, 100) for _ in range(6)]
    wanted = {tip_id: expected(key, tip_id) for tip_id in tips}
    assert len({str(each) for each in wanted.values()}) > 1, "or it proves nothing"
    foreseen = {each.request["idempotency_key"]: each for each in eta.of_lane(chain.performer_id, now=NOW)}
    for tip_id in tips:
        assert values(foreseen[tip_id].decision) == wanted[tip_id]
        first = decided(tip_id)
        reading._kept.clear()  # as a process that has just begun
        again = decided(tip_id)
        retried = decided(tip_id, before=first | {"status": "queued"})
        assert values(first) == values(again) == values(retried) == wanted[tip_id]
        assert retried["drawn_by"] == key


def test_an_estimate_is_as_long_as_what_is_drawn(chain, bob):
    key = publish(chain)
    tips = [chain.settled(bob, 100) for _ in range(4)]
    found = eta.of_lane(chain.performer_id, now=NOW)
    lengths = [each.busy_seconds - eta.START.total_seconds() for each in found]
    assert lengths == pytest.approx([expected(key, tip_id)["durationSec"] for tip_id in tips])


def test_what_plays_as_one_was_drawn_alike_for_each_tip_by_itself(chain, bob):
    platform.change(key="queue_mode", value="batch", by="dina", now=NOW)
    random = {"intensity": {"from": 5, "to": 6}}
    key = publish(chain, random=random, pattern="level", durationSec=3)
    tips = [chain.deliver(bob, 100) for _ in range(8)]
    chain.settle()
    chain.now += timedelta(seconds=30)
    chain.hold()
    chain.dispatch()
    wanted = {tip_id: expected(key, tip_id, random)["intensity"] for tip_id in tips}
    rows = list(collection(Activation).find({"tip_id": {"$in": tips}}))
    leader = next(row for row in rows if row.get("members"))
    alike = [tip_id for tip_id in tips if wanted[tip_id] == wanted[leader["tip_id"]]]
    assert sorted(row["tip_id"] for row in rows) == sorted(alike)
    assert {row["item"]["intensity"] for row in rows} == {wanted[leader["tip_id"]]}


def test_a_tip_that_saw_an_earlier_version_is_drawn_with_its_secret(chain, bob):
    first = publish(chain)
    tip_id = chain.settled(bob, 100)
    publish(chain, at=NOW.replace(hour=23))
    assert values(decided(tip_id)) == expected(first, tip_id)


def test_with_another_secret_than_it_was_promised_nothing_is_drawn(chain, bob):
    key = publish(chain)
    tip_id = chain.settled(bob, 100)
    collection(MenuSeal).update_one({"_id": key}, {"$set": {"secret": "00" * 32}})
    with pytest.raises(draws.SecretMissing, match=key):
        decided(tip_id)


def test_what_nothing_can_be_drawn_for_holds_up_no_estimate(chain, bob):
    key = publish(chain)
    tips = [chain.settled(bob, 100) for _ in range(2)]
    collection(MenuSeal).update_one({"_id": key}, {"$set": {"secret": "00" * 32}})
    found = eta.of_lane(chain.performer_id, now=NOW)
    assert [each.decision["status"] for each in found] == ["dead"] * len(tips)


def test_a_preview_draws_nothing_and_plays_the_most_there_may_be(chain):
    publish(chain)
    seen = foresight.read(chain.performer_id, version=None, is_draft=False, now=NOW).of(100)
    assert (seen.reason, seen.found.item["intensity"]) == ("", 15)
    assert "drawnBy" not in seen.found.item


# --- what it costs -----------------------------------------------------------------------------------------


def test_a_menu_that_draws_nothing_costs_not_one_command_more_and_one_that_draws_one_once(chain, bob):
    def look():
        reading._kept.clear()
        request = claimed(chain.settled(bob, 100))
        return lambda: dispatch.look([request], now=chain.now)

    publishing.publish(chain.performer_id, [said("Plain", minimum=1, maximum=None)], chain.now)
    plain = commands_of(look())
    assert "menu_seals" not in plain
    publish(chain)
    call = look()
    assert sorted(commands_of(call)) == sorted([*plain, "menu_seals"])
    assert sorted(commands_of(call)) == sorted(each for each in plain if each != "tip_menus")


def test_publishing_a_plain_menu_asks_for_no_secret(chain):
    def again():
        return publishing.publish(chain.performer_id, [said("Plain")], chain.now)

    again()
    assert "menu_seals" not in commands_of(again)


def test_what_is_kept_of_a_version_does_not_print_its_secret(chain):
    key = publish(chain)
    (menu,) = reading.read([key]).values()
    assert menu.secret is not None
    assert str(menu.secret) not in f"{menu} {menu!r}"
    assert chancing.seal_of(key)["secret"] not in repr(menu)
