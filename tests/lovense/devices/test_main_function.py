"""What a tip moves where its item names nothing: the main function of each device, if it is on."""

import pytest

from ground.mongodb.collections import collection
from lovense.devices import summary, toytable
from lovense.models import Device, Performer
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.devices.test_deciding import choose, decided, gate
from tests.lovense.rounds import hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(ana, bob):
    made = Chain(ana)
    made.publish_menu()
    hold(ana.pk)
    fund(bob, 10_000)
    return made


def switch_on(performer, toy_id, function):
    """As she does who has tried it."""
    ours = {"_id": f"{performer.pk}.{toy_id}"}
    collection(Device).update_one(ours, {"$set": {f"choices.{function}": {"verifiedAt": NOW}}})
    choose(performer, toy_id, functions={function: {"isEnabled": True}})


def commands(chain, bob):
    """To whom which letter and which levels."""
    row = decided(chain, bob, 50)[1]
    found = {}
    for each in row["commands"]:
        letters = each["rule"].removeprefix("V:1;F:").partition(";")[0]
        found[tuple(each.get("toy", ()))] = letters, [int(value) for value in each["strength"].split(";")]
    return found


def test_a_machine_that_only_thrusts_plays_a_plain_item_once_that_is_on(chain, ana, bob):
    from_page(ana, toy("a", name="solace"), now=NOW)
    tip_id, row = decided(chain, bob)
    assert (row["status"], gate(tip_id, "capability")) == ("skipped", (False, "Thrusting: none of Solace"))
    switch_on(ana, "a", "Thrusting")
    tip_id, row = decided(chain, bob)
    assert (row["status"], gate(tip_id, "capability")) == ("dispatched", (True, "Thrusting: Solace"))
    assert row["promised_seconds"] == 10


def test_a_thrust_is_never_told_level_0_which_may_be_full_speed(chain, ana, bob):
    from_page(ana, toy("a", name="solace"), now=NOW)
    switch_on(ana, "a", "Thrusting")
    _, row = decided(chain, bob, 100)  # fireworks, which has rests
    levels = [int(value) for value in row["commands"][0]["strength"].split(";")]
    assert (min(levels), max(levels)) == (1, 16)


def test_a_toy_that_only_oscillates_plays_without_being_switched_on(chain, ana, bob):
    from_page(ana, toy("a", name="gush2"), now=NOW)
    assert [letters for letters, _ in commands(chain, bob).values()] == ["o"]


def test_devices_that_move_by_different_functions_are_told_by_commands_of_their_own(chain, ana, bob):
    from_page(ana, toy("a", name="lush"), toy("b", name="gush2"), toy("c", name="nora"), now=NOW)
    assert {toys: letters for toys, (letters, _) in commands(chain, bob).items()} == {
        ("a", "c"): "v",
        ("b",): "o",
    }


def test_the_cap_and_the_floor_are_those_of_the_main_function(chain, ana, bob):
    from_page(ana, toy("a", name="gush2"), now=NOW)
    choose(ana, "a", functions={"Oscillate": {"cap": 5, "floor": 4}})
    ((_, levels),) = commands(chain, bob).values()
    assert (min(levels), max(levels)) == (4, 5)


def test_a_machine_whose_thrust_is_off_is_not_told_to_vibrate(chain, ana, bob):
    from_page(ana, toy("a", name="xmachine"), toy("b", name="lush"), now=NOW)
    assert [*commands(chain, bob)] == [("b",)]


def test_the_row_names_only_what_is_not_vibration(ana):
    from_page(ana, toy("a", name="lush"), toy("b", name="gush2"), now=NOW)
    row = collection(Performer).find_one({"_id": ana.pk})
    assert [each.get("main") for each in row["devices"]] == ["Oscillate", None]


@pytest.mark.parametrize("name", toytable.TABLE)
def test_the_main_function_of_each_type_is_that_of_the_table(name):
    kind = toytable.of(name)
    row = {"toy_type": name, "functions": [{"name": function} for function in kind.functions]}
    assert summary.main_of(row) == kind.main_function


def test_of_a_machine_that_reports_no_thrust_what_it_has_is_moved(ana):
    from_page(ana, toy("a", name="xmachine", fullFunctionNames=["Vibrate"]), now=NOW)
    assert summary.main_of(collection(Device).find_one({"_id": f"{ana.pk}.a"})) == "Vibrate"
