"""The control door, `/sim/…`: what a test or a person at a terminal orders. JSON in and out; an
order that cannot be carried out changes nothing."""

import re
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from urllib.parse import unquote

from lovense.rows import Json
from lovense.simulator.toys import MAX_TOYS
from lovense.vendor_simulator import journal
from lovense.vendor_simulator.agenda import LONGEST_ADVANCE_SECONDS
from lovense.vendor_simulator.calls import BadCall, VendorCall, VendorReply, as_json
from lovense.vendor_simulator.doors import toyorders
from lovense.vendor_simulator.doors.orders import SimOrder, invalid
from lovense.vendor_simulator.faults import InvalidFault, parse_one
from lovense.vendor_simulator.phones import extension
from lovense.vendor_simulator.phones.callbacks import NotThisMachine, check_target
from lovense.vendor_simulator.phones.dialects import DIALECTS
from lovense.vendor_simulator.phones.phone import Phone
from lovense.vendor_simulator.world import CORS, QR, TooManyPhones, VendorWorld

PREFIX = "/sim/"
CALLBACK_SECONDS = 10.0
LONGEST_MS = 60_000.0


def answer(world: VendorWorld, call: VendorCall) -> VendorReply:
    """Raises BadCall."""
    for method, pattern, work in _ROUTES:
        if method == call.method and (found := pattern.fullmatch(call.path)):
            return work(world, SimOrder(world, call), *map(unquote, found.groups()))
    raise BadCall(404, "not_found", "There is no such order; see docs/simulator.md.")


# --- pairing and phones --------------------------------------------------------------------------


def _scan(world: VendorWorld, said: SimOrder) -> VendorReply:
    """A person scans: the first callback has been answered when this is."""
    code = said.text("code")
    try:
        with world.agenda.lock:
            phone = said.phone() if "phone" in said.fields else None
            scanned = world.scan(code, phone)
            if scanned is None:
                raise BadCall(404, "unknown_code", "This code was never given, or it is over.")
            assert scanned.paired is not None
            told = {"phone": scanned.name, "uid": scanned.paired.uid}
            called = world.call_back(scanned)
    except TooManyPhones as error:
        raise BadCall(409, "too_many_phones", str(error)) from None
    return as_json(told | {"callback": _status(called)})


def _heartbeat(world: VendorWorld, said: SimOrder) -> VendorReply:
    with world.agenda.lock:
        phone = said.phone()
        if phone.paired is None:
            raise BadCall(409, "not_paired", "This phone is not paired.")
        called = world.call_back(phone)
    return as_json({"callback": _status(called)})


def _status(called: "Future[int]") -> int:
    """0: not answered, or not in time."""
    try:
        return called.result(CALLBACK_SECONDS)
    except (TimeoutError, CancelledError):
        return 0


def _app(world: VendorWorld, said: SimOrder) -> VendorReply:
    in_front = said.flag("inFront")
    with world.agenda.lock:
        world.show(said.phone(), in_front=in_front)
    return _state(world, said)


def _network(world: VendorWorld, said: SimOrder) -> VendorReply:
    online = said.flag("online")
    with world.agenda.lock:
        world.connect(said.phone(), online=online)
    return _state(world, said)


def _add_phone(world: VendorWorld, said: SimOrder) -> VendorReply:
    named = said.items("toys") if "toys" in said.fields else None
    types = None if named is None else [toyorders.kind_of(value) for value in named]
    if len(types or ()) > MAX_TOYS:
        raise invalid("toys", f"are at most {MAX_TOYS}")
    try:
        with world.agenda.lock:
            return as_json(_phone(world, world.add_phone(types)), status=201)
    except TooManyPhones as error:
        raise BadCall(409, "too_many_phones", str(error)) from None


# --- faults, manners, time -----------------------------------------------------------------------


def _plan_faults(world: VendorWorld, said: SimOrder) -> VendorReply:
    """All or none."""
    try:
        planned = [parse_one(str(word)) for word in said.items("faults")]
        for fault in planned:
            world.faults.add(fault)
    except InvalidFault as error:
        raise invalid("faults", str(error)) from None
    return as_json({"waiting": world.faults.waiting()}, status=201)


def _clear_faults(world: VendorWorld, said: SimOrder) -> VendorReply:
    world.faults.clear()
    return as_json({"waiting": []})


def _manners(world: VendorWorld, said: SimOrder) -> VendorReply:
    now = world.manners
    cors = said.choice("cors", now.cors, CORS)
    qr = said.choice("qr", now.qr, QR)
    dialect = DIALECTS[said.choice("dialect", now.dialect.name, DIALECTS)]
    latency = said.number("latencyMs", now.latency_ms, most=LONGEST_MS)
    jitter = said.number("jitterMs", now.jitter_ms, most=LONGEST_MS)
    try:
        url = check_target(said.text("callbackTo", world.callbacks.url, most=500))
    except NotThisMachine as error:
        raise invalid("callbackTo", str(error)) from None
    with world.agenda.lock:
        now.cors, now.latency_ms, now.jitter_ms, now.qr = cors, latency, jitter, qr
        world.callbacks.url = url
        world.speak(dialect)
    return _state(world, said)


def _clock(world: VendorWorld, said: SimOrder) -> VendorReply:
    seconds = said.number("advanceSeconds", most=LONGEST_ADVANCE_SECONDS)
    return as_json({"now": world.agenda.advance(seconds)})


def _extension(world: VendorWorld, said: SimOrder) -> VendorReply:
    state = world.extension
    ready = said.choice("ready", state.ready, extension.READY)
    shape = said.choice("shape", state.shape, extension.SHAPES)
    late = said.number("lateMs", state.late_ms, most=LONGEST_MS)
    settings = said.fields.get("settings", state.settings)
    with world.agenda.lock:
        state.ready, state.shape, state.late_ms, state.settings = ready, shape, late, settings
    return as_json({"ready": ready, "lateMs": late, "shape": shape, "settings": settings})


def _reset(world: VendorWorld, said: SimOrder) -> VendorReply:
    with world.agenda.lock:
        world.reset()
    return _state(world, said)


# --- looking -------------------------------------------------------------------------------------


def _state(world: VendorWorld, said: SimOrder) -> VendorReply:
    with world.agenda.lock:
        manners = world.manners
        told = {
            "now": world.agenda.now(),
            "phonePort": world.ports.http,
            "phoneHttpsPort": world.ports.https,
            "cors": manners.cors,
            "qr": manners.qr,
            "dialect": manners.dialect.name,
            "latencyMs": manners.latency_ms,
            "jitterMs": manners.jitter_ms,
            "callbackTo": world.callbacks.url,
            "callbacks": {str(status): n for status, n in sorted(world.callbacks.statuses.items())},
            "faults": world.faults.waiting(),
            "phones": [_phone(world, phone) for phone in world.phones.values()],
        }
    return as_json(told)


def _journal(world: VendorWorld, said: SimOrder) -> VendorReply:
    kind, since = said.query.get("kind", ""), said.query.get("since", "0")
    if kind and kind not in journal.KINDS:
        raise invalid("kind", f"is one of {', '.join(journal.KINDS)}")
    if not re.fullmatch(r"\d{1,15}", since, re.ASCII):
        raise invalid("since", "is a moment in ms since the epoch")
    return as_json({"lines": world.journal.lines(kind, since=int(since))})


def _phone(world: VendorWorld, phone: Phone) -> Json:
    now = world.agenda.now()
    return {
        "phone": phone.name,
        "domain": phone.domain,
        "uid": phone.paired.uid if phone.paired else None,
        "inFront": phone.is_in_front,
        "online": phone.is_online,
        "toys": [toyorders.described(toy, now) for toy in phone.toys],
    }


_ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., VendorReply]], ...] = (
    ("POST", re.compile(PREFIX + "scan"), _scan),
    ("POST", re.compile(PREFIX + "heartbeat"), _heartbeat),
    ("POST", re.compile(PREFIX + "app"), _app),
    ("POST", re.compile(PREFIX + "network"), _network),
    ("POST", re.compile(PREFIX + "phones"), _add_phone),
    ("POST", re.compile(PREFIX + "toys"), toyorders.add),
    ("POST", re.compile(PREFIX + "toys/([^/]+)"), toyorders.change),
    ("DELETE", re.compile(PREFIX + "toys/([^/]+)"), toyorders.remove),
    ("POST", re.compile(PREFIX + "faults"), _plan_faults),
    ("DELETE", re.compile(PREFIX + "faults"), _clear_faults),
    ("POST", re.compile(PREFIX + "manners"), _manners),
    ("POST", re.compile(PREFIX + "clock"), _clock),
    ("POST", re.compile(PREFIX + "extension"), _extension),
    ("POST", re.compile(PREFIX + "reset"), _reset),
    ("GET", re.compile(PREFIX + "state"), _state),
    ("GET", re.compile(PREFIX + "journal"), _journal),
)
