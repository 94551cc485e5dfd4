"""A virtual toy, in the page's language: the vectors of `tests/lovense/test_toy.py`, and both languages side
by side on commands drawn at random. It needs a browser and no stack."""

import json
import random
from pathlib import Path

import pytest

from lovense.menus.vibration import SHAPES
from tests.lovense.menus.compile_vectors import GOLDEN
from tests.lovense.test_toy import VECTORS, played, stated

BASE = Path(__file__).parent.parent.parent
ORIGIN = "http://toys.test"
# The twin of `played`. All crosses as one text: of anything else Playwright packs each value by itself.
PLAY = """async (text) => {
  const { Toy, Toys } = await import("/static/js/toy.js");
  const seen = (toys, step) => {
    const byId = Object.fromEntries([...toys].map((toy) => [toy.id, toy]));
    if (step.obey) return toys.obey(step.obey, step.at);
    if (step.foresee) return toys.codeFor(step.foresee, step.at);
    if (step.switch) return void byId[step.switch[0]].switch(step.switch[1], step.at);
    if (step.lower) return void byId[step.lower[0]].lower(step.lower[1], step.lower[2], step.at);
    if (step.charge) return void byId[step.charge[0]].charge(step.charge[1], step.at);
    if (step.levels) return toys.levels(step.at);
    return Object.fromEntries([...toys].map((toy) => [toy.id, toy.battery(step.at)]));
  };
  return JSON.stringify(JSON.parse(text).map(({ toys, steps }) => {
    const made = new Toys(toys.map((given) => new Toy(given)));
    return steps.map((step) => seen(made, step) ?? null);
  }));
}"""


@pytest.fixture(scope="module")
def play(chrome):
    """`play(vectors)`: what the page's toys answered."""
    page = chrome.new_page()

    def serve(route):
        name = route.request.url.removeprefix(ORIGIN).strip("/")
        if not name:
            return route.fulfill(body="<!doctype html><title>toys</title>", content_type="text/html")
        return route.fulfill(path=BASE / name, content_type="text/javascript")

    page.route(f"{ORIGIN}/**", serve)
    page.goto(ORIGIN)
    yield lambda vectors: json.loads(page.evaluate(PLAY, json.dumps(vectors)))
    page.close()


@pytest.fixture(scope="module")
def all_played(play):
    return dict(zip((vector["says"] for vector in VECTORS), play(VECTORS), strict=True))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["says"])
def test_the_pages_toy_does_what_the_vector_says(all_played, vector):
    found = all_played[vector["says"]]
    assert found == [stated(step, one) for step, one in zip(vector["steps"], found, strict=True)]


def told(case):
    """A toy that is told the calls of a compiled vibration, read every 100 ms, as a vector."""
    calls = case.get("slices") or [[0, call] for call in case["calls"]]
    steps = [{"at": at, "obey": call} for at, call in calls]
    steps += [{"at": at, "levels": {}} for at in range(0, case["promisedSeconds"] * 1000, 100)]
    steps.sort(key=lambda step: step["at"])
    return {"says": case["says"], "toys": [{"type": case["device"]["type"], "id": "a"}], "steps": steps}


def test_the_pages_toy_plays_what_was_compiled(play):
    """As the other language does, which test_compile.py compares with the timeline."""
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))
    scenarios = [told(case) for case in cases if "cannot" not in case]
    answers = play(scenarios)
    assert len(answers) > 300
    different = [
        vector["says"] for vector, answer in zip(scenarios, answers, strict=True) if answer != played(vector)
    ]
    assert different == []


# --- at random ---------------------------------------------------------------------------------------------

TYPES = ("lush", "nora", "max", "edge", "lapis", "solace", "solacepro", "xmachine", "gush2", "spinel")
WORDS = ("Vibrate", "Rotate", "Pump", "Thrusting", "Depth", "All", "Vibrate2", "Stop", "Oscillate", "Bumping")


def drawn(chance):
    """A command as a careless caller writes it: mostly lawful."""
    kind = chance.choice(["Function"] * 5 + ["Pattern"] * 3 + ["Preset", "GetToys", "Dance"])
    made = {"command": kind, "timeSec": chance.choice([0, 1, 2, 3.5, 5, 60, "5", -1, None])}
    if kind == "Function":
        words = [f"{chance.choice(WORDS)}:{chance.choice([0, 1, 7, 20, 21, ''])}" for _ in range(2)]
        made["action"] = chance.choice(
            ["Stop", words[0], ",".join(words), f"Stroke:0-{chance.randint(0, 120)}," + words[0]]
        )
    elif kind == "Pattern":
        letters = ",".join(chance.sample("vrptdo", chance.randint(0, 3)))
        made["rule"] = f"V:1;F:{letters};S:{chance.choice([0, 100, 101, 250, 1000])}#"
        made["strength"] = ";".join(str(chance.randint(0, 22)) for _ in range(chance.randint(0, 6)))
    elif kind == "Preset":
        made["name"] = chance.choice([*SHAPES, "storm"])
    for name, values in (
        ("toy", ["a", "b", ["a", "b"], "z", 5]),
        ("stopPrevious", [0, 1, "0", False]),
        ("loopRunningSec", [2, 0, "2"]),
        ("loopPauseSec", [3, 0]),
    ):
        if chance.random() < 0.3:
            made[name] = chance.choice(values)
    return made


def scenario(number):
    chance = random.Random(number)
    toys = [
        {
            "type": chance.choice(TYPES),
            "id": own,
            "battery": chance.choice([100, 3]),
            "drain": chance.choice([0, 5]),
            "traits": {
                "zero_is_full_speed": chance.random() < 0.3,
                "preset_without_end_ignores_stop": chance.random() < 0.3,
                "drops_commands_closer_than_ms": chance.choice([0, 0, 300]),
            },
        }
        for own in ("a", "b")
    ]
    steps, at = [], 0
    for _ in range(12):
        at += chance.choice([0, 100, 250, 1000, 4000, 30_000])
        steps.append({"at": at, "obey": drawn(chance)})
        at += chance.choice([0, 1, 199, 777])
        steps += [{"at": at, "levels": {}}, {"at": at, "battery": {}}]
    return {"says": f"number {number}", "toys": toys, "steps": steps}


def test_both_languages_agree_on_commands_drawn_at_random(play):
    scenarios = [scenario(number) for number in range(1500)]
    ours = [played(vector) for vector in scenarios]
    assert sum(one.get("code") == 200 for steps in ours for one in steps) > 4000  # not only refusals
    different = [
        vector["says"]
        for vector, one, other in zip(scenarios, ours, play(scenarios), strict=True)
        if one != other
    ]
    assert different == []
