"""One command on its way to the toys of a phone: latency, the fault that was ordered for it, what
the toys do, the line in the journal, and the answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from lovense.rows import Json
from lovense.simulator import commands
from lovense.simulator.toy import MESSAGES
from lovense.vendor_simulator import faults
from lovense.vendor_simulator.calls import VendorReply
from lovense.vendor_simulator.faults import PlannedFault
from lovense.vendor_simulator.journal import command_line
from lovense.vendor_simulator.phones.phone import Phone
from lovense.vendor_simulator.world import VendorWorld

PAGE = b"<!doctype html><title>Bad gateway</title><p>The server is away."
APP_OFFLINE = 507
MORE_MESSAGES = MESSAGES | {
    500: "HTTP server not started",
    501: "Invalid Token",
    502: "No Permission",
    503: "Invalid User ID",
    506: "Server Error. Restart Lovense Connect.",
    APP_OFFLINE: "Lovense APP is offline",
}


@dataclass(frozen=True, slots=True)
class Way:
    """In which words a command comes back: `told` makes its own answer of the phone's, `failed` of
    a code."""

    via: str
    told: Callable[[Json], Json]
    failed: Callable[[int], Json]
    content_type: str


def wait_for_latency(world: VendorWorld) -> None:
    """As long as the way of a call takes; it is drawn anew for each."""
    if seconds := world.drawn_latency() / 1000:
        world.stopping.wait(seconds)


def tell(world: VendorWorld, phone: Phone, body: Json, way: Way) -> VendorReply:
    is_list = body.get("command") in commands.LISTS
    place = faults.LIST if is_list else faults.COMMAND
    fault = world.faults.take(place, is_stop=commands.is_stop(body))
    with world.agenda.lock:
        answer = _done(world, phone, body, way, fault)
    reply = VendorReply(body=json.dumps(answer).encode(), content_type=way.content_type)
    return spoiled(reply, fault) if fault else reply


def spoiled(reply: VendorReply, fault: PlannedFault) -> VendorReply:
    """The reply as the fault leaves it."""
    if fault.kind in (faults.DROP_BEFORE, faults.DROP_AFTER):
        return replace(reply, is_cut=True)
    if fault.kind == faults.SLOW:
        return replace(reply, delay=fault.number)
    if fault.kind == faults.EMPTY:
        return replace(reply, body=b"")
    if fault.kind in (faults.HTTP, faults.HTML):
        status = int(fault.number) if fault.kind == faults.HTTP else 200
        return replace(reply, status=status, body=PAGE, content_type="text/html")
    return reply


def refusal(code: int) -> Json:
    """As the phone tells it."""
    return {"code": code, "type": "error", "message": MORE_MESSAGES.get(code, "Error")}


def _done(
    world: VendorWorld, phone: Phone, body: Json, way: Way, fault: PlannedFault | None
) -> Json:
    """What is answered; before that, what the fault lets happen, with its lines."""
    now = world.agenda.now()
    if fault is None:
        return _told(world, phone, body, way, at=now)
    if fault.kind == faults.LATE:
        _plan(world, phone, body, way, fault)
        return _foreseen(phone, body, way, now)
    if fault.kind in faults.NOT_DONE:
        answer = _untold(phone, body, way, fault, now)
        _note(world, phone, body, answer, way, at=now, fault=str(fault))
        return answer
    for _ in range(2 if fault.kind == faults.DUPLICATE else 1):
        answer = _told(world, phone, body, way, at=now, fault=str(fault))
    return answer


def _told(
    world: VendorWorld, phone: Phone, body: Json, way: Way, *, at: int, fault: str = ""
) -> Json:
    answer = way.told(phone.obey(body, at))
    _note(world, phone, body, answer, way, at=at, fault=fault)
    phone.settle(at)
    return answer


def _untold(phone: Phone, body: Json, way: Way, fault: PlannedFault, now: int) -> Json:
    """For a command that never reaches a toy. What is no answer at all is an empty one in the
    journal."""
    if fault.kind == faults.CODE:
        return way.failed(int(fault.number))
    return _foreseen(phone, body, way, now) if fault.kind == faults.STOP_LOST else {}


def _foreseen(phone: Phone, body: Json, way: Way, now: int) -> Json:
    code = phone.foresee(body, now)
    return way.told({"code": 200, "type": "ok"} if code == 200 else refusal(code))


def _plan(world: VendorWorld, phone: Phone, body: Json, way: Way, fault: PlannedFault) -> None:
    """It arrives later. An app that cannot be reached then never hears of it."""

    def arrive(moment: int) -> None:
        if world.phones.get(phone.name) is not phone:
            return  # everything began anew meanwhile
        if phone.is_reached_by_cloud:
            _told(world, phone, body, way, at=moment, fault=str(fault))
        else:
            answer = way.failed(APP_OFFLINE)
            _note(world, phone, body, answer, way, at=moment, fault=str(fault))

    world.agenda.at(world.agenda.now() + int(fault.number * 1000), arrive)


def _note(
    world: VendorWorld,
    phone: Phone,
    body: Json,
    answer: Json,
    way: Way,
    *,
    at: int,
    fault: str = "",
) -> None:
    line = command_line(body, answer, at=at, via=way.via, phone=phone.name, fault=fault)
    world.journal.write(line)
