"""The doctor: step by step from the pairing to the toy that moves, up to the first step that fails.

What it asks of a device is its test: within all limits, in her queue, and only where every step
before it is well. Asked again with that test's request, it says how far it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ground.json.fields import Malformed
from ground.mongodb.collections import collection
from lovense.bridges.outcomes import CallOutcome
from lovense.deciding.activation import LIVE, S, activation_id
from lovense.devices import changes, choices, summary
from lovense.lane import devicetests, submissions
from lovense.lane.devicetests import AskedTest, CannotTestHere, DeviceOffline, FunctionOff
from lovense.models import Activation, DeviceStatus, Host, Performer
from lovense.rows import ActivationRow, DeviceRow, HostRow
from lovense.sending import pages
from tips.queue import requests as queue
from tips.rows import RequestRow

State = Literal["ok", "failed", "waiting", "skipped"]
PAIRED, REACH, TOY, FUNCTION, PULSE, MOVED, PAGE = (
    *("paired", "reach", "toy", "function", "pulse", "moved", "page"),
)
OF_AN_APP = (PAIRED, REACH, TOY, FUNCTION, PULSE, MOVED)
OF_A_PAGE = (PAGE, TOY, PULSE)
DID_NOT_MOVE = "did_not_move"


@dataclass(frozen=True, slots=True)
class Step:
    """`code` says of a failed one why."""

    name: str
    state: State
    code: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`question`: it has played, and only she can say whether `function` moved. `request_id`: the
    test, empty where it was not sent."""

    steps: tuple[Step, ...]
    question: bool = False
    request_id: str = ""
    function: str = ""

    @property
    def is_waiting(self) -> bool:
        return not self.question and any(each.state == "waiting" for each in self.steps)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and about which device. `request_id`: to go on with that test; without one, a test
    that is under way is taken, or a new one is sent under `key`."""

    performer_id: str
    device_id: str
    account: str
    by: str
    key: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class _Patient:
    """The rows that the steps before the pulse are about."""

    device: DeviceRow
    host: HostRow | None
    is_reached: bool  # by the path that she has chosen
    has_page: bool
    function: str


def diagnose(asking: Asking, *, now: datetime) -> Diagnosis:
    """Raises NoSuchDevice, Malformed, and what `submissions.submit` raises of her limits."""
    device = choices.owned(asking.performer_id, asking.device_id)
    test = _named(asking, device) if asking.request_id else None
    patient = _look(asking.performer_id, device, test, now)
    names = OF_A_PAGE if device["host_id"] == summary.PAGE else OF_AN_APP
    if test is not None:
        well = [Step(name, "ok") for name in names if name not in (PULSE, MOVED)]
        return _followed(names, well, patient, test)
    done: list[Step] = []
    for name in names[: names.index(PULSE)]:
        if code := _CHECKS[name](patient):
            return Diagnosis(_filled(names, [*done, Step(name, "failed", code)]))
        done.append(Step(name, "ok"))
    return _pulsed(asking, names, done, patient, now)


def _filled(names: tuple[str, ...], done: list[Step]) -> tuple[Step, ...]:
    """After the first that failed nothing is tried."""
    return (*done, *(Step(name, "skipped") for name in names[len(done) :]))


# --- before anything is sent ---------------------------------------------------------------------


def _look(performer_id: str, device: DeviceRow, test: RequestRow | None, now: datetime) -> _Patient:
    performer = collection(Performer).find_one({"_id": performer_id}, {"bridge": 1})
    wanted = {"_id": device["host_id"], "performer_id": performer_id, "unpaired_at": None}
    function = test["payload"].get("function", "") if test else ""
    return _Patient(
        device=device,
        host=collection(Host).find_one(wanted) if device["host_id"] else None,
        is_reached=performer is not None and summary.is_reached(device, performer["bridge"]),
        has_page=bool(pages.holders(now=now, among=[performer_id])),
        function=function or summary.main_of(device),
    )


def _paired(patient: _Patient) -> str:
    if not patient.is_reached:
        return "other_path"
    if patient.host is None:
        return "not_paired"
    fault = patient.host.get("fault", "")
    return fault if fault == CallOutcome.PAIRING_LOST else ""


def _reach(patient: _Patient) -> str:
    if patient.host and patient.host.get("fault", "") == CallOutcome.OPERATOR_FAULT:
        return CallOutcome.OPERATOR_FAULT.value
    reason = patient.device["reason"]
    if reason in (changes.APP_OFFLINE, changes.NO_NEWS):
        return reason
    return "" if patient.has_page else "no_page"


def _page(patient: _Patient) -> str:
    if not patient.is_reached:
        return "other_path"
    return "" if patient.has_page else "no_page"


def _toy(patient: _Patient) -> str:
    row = patient.device
    if row["status"] != DeviceStatus.CONNECTED:
        return row["reason"] or changes.REPORTED
    if not row["is_enabled"]:
        return "switched_off"
    return "muted" if summary.is_muted(row) else ""


def _function(patient: _Patient) -> str:
    row, name = patient.device, patient.function
    may_be = summary.is_function_enabled(row, name) or summary.is_untried(row, name)
    return "" if may_be else FunctionOff.code


_CHECKS: dict[str, Callable[[_Patient], str]] = {
    PAIRED: _paired,
    REACH: _reach,
    PAGE: _page,
    TOY: _toy,
    FUNCTION: _function,
}


# --- the pulse -----------------------------------------------------------------------------------


def _named(asking: Asking, device: DeviceRow) -> RequestRow:
    row = queue.find(asking.request_id)
    is_hers = row is not None and row["lane"] == asking.performer_id
    if row is None or not is_hers or row["payload"].get("device") != device["toy_id"]:
        raise Malformed("requestId", "is no test of this device")
    return row


def _pulsed(
    asking: Asking, names: tuple[str, ...], done: list[Step], patient: _Patient, now: datetime
) -> Diagnosis:
    """The test that is under way, or a new one."""
    test = _under_way(patient)
    if test is None:
        whose = {"performer_id": asking.performer_id, "device_id": asking.device_id}
        asked = {"account": asking.account, "by": asking.by, "key": asking.key}
        wish = AskedTest(function=patient.function)
        try:
            test = devicetests.ask(**whose, **asked, wish=wish, now=now).row
        except (CannotTestHere, DeviceOffline, FunctionOff, submissions.NoTestNow) as why:
            return Diagnosis(_filled(names, [*done, Step(PULSE, "failed", why.code)]))
    return _followed(names, done, patient, test)


def _under_way(patient: _Patient) -> RequestRow | None:
    test = patient.device.get("tests", {}).get(patient.function)
    if test is None:
        return None
    row = queue.find(queue.request_id(test["activation"].rpartition(".")[0]))
    return row if row is not None and _state(row, _activation(row)) == "waiting" else None


def _activation(test: RequestRow) -> ActivationRow | None:
    key = activation_id(test["idempotency_key"])
    found: ActivationRow | None = collection(Activation).find_one({"_id": key})
    return found


def _state(test: RequestRow, activation: ActivationRow | None) -> State:
    if activation is None:
        return "waiting" if test["status"] in ("pending", "claimed", "joined") else "failed"
    if S(activation["status"]) in LIVE:
        return "waiting"
    return "ok" if activation["status"] == S.COMPLETED else "failed"


def _followed(
    names: tuple[str, ...], done: list[Step], patient: _Patient, test: RequestRow
) -> Diagnosis:
    """How far the test is, and what she has said of it."""
    activation = _activation(test)
    state = _state(test, activation)
    code = activation["reason"] if activation else test["status"]
    steps = [*done, Step(PULSE, state, code if state == "failed" else "")]
    about = test["_id"], patient.function
    if state != "ok" or MOVED not in names:
        return Diagnosis(_filled(names, steps), False, *about)
    moved = _moved(patient, activation)
    return Diagnosis((*steps, moved), moved.state == "waiting", *about)


def _moved(patient: _Patient, activation: ActivationRow | None) -> Step:
    """A test that her device still remembers is one that she has not answered."""
    test = patient.device.get("tests", {}).get(patient.function)
    if test is not None and activation is not None and test["activation"] == activation["_id"]:
        return Step(MOVED, "waiting")
    choice = patient.device["choices"].get(patient.function, {})
    if "deniedAt" in choice:
        return Step(MOVED, "failed", DID_NOT_MOVE)
    return Step(MOVED, "ok" if "verifiedAt" in choice else "waiting")
