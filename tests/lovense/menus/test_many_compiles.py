"""What the compiler never exceeds, of as many vibrations as `COMPILES` says; a million take half an hour, and
`-s` prints how long."""

import os
import random
import time

from lovense import fence
from lovense.devices import summary
from lovense.devices.toytable import TOPS
from lovense.menus.actuators import Capabilities, VibrationCaps
from lovense.menus.compiler import Cannot, compile_vibration
from lovense.menus.vibration import SHAPES, Vibration, VibrationKind, Waveform
from lovense.patterns import reading
from lovense.vendor_simulator.limits import violation
from tests.lovense.menus import compile_vectors

COMPILES = int(os.environ.get("COMPILES", "2000"))
FUNCTIONS = ("Vibrate", "Rotate", "Pump", "Thrusting", "Depth", "Stroke")
WRITTEN = [reading.drawn(text) for text in compile_vectors.WRITTEN.values()]
SECONDS, STRENGTHS = [*[2, 5, 30, 120] * 5, 1], [*[1, 5, 12, 20] * 5, 0]
PATHS = ((0, 0), (4, 1), (9, 2))


def vibration(chance):
    kind = chance.choice([*VibrationKind])
    seconds = chance.choice((chance.randint(1, 12), chance.randint(1, 120), chance.randint(1, 3600)))
    values = tuple(chance.randint(0, 20) for _ in range(chance.randint(1, 50)))
    is_pattern = kind is VibrationKind.PATTERN
    names = chance.sample(FUNCTIONS, chance.choice((0, 0, 1, 2, 3)))
    return Vibration(
        kind,
        seconds,
        chance.randint(1, 20),
        chance.choice([*SHAPES]),
        Waveform(values, chance.randint(101, 1000)) if is_pattern else None,
        chance.choice([None, *WRITTEN]) if is_pattern else None,
        loops=chance.choice((1, 1, 1, 2, 100)),
        pause_seconds=chance.choice((0, 1, 60)),
        ramp_in=chance.choice((0, seconds // 3)),
        ramp_out=chance.choice((0, seconds // 2)),
        functions=tuple((name, chance.randint(1, 100)) for name in names),
    )


def device(chance):
    names = chance.sample(FUNCTIONS, chance.randint(2, 6))
    actuators = tuple(summary.actuator(name, cap=chance.randint(0, TOPS[name])) for name in names)
    main = chance.choice(("Vibrate", "Thrusting"))
    some = chance.randint(10, 100), chance.random() < 0.5
    return Capabilities(main, actuators, *some, *chance.choice(PATHS))


def check(found, capabilities, caps):
    assert 2 <= found.promised_seconds <= caps.seconds
    assert found.timeline.length_ms == found.promised_seconds * 1000
    limits = {actuator.name: actuator.cap for actuator in capabilities.actuators}
    bounds = fence.Bounds({"a": limits}, maximum_intensity=caps.intensity, longest_seconds=caps.seconds)
    for told in found.calls:
        call = {name: value for name, value in told.items() if name not in ("drawing", "steps")}
        assert violation(call, via="cloud") == ""
        assert fence.checked(call, bounds, epoch=0)["timeSec"] == found.promised_seconds
    for name, segments in found.timeline.functions.items():
        strongest = max((segment.level for segment in segments), default=0)
        top = min(limits[name], caps.intensity * TOPS[name] / 20)
        assert -(-strongest * TOPS[name] // 20) <= top, name


def test_of_many_vibrations_none_exceeds_a_cap_or_a_limit_of_the_vendors():
    chance, began, refused = random.Random("compiles"), time.process_time(), 0
    for number in range(COMPILES):
        asked, capabilities = vibration(chance), device(chance)
        caps = VibrationCaps(
            chance.choice((*[2, 5, 30, 120] * 5, 1)), chance.choice((*[1, 5, 12, 20] * 5, 0))
        )
        found = compile_vibration(asked, capabilities, caps)
        if isinstance(found, Cannot):
            assert found.text
            refused += 1
            continue
        try:
            check(found, capabilities, caps)
        except BaseException as error:
            error.add_note(f"number {number}: {asked} by {capabilities} within {caps}")
            raise
    print(f"\n{COMPILES} compiles and their checks, {refused} refused: {time.process_time() - began:.0f} s")
    assert 0 < refused < COMPILES / 2
