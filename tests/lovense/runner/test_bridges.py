"""What every bridge promises, and the one that docs/bridges.md builds."""

import re
from pathlib import Path

import pytest

from lovense import bridges
from lovense.bridges import CallAnswer, CallOutcome, DeviceLeg, slices
from lovense.menus import vibration
from lovense.menus.compiler import compile_item
from lovense.vendor_simulator.limits import violation

DOCUMENT = Path(__file__).parents[3] / "docs" / "bridges.md"
ITEMS = [
    {"pattern": pattern, "intensity": 12, "durationSec": seconds}
    for pattern in vibration.PATTERNS
    for seconds in (2, 9, 30)
]


@pytest.fixture
def example(settings):
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    settings.LOVENSE_BRIDGES = [*settings.LOVENSE_BRIDGES, "GENTLE"]
    exec(compile(code, "docs/bridges.md", "exec"), {"__name__": "gentle"})
    yield "GENTLE"
    del bridges._known["GENTLE"]


@pytest.fixture(params=["SIMULATOR", "STANDARD_SERVER", "STANDARD_LAN", "GENTLE"])
def bridge(request, example):
    return bridges.find(request.param)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item['pattern']} {item['durationSec']} s")
def test_its_calls_keep_the_vendors_limits(bridge, item):
    commands, seconds = compile_item(item, maximum_seconds=30, maximum_intensity=20)
    windows = slices.windows(seconds, bridge.lease_seconds or seconds)
    calls = [call for each in windows for call in bridge.encode(DeviceLeg("a", (*commands,)), each)]
    assert [violation(call, via="cloud") for call in calls] == [""] * len(windows)
    assert all(call["toy"] == "a" for call in calls)


def test_it_stops_with_the_vendors_word(bridge):
    assert [call["action"] for call in bridge.stop(["a", "b"])] == ["Stop", "Stop"]


def test_it_reads_answers_and_statuses(bridge):
    assert bridge.outcome(CallAnswer(200, b'{"code":200}')) is CallOutcome.ACCEPTED
    assert bridge.read_status({"toys": [{"id": "a", "status": 1}]}).connected == 1


def test_the_example_is_gentle(example):
    level = {"command": "Function", "action": "Vibrate:16", "timeSec": 4, "apiVer": 1}
    (call,) = bridges.find(example).encode(DeviceLeg("a", (level,)), slices.windows(4, 9)[0])
    assert call["action"] == "Vibrate:5"
