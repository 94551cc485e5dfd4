"""The vectors of the compiler: each type of toy with each kind of vibration, and whatever else there can be.

`python -m tests.lovense.menus.compile_vectors` writes `tests/golden/compile.json` anew, from the compiler:
what is different then has to be read before it is kept. `levels` are those of the timeline every 100 ms, in
the function's own range, as `level*times`."""

import itertools
import json
from pathlib import Path

from lovense.bridges import DeviceLeg, RunsIn, slices
from lovense.bridges.standard import StandardBridge
from lovense.devices import summary, toytable
from lovense.devices.toytable import TOPS
from lovense.menus.actuators import Capabilities, VibrationCaps
from lovense.menus.compiler import Cannot, compile_vibration
from lovense.menus.vibration import SHAPES, Vibration, VibrationKind, Waveform
from lovense.patterns import reading, shipped

GOLDEN = Path(__file__).parents[2] / "golden" / "compile.json"
STEP_MS = 100
BRIDGE = StandardBridge("VECTORS", RunsIn.PAGE)
OWN_SHAPE = {"values": [0, 3, 20, 9, 9, 1], "intervalMs": 300}
KINDS = {
    "a level": {"kind": "LEVEL", "strength": 10},
    "a preset with a strength": {"kind": "PRESET", "strength": 13, "preset": "wave"},
    "a preset of the vendor's": {"kind": "PRESET", "strength": None, "preset": "pulse"},
    "a pattern": {"kind": "PATTERN", "strength": 17, "shape": OWN_SHAPE},
}
WRITTEN = {
    "steps": "20 2s, 0 1s, 10 1.5s",
    "a ramp": "1>20 5s, 4 1s",
    "a flutter": "(20 0.11s, 7 0.13s) x 7, 12 0.31s",
    "a long one": "(3 0.7s, 18 0.4s, 9 1.3s, 0 0.6s) x 20",
    "two functions": "{vibrate 20, rotate 5} 3s, {rotate 20} 2s, {vibrate 4>12} 4s",
    "two alike": "{vibrate 20, rotate 20} 1s, 6 1s",
    "what few have": "{vibrate 12, pump 20, thrusting 8} 2s, {pump 7, thrusting 20} 3s, 0 1s",
}
PATHS = {"by a page": (4, 1), "by the server": (9, 2)}  # a lease, and the shortest step


# --- reading a case ----------------------------------------------------------------------------------------


def vibration_of(told):
    shape, text = told.get("shape"), told.get("text")
    return Vibration(
        VibrationKind(told["kind"]),
        told["seconds"],
        told["strength"],
        told.get("preset", ""),
        Waveform(tuple(shape["values"]), shape["intervalMs"]) if shape else None,
        reading.drawn(text) if text else None,
        loops=told.get("loops", 1),
        pause_seconds=told.get("pauseSec", 0),
        ramp_in=told.get("rampInSec", 0),
        ramp_out=told.get("rampOutSec", 0),
        functions=tuple(told.get("functions", {}).items()),
    )


def capabilities_of(told):
    actuators = tuple(
        summary.actuator(name, cap=limits["cap"], floor=limits.get("floor", 0))
        for name, limits in told["functions"].items()
    )
    main = toytable.of(told["type"]).main_function
    scale, overlays = told.get("scale", 100), told.get("takesOverlays", True)
    return Capabilities(main, actuators, scale, overlays, *told.get("path", (0, 0)))


def compiled(case):
    caps = VibrationCaps(*case.get("caps", (30, 20)))
    return compile_vibration(vibration_of(case["vibration"]), capabilities_of(case["device"]), caps)


def answer(case):
    """What the golden file says of it."""
    found = compiled(case)
    if isinstance(found, Cannot):
        return {"cannot": found.reason, "function": found.function}
    said = {"slices": in_slices(case, found)} if "path" in case["device"] else {"calls": list(found.calls)}
    return said | {
        "promisedSeconds": found.promised_seconds,
        "notes": list(found.notes),
        "levels": {name: packed(levels) for name, levels in own_levels(found).items()},
    }


def in_slices(case, found):
    """When each call is told, in ms of the run, on a path with a lease."""
    lease, _ = case["device"]["path"]
    leg = DeviceLeg("a", found.calls)
    told = []
    for window in slices.planned(found.calls, found.promised_seconds, lease):
        told += [[window.told_at * 1000, call] for call in BRIDGE.encode(leg, window)]
    return told


def own_levels(found):
    """By function, at the beginning of each step; a function with fewer levels rounds up."""
    timeline = found.timeline
    moments = [timeline.at(ms) for ms in range(0, timeline.length_ms, STEP_MS)]
    return {name: [-(-moment[name] * TOPS[name] // 20) for moment in moments] for name in timeline.functions}


def packed(levels):
    return " ".join(f"{level}*{len([*same])}" for level, same in itertools.groupby(levels))


# --- the golden file ---------------------------------------------------------------------------------------


def device(name, **more):
    functions = toytable.of(name).functions
    usable = {each: {"cap": TOPS[each]} for each in functions if each not in toytable.NOT_USED}
    if "Thrusting" in usable:
        usable["Stroke"] = {"cap": 100}
    return {"type": name, "functions": usable} | more


def limited(name, function, **limits):
    made = device(name)
    made["functions"][function] |= limits
    return made


def level(seconds=3, strength=10, **more):
    return {"kind": "LEVEL", "seconds": seconds, "strength": strength} | more


def preset(name="wave", seconds=5, strength=13, **more):
    return {"kind": "PRESET", "seconds": seconds, "strength": strength, "preset": name} | more


def of_types():
    for name, (kind, told) in itertools.product(toytable.TABLE, KINDS.items()):
        yield f"{name}: {kind}", device(name), told | {"seconds": 4}, (30, 20)


def of_functions():
    for name, kind in toytable.TABLE.items():
        usable = [each for each in kind.functions if each not in toytable.NOT_USED]
        for function in usable if len(usable) > 1 else ():
            named = {function: 50}
            yield f"{name}: half of {function}", device(name), level(functions=named), (30, 20)
            yield f"{name}: a wave of {function}", device(name), preset(functions=named), (30, 20)
        if len(usable) > 1:
            alike, apart = (
                dict.fromkeys(usable, 100),
                {each: 90 - 40 * n // 2 for n, each in enumerate(usable)},
            )
            yield f"{name}: all alike", device(name), preset(functions=alike), (30, 20)
            yield f"{name}: all alike, a level", device(name), level(functions=alike), (30, 20)
            yield f"{name}: all apart", device(name), preset(functions=apart), (30, 20)
            none = device(name, takesOverlays=False)
            yield f"{name}: all apart, one command alone", none, preset(functions=apart), (30, 20)


def of_strokes():
    for way in (1, 20, 60, 100):
        named = {"Thrusting": 100, "Stroke": way}
        yield f"a stroke of {way}", device("solace"), level(functions=named), (30, 20)
    named = {"Thrusting": 100, "Stroke": 60}
    for cap in (19, 20, 50):
        yield f"a stroke within {cap}", limited("solace", "Stroke", cap=cap), level(functions=named), (30, 20)
    yield "a stroke in a wave", device("solace"), preset(functions=named), (30, 20)
    yield (
        "a stroke without a thrust",
        device("solace"),
        level(functions={"Depth": 100, "Stroke": 50}),
        (30, 20),
    )
    yield "a stroke alone", device("solace"), level(functions={"Stroke": 50}), (30, 20)


def of_limits():
    for seconds, intensity in ((30, 7), (30, 1), (3, 20), (2, 20), (1, 20), (0, 20), (30, 0)):
        says = f"within {seconds} s and {intensity}"
        for kind, told in (("a level", level(8)), ("a wave", preset("pulse", 8))):
            yield f"{kind} {says}", device("lush"), told, (seconds, intensity)
    for cap in (0, 1, 2, 3):
        pump = {"Vibrate": 100, "Pump": 100}
        yield f"a pump within {cap}", limited("max", "Pump", cap=cap), level(2, 16, functions=pump), (30, 20)
        yield (
            f"a pump within {cap}, beside",
            limited("max", "Pump", cap=cap),
            preset(functions=pump),
            (30, 20),
        )
    for intensity in (6, 7, 13):
        all_of_it = level(2, 20, functions={"Vibrate": 100, "Pump": 100})
        yield f"a pump within an intensity of {intensity}", device("max"), all_of_it, (30, intensity)
    for floor in (1, 9, 20):
        for kind, told in (("a level", level(2, 5)), ("a wave", preset(strength=8))):
            yield (
                f"{kind} felt from {floor} on",
                limited("lush", "Vibrate", cap=15, floor=floor),
                told,
                (30, 20),
            )
    for scale in (10, 55, 100):
        yield f"a device at {scale} %", device("nora", scale=scale), preset(strength=20), (30, 20)
        of_both = level(functions={"Vibrate": 100, "Rotate": 33})
        yield f"a device at {scale} %, two functions", device("nora", scale=scale), of_both, (30, 20)
    off = device("xmachine")
    del off["functions"]["Thrusting"], off["functions"]["Stroke"]
    yield "a machine whose thrust is off", off, level(), (30, 20)
    yield "what it has not", device("lush"), level(functions={"Rotate": 100}), (30, 20)
    yield "one of two that it has", device("lush"), level(functions={"Rotate": 100, "Vibrate": 50}), (30, 20)
    yield "a position, which is never sent", device("solacepro"), level(functions={"Position": 50}), (30, 20)


def of_times():
    for seconds in (1, 2, 30, 31, 3600):
        yield f"{seconds} s", device("lush"), level(seconds), (30, 20)
    for loops, pause in ((2, 0), (3, 1), (2, 60), (100, 1)):
        more = {"loops": loops, "pauseSec": pause}
        yield f"{loops} times, {pause} s between", device("lush"), level(2, **more), (30, 20)
        yield f"a wave {loops} times, {pause} s between", device("nora"), preset(**more), (30, 20)
    for into, out in ((2, 0), (0, 2), (3, 3), (1, 0)):
        more = {"rampInSec": into, "rampOutSec": out}
        yield f"ramps of {into} and {out} s", device("lush"), level(6, 18, **more), (30, 20)
        yield (
            f"ramps of {into} and {out} s, of a thrust",
            device("solace"),
            preset("pulse", 6, **more),
            (30, 20),
        )
    yield "a ramp that is cut", device("lush"), level(20, rampOutSec=10), (15, 20)
    yield (
        "ramps and two functions",
        device("nora"),
        level(6, functions={"Vibrate": 100, "Rotate": 50}, rampInSec=3),
        (30, 20),
    )
    for seconds in (50, 51, 60):
        yield f"a ramp in {seconds} s", device("lush"), level(seconds, rampInSec=seconds), (60, 20)
    for name in SHAPES:
        yield f"{name} at its weakest", device("domi"), preset(name, strength=1), (30, 20)
        yield f"{name} at its strongest", device("domi"), preset(name, strength=20), (30, 20)


def written(text, seconds=12, strength=20, **more):
    return {"kind": "PATTERN", "seconds": seconds, "strength": strength, "text": text} | more


def of_texts():
    for name, text in WRITTEN.items():
        for kind in ("lush", "nora", "max", "solace", "edge"):
            yield f"{name}, written, for a {kind}", device(kind), written(text), (30, 20)
        for path, own in PATHS.items():
            for kind in ("lush", "nora", "max"):
                on = device(kind, path=own, takesOverlays=False)
                yield f"{name}, written, for a {kind}, {path}", on, written(text, 23), (30, 20)
    for name, text in shipped.TEXTS.items():
        yield f"{name}, which is shipped", device("nora"), written(text, 10, 13), (30, 20)
    for cap in (7, 15):
        limits = limited("nora", "Vibrate", cap=cap)
        yield (
            f"two functions within {cap}",
            limits | {"path": (4, 1)},
            written(WRITTEN["two functions"]),
            (30, 12),
        )
    named = {"Rotate": 50}
    yield (
        "one of two that are written",
        device("nora"),
        written(WRITTEN["two functions"], functions=named),
        (30, 20),
    )
    yield "none of those that are written", device("nora"), written("{pump 3} 2s", functions=named), (30, 20)
    loops = {"loops": 2, "pauseSec": 2, "rampInSec": 2}
    yield "a ramp, written, in loops", device("lush"), written(WRITTEN["a ramp"], 7, **loops), (30, 20)
    on = device("lush", path=(9, 2))
    yield "a ramp, written, in loops, in slices", on, written(WRITTEN["a ramp"], 7, **loops), (30, 20)
    yield (
        "a step that is the last",
        device("nora", path=(4, 1)),
        written(WRITTEN["two functions"], 3),
        (30, 20),
    )


def cases():
    for made in (of_types, of_functions, of_strokes, of_limits, of_times, of_texts):
        for says, on, vibration, caps in made():
            case = {"says": says, "device": on, "vibration": vibration, "caps": [*caps]}
            yield case | answer(case)


def write():
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases())
    GOLDEN.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write()
