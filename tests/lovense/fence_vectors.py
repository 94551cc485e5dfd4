"""The vectors of the last hop, for both languages: every rule of `lovense/fence.py`, value by value.

`python -m tests.lovense.fence_vectors` writes `tests/golden/fence.json` anew, from the Python fence: what is
different then has to be read before it is kept."""

import itertools
import json
from pathlib import Path

from lovense.devices import toytable
from lovense.devices.toytable import TOPS
from lovense.fence import Bounds, Fenced, checked
from lovense.menus.vibration import SHAPES

GOLDEN = Path(__file__).parent.parent / "golden" / "fence.json"
NAMES = {
    "epoch": "epoch",
    "isStopped": "is_stopped",
    "maximumIntensity": "maximum_intensity",
    "longestSeconds": "longest_seconds",
    "seconds": "seconds",
}


def bounds_of(told):
    """As the golden file writes them."""
    named = {NAMES[name]: value for name, value in told.items() if name != "devices"}
    return Bounds(told.get("devices"), **named)


def outcome(case):
    """What may be sent, or the code of the refusal."""
    try:
        return checked(case["command"], bounds_of(case["bounds"]), epoch=case["epoch"])
    except Fenced as fenced:
        return fenced.code


# --- the golden file ---------------------------------------------------------------------------------------


def function(action="Vibrate:20", seconds=5, **more):
    return {"command": "Function", "action": action, "timeSec": seconds, "apiVer": 1} | more


def pattern(letters="v", strength="0;5;10;20", interval=200, seconds=5, **more):
    rule = f"V:1;F:{letters};S:{interval}#"
    return {"command": "Pattern", "rule": rule, "strength": strength, "timeSec": seconds, "apiVer": 2} | more


def preset(name="pulse", seconds=5, **more):
    return {"command": "Preset", "name": name, "timeSec": seconds, "apiVer": 1} | more


WORDS = [name for name in TOPS if name not in ("Position", "Stroke")]
LUSH = {"a": {"Vibrate": 20}}
TWO = {"a": {"Vibrate": 12}, "b": {"Vibrate": 7, "Rotate": 20}}
EDGE = {"a": {"Vibrate": 20, "Vibrate1": 9, "Vibrate2": 14}}
MACHINE = {"a": {"Thrusting": 15, "Stroke": 70}}
STOP = {"command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}


# By rule: what it is about, the commands, the bounds, the epochs.


def of_levels():
    for name in WORDS:
        levels = (0, 1, TOPS[name] // 2, TOPS[name], TOPS[name] + 1, 999_999_999)
        yield (
            f"{name} within its cap",
            [function(f"{name}:{level}") for level in levels],
            [{"devices": {"a": {name: max(1, TOPS[name] // 2)}}}],
        )
        hers = [
            {"devices": {"a": {name: TOPS[name]}}, "maximumIntensity": top} for top in (0, 1, 6, 7, 13, 20)
        ]
        yield f"{name} within her intensity", [function(f"{name}:{TOPS[name]}")], hers


def of_patterns():
    for letter, name in toytable.LETTERS.items():
        kept = [{"devices": {"a": {name: cap}}} for cap in (0, 1, 2, 3, 11, TOPS[name])]
        yield f"a pattern of {name}", [pattern(letter, "7;14;20")], kept
    yield (
        "a pattern's values",
        [
            pattern(strength=text)
            for text in ("0", "20", "21;999", "0;0;1", "", ";", "5;", "-1", "5.5", "1000", "5; 6", "0" * 3)
        ]
        + [pattern(strength=";".join(["3"] * count)) for count in (50, 51)],
        [{"devices": LUSH}],
    )
    yield (
        "a pattern's rule",
        [
            pattern() | {"rule": rule}
            for rule in (
                "V:1;F:;S:200#",
                "V:1;F:v;S:200",
                "V:2;F:v;S:200#",
                "V:1;F:x;S:200#",
                "V:1;F:v,r;S:200#",
                "V:1;F:v1;S:200#",
                "V:1;F:pos;S:200#",
                "V:1;F:v,v;S:00250#",
                "V:1;F:V;S:200#",
                None,
                5,
            )
        ]
        + [pattern(interval=ms) for ms in (0, 100, 101, 1000, 99_999, 100_000)],
        [{"devices": LUSH}],
    )
    yield (
        "patterns of several functions",
        [pattern("v,p"), pattern("p", "3;6;7;13;14"), pattern("v,r")],
        [
            {"devices": {"a": {"Vibrate": 20, "Pump": cap, "Rotate": 4}}, "maximumIntensity": top}
            for cap in (1, 2, 3)
            for top in (5, 10, 20)
        ],
    )


def of_times():
    times = (0, 0.0, 1, 1.9, 2, 2.0, 2.5, 5, 60, 61, 10**6, 10**6 + 1, -2, True, False, "5", None, [], 1e300)
    for make in (function, pattern, preset):
        yield (
            f"the time of a {make.__name__}",
            [make(seconds=time) for time in times],
            [{"devices": LUSH, "longestSeconds": 60}],
        )
    yield "no time", [{"command": "Function", "action": "Vibrate:3"}], [{"devices": LUSH}]
    yield (
        "the time of each toy",
        [function(seconds=100), function(seconds=100, toy="a"), function(toy="b")],
        [
            {"devices": TWO, "seconds": own, "longestSeconds": longest}
            for own in ({}, {"a": 30}, {"b": 3}, {"a": 9, "b": 4})
            for longest in (20, 3600, 1)
        ],
    )


def of_stops():
    yield (
        "a stop",
        [
            STOP,
            {"command": "Function", "action": "Stop"},
            STOP | {"timeSec": 7},
            STOP | {"toy": "a"},
            STOP | {"toy": ["b", "zz"]},
            STOP | {"toy": []},
            STOP | {"toy": 5, "stopPrevious": 0},
            STOP | {"toy": ["a"] * 17},
        ],
        [{"devices": None}, {"devices": {}, "isStopped": True, "epoch": 9}],
    )
    told = [function(), pattern(), preset(), STOP, {"command": "Dance"}]
    yield (
        "epochs and the latch",
        told,
        [{"devices": LUSH, "epoch": 3, "isStopped": is_stopped} for is_stopped in (False, True)],
        (2, 3, 4),
    )


def of_names():
    ids = (
        "a",
        "b",
        "c",
        "",
        ["a"],
        ["a", "b"],
        ["b", "a"],
        ["a", "c"],
        [],
        ["a", ""],
        [5],
        5,
        None,
        True,
        {},
        ["a"] * 16,
        ["a"] * 17,
    )
    yield "who is named", [function(toy=named) for named in ids], [{"devices": TWO}, {"devices": {}}]
    yield (
        "who is able",
        [function("Rotate:9"), function("Rotate:9", toy="a"), function("Vibrate:9,Rotate:9")],
        [
            {"devices": TWO},
            {"devices": {}},
            {"devices": {"a": {}}},
            {"devices": {"a": {"Rotate": 0}}},
        ],
    )


def of_what_is_not_known():
    yield (
        "nothing is known",
        [
            function(),
            function("Vibrate:5", toy="a"),
            function("Vibrate1:5"),
            function("Rotate:5"),
            function("Vibrate:5,Rotate:5"),
            pattern(),
            pattern("v,r"),
            preset(),
            function(toy=[]),
        ],
        [{"devices": None, "maximumIntensity": top} for top in (0, 8, 20)],
    )
    yield (
        "presets",
        [preset(name) for name in (*SHAPES, "storm", None, 5)] + [preset(toy="a")],
        [
            {"devices": {"a": {"Vibrate": 20}}},
            {"devices": {"a": {"Vibrate": 19}}},
        ],
    )


def of_presets_and_strokes():
    yield (
        "presets of several",
        [preset(), preset(toy="a"), preset(toy=["a", "b"])],
        [
            {"devices": {"a": {"Vibrate": 20}, "b": {"Vibrate": 20, "Pump": pump}}, "maximumIntensity": top}
            for pump in (0, 2, 3)
            for top in (19, 20)
        ],
    )
    yield (
        "strokes",
        [
            function(f"Stroke:{way},Thrusting:9")
            for way in (
                "0-100",
                "10-60",
                "0-20",
                "0-19",
                "60-10",
                "51-100",
                "50-70",
                "49-69",
                "0-999",
                "0",
                "5-",
            )
        ]
        + [function("Stroke:0-50"), function("Vibrate:3,Stroke:0-50"), function("Thrusting:0")],
        [
            {"devices": MACHINE},
            {"devices": {"a": {"Thrusting": 20}}},
            {"devices": MACHINE, "maximumIntensity": 10},
        ],
    )
    yield (
        "single motors",
        [function(f"{word}:20") for word in ("Vibrate", "Vibrate1", "Vibrate2", "Vibrate3")]
        + [function("Vibrate:4,Vibrate2:20"), pattern("v")],
        [
            {"devices": EDGE},
            {"devices": {"a": {"Vibrate": 5, "Vibrate1": 20, "Vibrate2": 20}}},
            {"devices": {"a": {"Vibrate1": 20}}},
            {"devices": {"a": {"Vibrate": 20, "Vibrate1": 20, "Vibrate2": 0}}},
        ],
    )


def of_words():
    yield (
        "words",
        [
            function(action)
            for action in (
                "All:5",
                "Position:50",
                "Vibrate",
                "Vibrate:",
                "Vibrate:-1",
                "Vibrate:5.5",
                "vibrate:5",
                "",
                "Vibrate:5,",
                "Vibrate:5, Rotate:3 ",
                "Vibrate:5,Vibrate:9",
                "Vibrate:007",
                "Stop,Vibrate:3",
                "Vibrate:5;Rotate:5",
                "Bumping:5",
                "__proto__:5",
                "constructor:5",
                None,
                5,
                ["Vibrate:5"],
            )
        ],
        [{"devices": {"a": {"Vibrate": 20, "Rotate": 20}}}],
    )
    yield (
        "other commands",
        [
            *(
                {"command": name, "timeSec": 5}
                for name in ("Position", "PatternV2", "GetToys", "stop", "toString", 5)
            ),
            {},
            None,
            [],
            "Function",
            7,
        ],
        [{"devices": LUSH}],
    )


def of_loops():
    loops = (1, 1.1, 2, 0, -3, 10**6 + 1, "2", None, True)
    yield (
        "loops",
        [function(**{name: value}) for name in ("loopRunningSec", "loopPauseSec") for value in loops]
        + [function(loopRunningSec=2, loopPauseSec=3, stopPrevious=0)],
        [{"devices": LUSH}],
    )
    yield (
        "what it stops",
        [function(stopPrevious=value) for value in (0, 1, 2, 1.0, 0.5, True, False, "0", None)],
        [{"devices": LUSH}],
    )
    yield (
        "what else it says",
        [function(uid="x", apiVer=7), pattern(stopPrevious=5), preset(strength="20")],
        [{"devices": LUSH}],
    )


GRIDS = (
    of_levels,
    of_patterns,
    of_times,
    of_stops,
    of_names,
    of_what_is_not_known,
    of_presets_and_strokes,
    of_words,
    of_loops,
)


def vectors():
    made = []
    for says, told, binding, *epochs in itertools.chain.from_iterable(grid() for grid in GRIDS):
        for number, (command, bounds, epoch) in enumerate(
            itertools.product(told, binding, *(epochs or [(0,)]))
        ):
            made.append(
                {"says": f"{says}, {number + 1}", "command": command, "bounds": bounds, "epoch": epoch}
            )
    return [case | {"result": outcome(case)} for case in made]


def write():
    lines = ",\n".join(json.dumps(vector) for vector in vectors())
    GOLDEN.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write()
