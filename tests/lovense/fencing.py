"""Cases for the last hop: those of the golden file, and others drawn at random; and a judge of what it lets
pass, who knows nothing of how it decides.

`python -m tests.lovense.fencing` writes `tests/golden/fence.json` anew, from the Python fence: what is different
then has to be read before it is kept."""

import itertools
import json
import random
from pathlib import Path

from lovense.devices import toytable
from lovense.devices.toytable import TOPS
from lovense.fence import Bounds, Fenced, checked
from lovense.menus.vibration import SHAPES
from lovense.simulator.toy import Toy
from lovense.simulator.toys import Toys
from lovense.vendor_simulator.limits import violation

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


def grids():
    """By rule: what it is about, the commands, the bounds, the epochs."""
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
    yield "a pattern's rule", [
        pattern() | {"rule": rule}
        for rule in ("V:1;F:;S:200#", "V:1;F:v;S:200", "V:2;F:v;S:200#", "V:1;F:x;S:200#", "V:1;F:v,r;S:200#",
                     "V:1;F:v1;S:200#", "V:1;F:pos;S:200#", "V:1;F:v,v;S:00250#", "V:1;F:V;S:200#", None, 5)
    ] + [pattern(interval=ms) for ms in (0, 100, 101, 1000, 99_999, 100_000)], [{"devices": LUSH}]  # fmt: skip
    yield (
        "patterns of several functions",
        [pattern("v,p"), pattern("p", "3;6;7;13;14"), pattern("v,r")],
        [
            {"devices": {"a": {"Vibrate": 20, "Pump": cap, "Rotate": 4}}, "maximumIntensity": top}
            for cap in (1, 2, 3)
            for top in (5, 10, 20)
        ],
    )
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
    ids = ("a", "b", "c", "", ["a"], ["a", "b"], ["b", "a"], ["a", "c"], [], ["a", ""], [5], 5, None, True, {},
           ["a"] * 16, ["a"] * 17)  # fmt: skip
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
    yield "words", [
        function(action)
        for action in ("All:5", "Position:50", "Vibrate", "Vibrate:", "Vibrate:-1", "Vibrate:5.5", "vibrate:5", "",
                       "Vibrate:5,", "Vibrate:5, Rotate:3 ", "Vibrate:5,Vibrate:9", "Vibrate:007", "Stop,Vibrate:3",
                       "Vibrate:5;Rotate:5", "Bumping:5", "__proto__:5", "constructor:5", None, 5, ["Vibrate:5"])
    ], [{"devices": {"a": {"Vibrate": 20, "Rotate": 20}}}]  # fmt: skip
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


def vectors():
    made = []
    for says, told, binding, *epochs in grids():
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


# --- at random ---------------------------------------------------------------------------------------------

TYPES = tuple(toytable.TABLE)
LETTERS = "v v v r p t d f s o x".split()
SCRAP = (None, True, False, "", "5", 5, -1, 0, [], {}, ["a"], 1e300, "Stop", "__proto__")


def drawn(chance):
    """A command, what binds it, its epoch, and the types of the toys: mostly lawful."""
    types = {own: chance.choice(TYPES) for own in chance.choice(("a", "a", "ab", "abc", ""))}
    devices = {own: _functions(chance, kind) for own, kind in types.items()}
    allowed = [name for functions in devices.values() for name, cap in functions.items() if cap]
    command = _command(chance, [name for name in allowed if name != "Stroke"])
    if command.get("command") != "Preset":  # which drives also what a summary of her devices does not name
        devices = {own: _named(chance, functions) for own, functions in devices.items()}
    bounds = {
        "devices": None if chance.random() < 0.03 else devices,
        "epoch": chance.choice((0, 3)),
        "isStopped": chance.random() < 0.03,
        "maximumIntensity": chance.choice((20, 20, 20, 20, 13, 7, 6, 1, 0)),
        "longestSeconds": chance.choice((3600, 3600, 30, 6, 6, 3, 2, 1)),
        "seconds": {own: chance.choice((2, 4, 60)) for own in types if chance.random() < 0.1},
    }
    return {"command": command, "bounds": bounds, "epoch": chance.choice((3, 3, 3, 3, 4, 2)), "types": types}


def _functions(chance, kind):
    """All that it has; 0 is what may not be used."""
    has = [name for name in toytable.of(kind).functions if name != "Position"]
    if "Thrusting" in has:
        has.append("Stroke")
    usual = chance.random() < 0.4
    return {name: TOPS[name] if usual else chance.choice((0, 1, TOPS[name] // 2, TOPS[name])) for name in has}


def _named(chance, functions):
    """As her row has them: without those that may not be used. A single motor that may not stays named: Vibrate
    moves it."""
    if chance.random() < 0.5:
        return functions
    return {name: cap for name, cap in functions.items() if cap or name.startswith("Vibrate")}


def _command(chance, allowed):
    """Mostly of what one of the toys may do."""
    kind = chance.choice(("Function",) * 6 + ("Pattern",) * 4 + ("Preset", "Stop", "Scrap"))
    seconds = (
        chance.choice((2, 3, 5, 6, 60, 4000, 2.0)) if chance.random() < 0.9 else chance.choice((0, 1, 2.5))
    )
    made = {"timeSec": seconds, "apiVer": 1}
    if kind == "Function":
        made |= {"command": kind, "action": _action(chance, allowed)}
    elif kind == "Pattern":
        mine = [letter for letter, name in toytable.LETTERS.items() if name in allowed and len(letter) == 1]
        known = mine if mine and chance.random() < 0.8 else LETTERS
        letters = ",".join(chance.sample(known, min(len(known), chance.choice((1, 1, 1, 2, 3)))))
        values = ";".join(str(chance.randint(0, 22)) for _ in range(chance.choice((1, 3, 8, 8, 50, 51))))
        interval = 100 if chance.random() < 0.1 else chance.choice((101, 250, 1000))
        made |= pattern(letters, values, interval, seconds)
    elif kind == "Preset":
        made |= {"command": kind, "name": chance.choice((*SHAPES, "storm"))}
    elif kind == "Stop":
        made |= {"command": "Function", "action": "Stop", "timeSec": chance.choice((0, 0, 5))}
    else:
        made |= {"command": chance.choice(("All", "Position", "PatternV2", "GetToys", "Dance", *SCRAP))}
    if chance.random() < 0.3:
        made["toy"] = chance.choice(("a", "b", ["a"], ["a", "b"], ["b", "c"], "z"))
    if chance.random() < 0.1:
        made |= {chance.choice(("loopRunningSec", "loopPauseSec")): chance.choice((2, 1.5, 1, "2"))}
    if chance.random() < 0.1:
        made["stopPrevious"] = chance.choice((0, 1, True, 2))
    if chance.random() < 0.05:
        made[chance.choice(tuple(made))] = chance.choice(SCRAP)
    return made


def _action(chance, allowed):
    known = allowed if allowed and chance.random() < 0.85 else WORDS
    words = chance.sample(known, min(len(known), chance.choice((1, 1, 2, 3))))
    told = [f"{word}:{chance.choice((0, 1, 2, 5, 12, 20, 21, 4000))}" for word in words]
    if chance.random() < 0.1:
        low = chance.choice((0, 10, 60))
        told += [f"Stroke:{low}-{low + chance.choice((5, 20, 40, 90))}", f"Thrusting:{chance.randint(0, 20)}"]
    return ",".join(told)


# --- the judge ---------------------------------------------------------------------------------------------


def wrong(case, result):
    """What is wrong with having sent this; empty where nothing is."""
    bounds = case["bounds"]
    for via in ("cloud", "http"):
        if broken := violation(result, via=via):
            return f"{via}: {broken}"
    if result.get("action") == "Stop":
        return "" if result["timeSec"] == 0 else "a stop with a time"
    if case["epoch"] < bounds["epoch"] or bounds["isStopped"]:
        return "after a stop"
    named = result.get("toy", [])
    named = named if isinstance(named, list) else [named]
    limits = [bounds["longestSeconds"], *(bounds["seconds"].get(own, 3600) for own in named)]
    if not 2 <= result["timeSec"] <= min(limits):
        return "too long"
    return next(filter(None, (_moved(case, own, result) for own in case["types"])), "")


def _moved(case, own, result):
    """What a toy that heard it does, and may not do."""
    devices = case["bounds"]["devices"]
    may = {"Vibrate": 20, "Vibrate1": 20, "Vibrate2": 20, "Vibrate3": 20} if devices is None else devices[own]
    toy = Toy(case["types"][own], id=own)
    if Toys([toy]).obey(result, 0)["code"] != 200:
        return ""
    if devices is None and "Vibrate" not in (result.get("action") or "Vibrate"):
        return "not known to be there"
    for name, levels in toy._playing[0].motion.values.items():
        if devices is None and name not in may:
            return f"{name} is not known to be there"
        top = min(may.get(name, 0), case["bounds"]["maximumIntensity"] * TOPS[name] / 20)
        if max(levels) > top:
            return f"{own}: {name} at {max(levels)}, above {top}"
    return ""


def fuzzed(count, seed=0):
    """How many of so many cases passed, and what was wrong with them."""
    chance, passed, found = random.Random(seed), 0, []
    for _ in range(count):
        case = drawn(chance)
        result = outcome(case)
        if not isinstance(result, str):
            passed += 1
            if why := wrong(case, result):
                found.append((why, case, result))
    return passed, found


if __name__ == "__main__":
    write()
