"""A virtual toy, in Python: every vector of `tests/golden/toy.json`. In the page's language they are run by
`tests/browser/test_toy.py`."""

import json
import math
from pathlib import Path

import pytest

from lovense.devices import toytable
from lovense.simulator.toy import Toy, Traits
from lovense.simulator.toys import MAX_TOYS, TooManyToys, Toys

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
