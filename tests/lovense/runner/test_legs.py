"""Legs: which device is told what in which seconds, and what it has played when its run is over."""

import copy

import pytest

from lovense.bridges.outcomes import CallOutcome
from lovense.runner import legs
from lovense.runner.legs import ToldDevice, concluded, groups_of, planned

LEVEL = {"command": "Function", "action": "Vibrate:5", "timeSec": 10, "apiVer": 1}
NEW, OLD = "7.95.1", "7.70.9"


def target(toy_id, *, host="h1", version=NEW, lead=0):
    return ToldDevice(toy_id, toy_id.title(), host, version, lead)


def plan(targets, commands=(LEVEL,), seconds=10, **wishes):
    return planned(commands, targets, seconds=seconds, lease_seconds=9, **wishes)


def spans(row):
    return [(each["start"], each["until"]) for each in row["slices"]]


# --- planning ----------------------------------------------------------------------------------------------


def test_toys_of_one_app_are_one_group_told_by_one_call():
    (group,) = groups_of(plan([target("a"), target("b")]))
    assert group.toy_ids == ("a", "b")
    assert group.named({"command": "x"}) == {"command": "x", "toy": ["a", "b"]}


def test_an_old_app_is_told_of_each_toy_by_itself_a_second_apart():
    rows = plan([target("a", version=OLD), target("b", version=OLD)])
    assert [group.toy_ids for group in groups_of(rows)] == [("a",), ("b",)]
    assert [row["offsetMs"] for row in rows] == [0, 1000]
    assert [spans(row) for row in rows] == [[(0, 5), (5, 10)], [(1, 6), (6, 10)]]
    assert [row["promised"] for row in rows] == [10, 9]


@pytest.mark.parametrize("version", ["", "7", "7.71", "seven.71.0", "7.71.0-beta", "٧.71.0"])
def test_an_app_whose_version_cannot_be_read_is_an_old_one(version):
    assert target("a", version=version).takes_lists is (version == "7.71.0")


@pytest.mark.parametrize(("version", "takes"), [("7.71.0", True), ("7.9.0", False), ("8.0.0", True)])
def test_versions_are_compared_as_numbers(version, takes):
    assert target("a", version=version).takes_lists is takes


def test_apps_on_two_phones_are_told_a_second_apart():
    rows = plan([target("a"), target("b", host="h2"), target("c")])
    assert [row["offsetMs"] for row in rows] == [0, 1000, 0]


def test_a_device_that_the_run_does_not_name_has_no_leg():
    assert [row["toyId"] for row in plan([target("a"), target("b")], [LEVEL | {"toy": ["b"]}])] == ["b"]


def test_devices_that_are_told_different_things_are_different_groups():
    strong = LEVEL | {"action": "Vibrate:9", "toy": ["b"]}
    rows = plan([target("a"), target("b")], [LEVEL | {"toy": "a"}, strong])
    assert [row["offsetMs"] for row in rows] == [0, 1000]
    assert [row["commands"][0]["action"] for row in rows] == ["Vibrate:5", "Vibrate:9"]


def test_one_path_too_many_plays_nothing_and_says_why():
    rows = plan([target(f"t{n}", host=f"h{n}") for n in range(5)])
    assert [len(row["slices"]) for row in rows] == [2, 2, 2, 2, 0]
    assert (rows[4]["outcome"], rows[4]["code"]) == ("unsupported", "too_many_paths")


def begins(rows):
    return [(row["offsetMs"], row.get("askedMs")) for row in rows]


def test_a_lead_below_half_a_second_is_rounded_away_and_said():
    rows = plan([target("a"), target("b", lead=350)])
    assert begins(rows) == [(0, 350), (0, None)]
    assert len(groups_of(rows)) == 1


def test_toys_of_one_app_that_begin_in_different_seconds_are_told_by_themselves():
    rows = plan([target("a"), target("b", lead=1000), target("c")])
    assert [group.toy_ids for group in groups_of(rows)] == [("b",), ("a", "c")]
    assert begins(rows) == [(1000, None), (0, None), (1000, None)]
    assert [row["promised"] for row in rows] == [9, 10, 9]


def test_the_one_that_answers_last_is_told_first_also_where_each_is_told_by_itself():
    rows = plan([target("a", version=OLD), target("b", version=OLD, lead=300)])
    assert begins(rows) == [(0, 300), (1000, 0)]
    rows = plan([target("a", version=OLD), target("b", version=OLD, lead=700)])
    assert begins(rows) == [(1000, 700), (0, None)]


def test_a_wish_for_one_device_moves_it_alone():
    rows = plan([target("a"), target("b"), target("c")], offsets={"b": 2000})
    assert begins(rows) == [(0, None), (2000, None), (0, None)]
    assert [spans(row)[0] for row in rows] == [(0, 5), (2, 7), (0, 5)]


def test_however_much_later_it_is_to_begin_a_short_run_is_played():
    rows = plan([target("a"), target("b", lead=2000)], seconds=2)
    assert begins(rows) == [(0, 2000), (0, None)]
    assert [row["promised"] for row in rows] == [2, 2]


def test_a_run_has_at_most_sixteen_legs():
    assert len(plan([target(f"t{n}") for n in range(20)])) == 16


# --- what they have played ---------------------------------------------------------------------------------


def played(*states, code="", seconds=10):
    (row,) = plan([target("a")], seconds=seconds)
    row = copy.deepcopy(row)
    for each, state in zip(row["slices"], states, strict=True):
        each["state"] = state
    return row | {"code": code}


def end(row, *, ran=10.0, is_stopped=False):
    made = concluded(row, ran=ran, is_stopped=is_stopped)
    return made["outcome"], made["delivered"], [each["state"] for each in made["slices"]]


@pytest.mark.parametrize(
    ("states", "code", "expected"),
    [
        (("accepted", "accepted"), "", ("played", 10.0)),
        (("accepted", "refused"), "app_offline", ("away", 5.0)),
        (("refused", "accepted"), "", ("away", 5.0)),
        (("accepted", "unknown"), "unknown", ("unknown", 5.0)),
        (("unknown", "unknown"), "unknown", ("unknown", 0.0)),
        (("refused", "planned"), "unsupported", ("unsupported", 0.0)),
        (("accepted", "planned"), "pairing_lost", ("away", 5.0)),
        (("missed", "accepted"), "", ("away", 5.0)),
    ],
)
def test_what_a_leg_delivered_are_the_windows_that_its_app_accepted(states, code, expected):
    assert end(played(*states, code=code))[:2] == expected


def test_what_was_not_told_until_the_end_is_missed():
    assert end(played("accepted", "planned"))[2] == ["accepted", "missed"]


@pytest.mark.parametrize(("ran", "seconds"), [(3.2, 3.2), (5.0, 5.0), (7.44, 7.4), (0.0, 0.0)])
def test_a_stop_cuts_the_window_that_ran(ran, seconds):
    outcome, delivered, _ = end(played("accepted", "accepted"), ran=ran, is_stopped=True)
    assert (outcome, delivered) == ("stopped", seconds)


def test_what_a_stop_found_untold_is_stopped():
    assert end(played("accepted", "planned"), ran=2.0, is_stopped=True)[2] == ["accepted", "stopped"]


def test_all_of_it_is_all_of_it_also_where_the_stop_came_in_its_last_moment():
    assert end(played("accepted", "accepted"), ran=10.0, is_stopped=True)[0] == "played"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (CallOutcome.ACCEPTED, "accepted"),
        (CallOutcome.UNKNOWN, "unknown"),
        (CallOutcome.APP_OFFLINE, "refused"),
        (CallOutcome.BAD_COMMAND, "refused"),
        (CallOutcome.NOT_SENT, "refused"),
    ],
)
def test_a_slice_is_what_its_answer_says(outcome, state):
    assert legs.state_after(outcome) == state


@pytest.mark.parametrize("outcome", list(CallOutcome))
def test_after_what_lasts_a_device_is_told_nothing_more(outcome):
    lasting = {"pairing_lost", "operator_fault", "unsupported", "bad_command"}
    assert legs.is_over(played("refused", "planned", code=outcome.value)) is (outcome.value in lasting)
