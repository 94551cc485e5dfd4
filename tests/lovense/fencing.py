"""Cases for the last hop, drawn at random; and a judge of what it lets pass, who knows nothing of how it
decides."""

import random

from lovense.devices import toytable
from lovense.devices.toytable import TOPS
from lovense.menus.vibration import SHAPES
from lovense.simulator.toy import Toy
from lovense.simulator.toys import Toys
from lovense.vendor_simulator.limits import violation
from tests.lovense.fence_vectors import WORDS, outcome, pattern

TYPES = tuple(toytable.TABLE)
LETTERS = ("v", "v", "v", "r", "p", "t", "d", "f", "s", "o", "x")
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
    """As her row has them: without those that may not be used. A single motor that may not stays named:
    Vibrate moves it."""
    if chance.random() < 0.5:
        return functions
    return {name: cap for name, cap in functions.items() if cap or name.startswith("Vibrate")}


def _command(chance, allowed):
    """Mostly of what one of the toys may do."""
    kind = chance.choice(("Function",) * 6 + ("Pattern",) * 4 + ("Preset", "Stop", "Scrap"))
    seconds = (
        chance.choice((2, 3, 5, 6, 60, 4000, 2.0)) if chance.random() < 0.9 else chance.choice((0, 1, 2.5))
    )
    made = {"timeSec": seconds, "apiVer": 1} | _of_kind(kind, chance, allowed, seconds)
    for likely, names, values in (
        (0.3, ("toy",), ("a", "b", ["a"], ["a", "b"], ["b", "c"], "z")),
        (0.1, ("loopRunningSec", "loopPauseSec"), (2, 1.5, 1, "2")),
        (0.1, ("stopPrevious",), (0, 1, True, 2)),
        (0.05, tuple(made), SCRAP),
    ):
        if chance.random() < likely:
            made[chance.choice(names)] = chance.choice(values)
    return made


def _of_kind(kind, chance, allowed, seconds):
    if kind == "Function":
        return {"command": kind, "action": _action(chance, allowed)}
    if kind == "Pattern":
        mine = [letter for letter, name in toytable.LETTERS.items() if name in allowed and len(letter) == 1]
        known = mine if mine and chance.random() < 0.8 else LETTERS
        letters = ",".join(chance.sample(known, min(len(known), chance.choice((1, 1, 1, 2, 3)))))
        values = ";".join(str(chance.randint(0, 22)) for _ in range(chance.choice((1, 3, 8, 8, 50, 51))))
        return pattern(letters, values, 100 if chance.random() < 0.1 else 250, seconds)
    if kind == "Preset":
        return {"command": kind, "name": chance.choice((*SHAPES, "storm"))}
    if kind == "Stop":
        return {"command": "Function", "action": "Stop", "timeSec": chance.choice((0, 0, 5))}
    return {"command": chance.choice(("All", "Position", "PatternV2", "GetToys", "Dance", *SCRAP))}


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
