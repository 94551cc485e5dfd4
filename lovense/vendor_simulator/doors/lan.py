"""The local server of the app on a phone: `POST /command`, over http and https, with and without
what a browser needs (CORS). It answers only while the app is in front."""

from collections.abc import Mapping
from dataclasses import replace

from lovense.rows import Json
from lovense.simulator.commands import INVALID_COMMAND
from lovense.vendor_simulator.calls import VendorCall, VendorReply, as_json
from lovense.vendor_simulator.commanding import Way, refusal, tell, wait_for_latency
from lovense.vendor_simulator.journal import command_line
from lovense.vendor_simulator.phones.phone import Phone
from lovense.vendor_simulator.world import FULL, NONE, VendorWorld

HELD_SECONDS = 30.0  # a call to a phone without network hangs so long, unless its caller gives up
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, X-platform",
    "Access-Control-Allow-Private-Network": "true",
    "Access-Control-Max-Age": "0",
}


def answer(world: VendorWorld, call: VendorCall) -> VendorReply:
    phone = _phone(world, call)
    if phone is None:
        return as_json(refusal(INVALID_COMMAND), status=403)
    if not phone.is_online:
        world.agenda.wait_until(lambda: phone.is_online or world.is_over, HELD_SECONDS)
        return VendorReply(is_cut=True)
    if not phone.is_in_front:
        return VendorReply(is_cut=True)
    reply = _answer(world, phone, call)
    return replace(reply, headers={**reply.headers, **_cors(world)})


def _answer(world: VendorWorld, phone: Phone, call: VendorCall) -> VendorReply:
    if call.path != "/command":
        return as_json(refusal(INVALID_COMMAND), status=404)
    if call.method == "OPTIONS":
        is_known = world.manners.cors == FULL
        return VendorReply(204 if is_known else 405, headers=_PREFLIGHT if is_known else {})
    if call.method != "POST":
        return as_json(refusal(INVALID_COMMAND), status=405)
    wait_for_latency(world)
    content_type = phone.dialect.answer_type
    body = call.json()
    if body is None:
        return as_json(_unread(world, phone, call), content_type=content_type)
    return tell(world, phone, body, Way(call.via, _plain, refusal, content_type))


def _phone(world: VendorWorld, call: VendorCall) -> Phone | None:
    """A name of this machine is the first phone's; every other is a `domain` of a callback."""
    with world.agenda.lock:
        return world.phone if call.is_local else world.of_host(call.host)


def _unread(world: VendorWorld, phone: Phone, call: VendorCall) -> Json:
    answer = refusal(INVALID_COMMAND)
    with world.agenda.lock:
        now = world.agenda.now()
        world.journal.write(command_line({}, answer, at=now, via=call.via, phone=phone.name))
    return answer


def _plain(told: Json) -> Json:
    return told


def _cors(world: VendorWorld) -> Mapping[str, str]:
    return {} if world.manners.cors == NONE else {"Access-Control-Allow-Origin": "*"}
