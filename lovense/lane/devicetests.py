"""Tests of one device: what a performer asks of one function of hers, and whether it can be tested
now. It waits in her queue like any test, before all that waits by priority, and it plays on that
device alone."""

from dataclasses import dataclass
from datetime import datetime

from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from ground.mongodb.collections import collection
from lovense import bridges
from lovense.devices import choices, summary, toytable
from lovense.lane import submissions
from lovense.lane.submissions import Submission, Submitted
from lovense.menus.vibration import (
    LEVEL_PATTERN,
    MAXIMUM_LEVEL,
    SHORTEST_RUN_SECONDS,
    STROKE,
    THRUST,
)
from lovense.models import Performer
from lovense.rows import DeviceRow, DeviceSummary
from tips.models import Priority, RequestType

STRENGTH, SECONDS, LONGEST_SECONDS = 5, SHORTEST_RUN_SECONDS, 5
TITLE = "Test"


class DeviceOffline(Refusal):
    """A device that is away, switched off or not reached is not tested."""

    code, status = "device_offline", 409

    def __init__(self, words: str) -> None:
        super().__init__(f"{words}: it cannot be tested now.")


class FunctionOff(Refusal):
    """What she has switched off is not tested, unless it is off until it was tested."""

    code, status = "function_off", 409

    def __init__(self, function: str) -> None:
        super().__init__(f"{function} is switched off on this device.")
        self.details = {"function": function}


class CannotTestHere(Refusal):
    """What is handed over whole to levels that are not ours tells no device anything by itself."""

    code, status = "cannot_test_here", 409
    words = "Your extension decides what its toys do: test them there."


@dataclass(frozen=True, slots=True)
class AskedTest:
    """What is asked of the device; without a function, of its main one."""

    strength: int = STRENGTH
    seconds: int = SECONDS
    function: str = ""


def parse(body: Fields) -> AskedTest:
    """Raises Malformed."""
    body.only("strength", "seconds", "function")
    strength, seconds, function = STRENGTH, SECONDS, ""
    if body.given("strength"):
        strength = body.integer("strength", minimum=1, maximum=MAXIMUM_LEVEL)
    if body.given("seconds"):
        seconds = body.integer("seconds", minimum=SHORTEST_RUN_SECONDS, maximum=LONGEST_SECONDS)
    if body.given("function"):
        function = body.choice("function", tuple(toytable.TOPS), "")
    return AskedTest(strength, seconds, function)


def ask(
    *,
    performer_id: str,
    device_id: str,
    wish: AskedTest,
    account: str,
    by: str,
    key: str,
    now: datetime,
) -> Submitted:
    """Puts it into her queue. The same key of an account is the same request, also where the device
    is away by now.

    Raises NoSuchDevice, Malformed, CannotTestHere, DeviceOffline, FunctionOff and what
    `submissions.submit` raises."""
    row, key = choices.owned(performer_id, device_id), f"device/{key}"
    function = _function(row, wish.function)
    if submissions.known(RequestType.TEST, account=account, key=key) is None:
        _check(performer_id, row, function)
    test = Submission(
        type=RequestType.TEST,
        amount=0,
        item=submissions.item_of(TITLE, LEVEL_PATTERN, wish.strength, wish.seconds),
        priority=Priority.CRITICAL,
        device=row["toy_id"],
        function=function,
    )
    return submissions.submit(test, lane=performer_id, account=account, name=by, key=key, now=now)


def _function(row: DeviceRow, asked: str) -> str:
    function = asked or summary.main_of(row)
    names = {each["name"] for each in row["functions"]}
    if function not in names:
        raise Malformed("function", "is no function of this device")
    if function in toytable.NOT_USED:
        raise Malformed("function", "is never sent")
    if function == STROKE and THRUST not in names:
        raise Malformed("function", f"goes with {THRUST}, which this device does not do")
    return function


def _check(performer_id: str, row: DeviceRow, function: str) -> None:
    check_reached(performer_id, row)
    if not (summary.is_function_enabled(row, function) or summary.is_untried(row, function)):
        raise FunctionOff(function)


def check_reached(performer_id: str, row: DeviceRow) -> None:
    """As her own row says it: that is what its turn will be decided by. Raises CannotTestHere,
    NoTestNow, DeviceOffline."""
    performer = collection(Performer).find_one(
        {"_id": performer_id}, {"stopped_at": 1, "devices": 1, "bridge": 1}
    )
    if performer and bridges.own_levels(performer["bridge"]) is not None:
        raise CannotTestHere
    if performer and performer.get("stopped_at"):
        raise submissions.NoTestNow
    device = _reached((performer or {}).get("devices") or [], row["toy_id"])
    if device is None:
        raise DeviceOffline(f"{row['nickname']} is not moved by what you play on now")
    if not summary.ready([device]):
        raise DeviceOffline(summary.words([device]))


def _reached(devices: list[DeviceSummary], toy_id: str) -> DeviceSummary | None:
    return next((each for each in devices if each["toyId"] == toy_id), None)
