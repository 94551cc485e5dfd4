"""The vendor's cloud: pairing codes, commands by uid, tokens of the Socket API, and what a page
fetches from it. Every refusal is a code in the body under HTTP 200."""

import secrets
from collections.abc import Callable, Mapping

from lovense.rows import Json
from lovense.simulator.commands import INVALID_COMMAND, INVALID_PARAMETER
from lovense.vendor_simulator import faults
from lovense.vendor_simulator.calls import VendorCall, VendorReply, as_json
from lovense.vendor_simulator.commanding import (
    APP_OFFLINE,
    Way,
    refusal,
    spoiled,
    tell,
    wait_for_latency,
)
from lovense.vendor_simulator.doors import picture
from lovense.vendor_simulator.journal import command_line, extension_line
from lovense.vendor_simulator.limits import CLOUD
from lovense.vendor_simulator.phones import extension
from lovense.vendor_simulator.phones.dialects import toy_fields
from lovense.vendor_simulator.phones.phone import Phone
from lovense.vendor_simulator.world import TEXT, VendorWorld

INVALID_TOKEN, INVALID_UID = 501, 503
LONGEST_TEXT = 256
QR, IMAGES = "/api/lan/getQrCode", "/qr/"
COMMAND, TOKEN = "/api/lan/v2/command", "/api/basicApi/getToken"
SCRIPT = "/cam-extension/static/js-sdk/broadcast.js"


class _Failed(Exception):
    """The code with which the cloud refuses."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def answer(world: VendorWorld, call: VendorCall) -> VendorReply | None:
    """None: there is nothing at this address."""
    if call.path.startswith(IMAGES) and call.method == "GET":
        return _at(faults.IMAGE, world, call, _image)
    if work := _ROUTES.get((call.method, call.path)):
        return work(world, call)
    return None


# --- pairing -------------------------------------------------------------------------------------


def _qr_code(world: VendorWorld, call: VendorCall) -> VendorReply:
    """With `v` 2 the address of the image and the code, and what the image says if it is told to;
    without, the address alone, as a message."""
    said = call.fields() or {}
    _check_token(world, said)
    uid = _text(said, "uid")
    utoken = _text(said, "utoken") if said.get("utoken") else ""
    with world.agenda.lock:
        code = world.pairings.open(uid, utoken, world.agenda.now())
    image = f"http://{call.headers['host']}{IMAGES}{code}.png"
    if str(said.get("v", "")) == "2":
        data = {"qr": image, "code": code}
        data |= {"qrcode": code} if world.manners.qr == TEXT else {}
        return as_json({"code": 0, "message": "Success", "result": True, "data": data})
    return as_json({"code": 0, "message": image, "result": True})


def _image(world: VendorWorld, call: VendorCall) -> VendorReply:
    code = call.path.removeprefix(IMAGES).removesuffix(".png")
    with world.agenda.lock:
        is_known = world.pairings.is_known(code)
    if not is_known:
        return as_json(_failure(INVALID_PARAMETER), status=404)
    return VendorReply(body=picture.png(code), content_type="image/png")


def _socket_token(world: VendorWorld, call: VendorCall) -> VendorReply:
    """A token that opens nothing: the Socket API itself is not simulated."""
    said = call.fields() or {}
    _check_token(world, said)
    _text(said, "uid")
    data = {"authToken": secrets.token_urlsafe(24)}
    return as_json({"code": 0, "message": "Success", "data": data})


# --- commands ------------------------------------------------------------------------------------


def _command(world: VendorWorld, call: VendorCall) -> VendorReply:
    wait_for_latency(world)
    body = call.json()
    if body is None:
        _note_refusal(world, {}, INVALID_COMMAND)
        return as_json(_failure(INVALID_COMMAND))
    try:
        _check_token(world, body)
        phones, told = _meant(world, body)
    except _Failed as failed:
        _note_refusal(world, body, failed.code)
        return as_json(_failure(failed.code))
    replies = [tell(world, phone, told, _WAY) for phone in phones]  # each of them is told
    return replies[0]


def _meant(world: VendorWorld, body: Json) -> tuple[list[Phone], Json]:
    """The phones that can be reached, and what they are told: with several uids `toy` means
    nothing. Raises _Failed."""
    uids = _text(body, "uid", code=INVALID_UID).split(",")
    with world.agenda.lock:
        found = [phone for uid in uids if (phone := world.of_uid(uid))]
        if not found:
            raise _Failed(INVALID_UID)
        reached = [phone for phone in found if phone.is_reached_by_cloud]
        if not reached:
            raise _Failed(APP_OFFLINE)
    told = body if len(uids) == 1 else {name: body[name] for name in body if name != "toy"}
    return reached, told


def _shaped(told: Json) -> Json:
    """The cloud says that the app has taken the command, and nothing of the toy."""
    if told["code"] in (INVALID_COMMAND, INVALID_PARAMETER):
        return _failure(told["code"])
    more = {"data": told["data"]} if "data" in told else {}
    return {"result": True, "code": 200, "message": "Success", **more}


def _failure(code: int) -> Json:
    return {"result": False, "code": code, "message": refusal(code)["message"]}


_WAY = Way(CLOUD, _shaped, _failure, "application/json")


def _note_refusal(world: VendorWorld, body: Json, code: int) -> None:
    """It reached no phone; whose it was stands in its body."""
    now = world.agenda.now()
    world.journal.write(command_line(body, _failure(code), at=now, via=CLOUD, phone=None))


# --- the Cam Extension's page --------------------------------------------------------------------


def _script(world: VendorWorld, call: VendorCall) -> VendorReply:
    return VendorReply(body=extension.SCRIPT.read_bytes(), content_type="text/javascript")


def _extension_state(world: VendorWorld, call: VendorCall) -> VendorReply:
    with world.agenda.lock:
        now, phone = world.agenda.now(), world.phone
        toys = [
            toy_fields(phone.dialect, toy, place, now) | {"type": toy.kind.type}
            for place, toy in enumerate(phone.toys)
        ]
        state = {
            "ready": world.extension.ready,
            "lateMs": world.extension.late_ms,
            "shape": world.extension.shape,
            "settings": world.extension.settings,
            "toys": toys,
            "version": extension.CAM_VERSION,
        }
    return as_json(state)


def _extension_call(world: VendorWorld, call: VendorCall) -> VendorReply:
    """A page has called the script: what the vendor's own never tells anybody."""
    said = call.json() or {}
    known = {name: said.get(name) for name in extension.CALL if name in said}
    with world.agenda.lock:
        world.journal.write(extension_line(known, at=world.agenda.now()))
    return as_json({})


def _extension_play(world: VendorWorld, call: VendorCall) -> VendorReply:
    """An item of the script's queue begins: her toys play its level."""
    with world.agenda.lock:
        now, phone = world.agenda.now(), world.phone
        told = extension.commands_for(phone, call.json())
        for body in told:
            answer = phone.obey(body, now)
            line = command_line(body, answer, at=now, via=extension.VIA, phone=phone.name)
            world.journal.write(line)
            phone.settle(now)
        toys = [
            {"toyId": toy.id, "toyType": toy.kind.type, "status": "on"}
            for toy in phone.toys
            if told and toy.is_connected(now)
        ]
    return as_json({"reactToys": toys})


# --- what they share -----------------------------------------------------------------------------


def _at(
    place: str,
    world: VendorWorld,
    call: VendorCall,
    work: Callable[[VendorWorld, VendorCall], VendorReply],
) -> VendorReply:
    """With the latency of a call, and the fault that was ordered for its place."""
    wait_for_latency(world)
    fault = world.faults.take(place)
    if fault and fault.kind == faults.CODE:
        return as_json(_failure(int(fault.number)))
    try:
        reply = VendorReply() if fault and fault.kind in faults.NOT_DONE else work(world, call)
    except _Failed as failed:
        reply = as_json(_failure(failed.code))
    return spoiled(reply, fault) if fault else reply


def _check_token(world: VendorWorld, said: Json) -> None:
    given = said.get("token")
    is_ours = isinstance(given, str) and secrets.compare_digest(
        given.encode(errors="replace"), world.manners.developer_token.encode()
    )
    if not is_ours:
        raise _Failed(INVALID_TOKEN)


def _text(said: Json, name: str, *, code: int = INVALID_PARAMETER) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise _Failed(code)
    return value


_ROUTES: Mapping[tuple[str, str], Callable[[VendorWorld, VendorCall], VendorReply]] = {
    ("POST", QR): lambda world, call: _at(faults.QR, world, call, _qr_code),
    ("POST", TOKEN): lambda world, call: _at(faults.TOKEN, world, call, _socket_token),
    ("POST", COMMAND): _command,
    ("GET", SCRIPT): _script,
    ("GET", "/extension/state"): _extension_state,
    ("POST", "/extension/call"): _extension_call,
    ("POST", "/extension/play"): _extension_play,
}
