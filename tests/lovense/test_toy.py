"""A virtual toy, in Python: every vector of `tests/golden/toy.json`. In the page's language they are run by
`tests/browser/test_toy.py`."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lovense.devices import toytable
from lovense.simulator.toy import Toy, Traits
from lovense.simulator.toys import MAX_TOYS, TooManyToys, Toys
from lovense.vendor_simulator.limits import violation

VECTORS = json.loads((Path(__file__).parent.parent / "golden" / "toy.json").read_text(encoding="utf-8"))


def played(vector):
    """What the toys answered, step by step."""
    toys = Toys(Toy(**given | {"traits": Traits(**given.get("traits", {}))}) for given in vector["toys"])
    return [seen(toys, step) for step in vector["steps"]]


def seen(toys, step):
    at = step["at"]
    if "obey" in step:
        return toys.obey(step["obey"], at)
    if "foresee" in step:
        return toys.code_for(step["foresee"], at)
    if "switch" in step:
        return toys[step["switch"][0]].switch(on=step["switch"][1], at=at)
    if "lower" in step:
        return toys[step["lower"][0]].lower(*step["lower"][1:], at)
    if "charge" in step:
        return toys[step["charge"][0]].charge(step["charge"][1], at)
    return toys.levels(at) if "levels" in step else {toy.id: toy.battery(at) for toy in toys}


def stated(step, found):
    """What the vector says of a step; of an answer it may name the code alone."""
    answer = step.get("answer", step.get("levels", step.get("battery")))
    return found | {"code": answer} if "obey" in step and isinstance(answer, int) else answer


def test_there_are_enough_vectors_and_each_says_something_else():
    assert len({vector["says"] for vector in VECTORS}) == len(VECTORS) >= 60
    assert {toy["type"] for vector in VECTORS for toy in vector["toys"]} >= set(toytable.TABLE)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["says"])
def test_a_toy_does_what_the_vector_says(vector):
    found = played(vector)
    assert found == [stated(step, one) for step, one in zip(vector["steps"], found, strict=True)]


# --- what only the simulator asks for ----------------------------------------------------------------------


def changes(toy, *, until):
    """Every moment at which it says that a level may change, from 0 on."""
    found, at = [], 0
    while (at := toy.next_change(at)) <= until:
        found.append(at)
    return found


def pattern(seconds, strength):
    return {"command": "Pattern", "rule": "V:1;F:v;S:200#", "strength": strength, "timeSec": seconds}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 3}, [3000]),
        ({"command": "Function", "action": "Vibrate:5", "timeSec": 0}, []),
        (pattern(0.7, "1;2"), [200, 400, 600, 700]),
        (pattern(0.7, "4"), [700]),
        (
            {
                "command": "Function",
                "action": "Vibrate:5",
                "timeSec": 6,
                "loopRunningSec": 2,
                "loopPauseSec": 1,
            },
            [2000, 3000, 5000, 6000],
        ),
    ],
)
def test_a_toy_knows_when_its_levels_change(command, expected):
    toy = Toy("lush", id="a")
    toy.obey(command, 0)
    assert changes(toy, until=10_000) == expected


def test_a_toy_that_runs_empty_knows_when():
    toy = Toy("lush", id="a", battery=1, drain=7)
    toy.obey({"command": "Function", "action": "Vibrate:5", "timeSec": 0}, 0)
    (moment,) = changes(toy, until=10**9)
    assert (toy.levels(moment - 1), toy.levels(moment)) == ({"Vibrate": 5}, {"Vibrate": 0})
    assert toy.next_change(moment) == math.inf


def test_a_single_toy_lists_itself():
    assert (
        '"nickName":"Lush 2"'
        in Toy("lush", id="a", nickname="Lush 2").obey({"command": "GetToys"}, 0)["data"]["toys"]
    )


def test_overlays_have_a_limit():
    toy = Toy("lush", id="a")
    for number in range(40):
        toy.obey(
            {"command": "Function", "action": f"Vibrate:{number % 20}", "timeSec": 0, "stopPrevious": 0},
            number,
        )
    assert len(toy._playing) == 16
    assert toy.levels(50) == {"Vibrate": 39 % 20}


def test_a_phone_holds_sixteen_toys():
    toys = Toys(Toy("lush", id=str(number)) for number in range(MAX_TOYS))
    with pytest.raises(TooManyToys):
        toys.add(Toy("lush", id="one more"))
    toys.add(Toy("nora", id="3"))
    assert toys.ids == [str(number) for number in range(MAX_TOYS)]


# --- whatever is told --------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(
    [
        "Vibrate:5",
        "Rotate:20",
        "Pump:3",
        "Pump:4",
        "All:0",
        "Stroke:0-50",
        "Thrusting:9",
        "Depth:2",
        "Stop",
        "x",
    ]
)
STRENGTHS = st.lists(st.integers(0, 21).map(str), min_size=1, max_size=51).map(";".join)
NEAR = st.fixed_dictionaries(
    {"command": st.sampled_from(["Function", "Pattern", "Preset", "GetToys"]) | ANYTHING},
    optional={
        "action": st.lists(WORDS, min_size=1, max_size=3).map(",".join) | ANYTHING,
        "rule": st.sampled_from(["V:1;F:v;S:200#", "V:1;F:;S:101#", "V:1;F:v,p;S:100#"]) | ANYTHING,
        "strength": STRENGTHS | ANYTHING,
        "name": st.sampled_from(["pulse", "storm"]) | ANYTHING,
        "timeSec": st.sampled_from([0, 1, 2, 5.5, 3600]) | ANYTHING,
        "loopRunningSec": st.sampled_from([2, 0]) | ANYTHING,
        "loopPauseSec": st.sampled_from([2, 0]) | ANYTHING,
        "stopPrevious": st.sampled_from([0, 1]) | ANYTHING,
        "toy": st.sampled_from(["a", ["a", "b"], "z"]) | ANYTHING,
        "apiVer": st.sampled_from([1, 2]) | ANYTHING,
    },
)


@given(NEAR)
def test_whatever_is_told_gets_a_code_of_the_vendors_that_was_known_before(command):
    toys = Toys([Toy("lush", id="a"), Toy("solace", id="b", drain=3)])
    foreseen = toys.code_for(command, 5)
    assert toys.obey(command, 5)["code"] == foreseen
    assert foreseen in (200, 400, 401, 403, 404)
    for at in (5, 6, 777, 10**7):
        for toy in toys:
            for function, level in toy.levels(at).items():
                assert 0 <= level <= toytable.TOPS[function]
            assert toy.next_change(at) > at


@given(NEAR)
def test_what_keeps_the_vendors_limits_is_never_refused_as_wrong(command):
    """What the journal calls lawful and what the toy calls wrong have no overlap."""
    toys = Toys([Toy("lush", id="a"), Toy("nora", id="b")])
    if not violation(command, via="http") and command["command"] not in ("Position", "PatternV2"):
        assert toys.obey(command, 0)["code"] in (200, 401, 403)
