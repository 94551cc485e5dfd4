"""A performer who has never published a menu: the platform's default reaction answers her tips, within the
caps, unless the platform requires a menu."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.gates import GATES, ON_WISH, decide
from lovense.deciding.rules import Rules
from lovense.menus import matching, publishing
from lovense.menus.publishing import MAXIMUM_AMOUNT
from lovense.models import Performer, PlatformSettings
from tests.chain import MENU, SECOND, Chain
from tests.factories import NOW, fund
from tests.lovense.conftest import activation_of, request_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare(carol, bob):
    """Carol has a page and no menu."""
    chain = Chain(carol)
    chain.hold()
    fund(bob, 10_000)
    return chain


def change(**settings):
    for key, value in settings.items():
        platform.change(key=key, value=str(value), by="dina", now=NOW)


def decided(chain, bob, amount=100, **performer):
    tip_id = chain.settled(bob, amount)
    if performer:
        Performer.objects.filter(pk=chain.performer_id).update(**performer)
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x"}
    return decide(request, Rules.read([request["lane"]]), is_online=True, now=NOW)


def saw(row, gate):
    return next(one["saw"] for one in row["gates"] if one["gate"] == gate)


def level(row):
    (command,) = row["commands"]
    return command["action"], command["timeSec"]


# --- not required ------------------------------------------------------------------------------------------


def test_without_a_menu_a_tip_gets_the_platforms_default_reaction(bare, bob):
    row = decided(bare, bob)
    assert (row["status"], row["reason"]) == ("dispatched", "")
    assert [gate["gate"] for gate in row["gates"]] == [gate for gate in GATES if gate not in ON_WISH]
    assert saw(row, "menu") == "none published: the platform's default reaction"
    assert (row["item"]["title"], row["menu_version"]) == ("Default reaction", 0)
    assert level(row) == ("Vibrate:10", 5)
    assert row["promised_seconds"] == 5


def test_every_amount_from_the_minimum_up_is_answered_and_none_below(bare, bob):
    assert [decided(bare, bob, amount)["reason"] for amount in (9, 10, 11, 5000)] == [
        "below_minimum",
        "",
        "",
        "",
    ]
    assert decided(bare, bob, 100, minimum_tip=101)["reason"] == "below_minimum"


@given(st.integers(1, MAXIMUM_AMOUNT))
def test_the_default_item_answers_whatever_amount(amount):
    item = matching.default_item(intensity=10, seconds=5)
    assert matching.match([item], amount) is item
    assert publishing.validated([item]) == [item], "it is an item like any other"


def test_the_platform_says_how_strong_and_how_long(bare, bob):
    change(default_intensity=3, default_seconds=12)
    assert level(decided(bare, bob)) == ("Vibrate:3", 12)


@pytest.mark.parametrize(
    ("settings", "performer", "found"),
    [
        ({"default_seconds": 3600}, {}, ("Vibrate:10", 30)),
        ({"default_seconds": 30, "maximum_seconds": 20}, {}, ("Vibrate:10", 20)),
        ({"default_seconds": 30}, {"maximum_seconds": 7}, ("Vibrate:10", 7)),
        ({"default_intensity": 20}, {"maximum_intensity": 4}, ("Vibrate:4", 5)),
        ({"default_seconds": 1}, {}, ("Vibrate:10", 2)),  # the vendor's shortest
    ],
)
def test_every_cap_binds_the_default_reaction_too(settings, performer, found, bare, bob):
    change(**settings)
    assert level(decided(bare, bob, **performer)) == found


def test_a_performer_whose_caps_leave_nothing_is_left_alone(bare, bob):
    row = decided(bare, bob, maximum_intensity=0)
    assert (row["status"], row["reason"], row["commands"]) == ("skipped", "caps", [])


@pytest.mark.parametrize(("setting", "reason"), [({"enable_lovense": "false"}, "kill_switch"), ({}, "")])
def test_the_kill_switch_is_asked_before(setting, reason, bare, bob):
    change(**setting)
    assert decided(bare, bob)["reason"] == reason


def test_a_published_menu_answers_alone_also_what_it_does_not_answer(chain, bob):
    assert decided(chain, bob, 100)["item"]["title"] == "Fireworks"
    assert decided(chain, bob, 101)["reason"] == "no_match"


def test_an_empty_menu_is_a_published_one(bare, bob):
    publishing.publish(bare.performer_id, [], NOW)
    assert decided(bare, bob)["reason"] == "no_match"


def test_a_published_menu_that_cannot_be_read_is_not_replaced_by_the_default(bare, bob):
    assert decided(bare, bob, menu_version=7)["reason"] == "no_menu"


def test_the_page_is_told_what_answered_and_plays_it(bare, bob, wire):
    tip_id = bare.settled(bob, 100)
    bare.dispatch()
    (message,) = wire.commands()
    told = message["item"]
    assert (told["itemType"], told["itemId"], told["itemName"]) == ("default", "default", "Default reaction")
    assert (told["vibration"]["strength"], message["durationSec"]) == (10, 5)
    bare.acknowledge(tip_id, "finished", later=5 * SECOND, delivered_seconds=5)
    assert activation_of(tip_id)["status"] == "completed"


def test_a_retry_keeps_the_reaction_of_its_first_attempt(bare, bob):
    row = decided(bare, bob)
    change(default_intensity=20, require_tip_menu="true")
    request = request_of(row["tip_id"]) | {"attempts": 2, "claimed_by": "worker-0/x"}
    again = decide(request, Rules.read([request["lane"]]), is_online=True, now=NOW, before=row)
    assert (again["status"], again["item"]) == ("dispatched", row["item"])


def test_in_batches_the_default_reactions_of_one_tipper_are_one_run(bare, bob):
    change(queue_mode="batch")
    tips = [bare.settled(bob, amount) for amount in (20, 30)]
    bare.dispatch(later=SECOND)
    assert activation_of(tips[0])["members"] == [f"{tips[1]}.all"]
    assert activation_of(tips[0])["run_seconds"] == 10


# --- required ----------------------------------------------------------------------------------------------


def test_where_a_menu_is_required_nothing_plays_without_one(bare, bob):
    change(require_tip_menu="true")
    row = decided(bare, bob)
    assert (row["status"], row["reason"], row["commands"]) == ("skipped", "no_menu", [])
    assert row["gates"][-1] | {"at": ""} == {"gate": "menu", "passed": False, "saw": "version 0", "at": ""}


def test_where_a_menu_is_required_a_published_one_answers_as_ever(chain, bob):
    change(require_tip_menu="true")
    assert decided(chain, bob)["item"]["title"] == "Fireworks"


def test_publishing_ends_the_default_reaction(bare, bob):
    assert decided(bare, bob)["item"]["itemId"] == matching.DEFAULT_ITEM
    publishing.publish(bare.performer_id, MENU, NOW)
    assert decided(bare, bob)["item"]["title"] == "Fireworks"


def test_settings_that_a_row_of_an_older_revision_lacks_have_their_defaults(bare, bob):
    PlatformSettings.objects.create(name=platform.ROW)
    new = ("default_intensity", "default_seconds", "require_tip_menu", "auto_connect", "cam_site_name")
    collection(PlatformSettings).update_one({}, {"$unset": dict.fromkeys(new, "")})
    assert level(decided(bare, bob)) == ("Vibrate:10", 5)
    change(default_seconds=6)
    assert level(decided(bare, bob)) == ("Vibrate:10", 6)
