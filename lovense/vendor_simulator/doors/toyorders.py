"""Orders to the control door about toys: added, changed, removed."""

from collections.abc import Mapping
from typing import Any

from lovense.rows import Json
from lovense.simulator.toy import Toy, Traits
from lovense.simulator.toys import TooManyToys
from lovense.vendor_simulator.calls import BadCall, VendorReply, as_json
from lovense.vendor_simulator.doors.orders import LONGEST_NAME, SimOrder, invalid
from lovense.vendor_simulator.phones.phone import Phone
from lovense.vendor_simulator.world import VendorWorld


def add(world: VendorWorld, said: SimOrder) -> VendorReply:
    kind, nickname, traits = kind_of(said.text("type")), said.text("nickname", ""), _traits(said)
    with world.agenda.lock:
        toy = world.new_toy(kind, nickname=nickname, traits=traits)
        try:
            said.phone().add(toy)
        except TooManyToys as error:
            raise BadCall(409, "too_many_toys", str(error)) from None
        return as_json(described(toy, world.agenda.now()), status=201)


def change(world: VendorWorld, said: SimOrder, toy_id: str) -> VendorReply:
    """Everything is read before anything is changed."""
    given = said.fields
    nickname = said.text("nickname") if "nickname" in given else None
    battery = said.number("battery", most=100) if "battery" in given else None
    drain = said.number("drain", most=6000) if "drain" in given else None
    is_on = said.flag("on") if "on" in given else None
    traits = _traits(said)
    with world.agenda.lock:
        now, phone = world.agenda.now(), _holder(world, toy_id)
        toy = phone.toys[toy_id]
        if battery is not None or drain is not None:
            phone.charge(toy_id, toy.battery(now) if battery is None else battery, now)
        if drain is not None:
            toy.drain = drain
        if is_on is not None:
            phone.switch(toy_id, on=is_on, at=now)
        toy.nickname = toy.nickname if nickname is None else nickname
        toy.traits = traits or toy.traits
        return as_json(described(toy, now))


def remove(world: VendorWorld, said: SimOrder, toy_id: str) -> VendorReply:
    with world.agenda.lock:
        _holder(world, toy_id).remove(toy_id, world.agenda.now())
    return as_json({})


def _holder(world: VendorWorld, toy_id: str) -> Phone:
    for phone in world.phones.values():
        if toy_id in phone.toys:
            return phone
    raise BadCall(404, "unknown_toy", "No phone has this toy.")


def kind_of(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise invalid("type", "is the name of a type of toy")
    return value


def _traits(said: SimOrder) -> Traits | None:
    """None where they are not spoken of."""
    if "traits" not in said.fields:
        return None
    given = said.fields["traits"]
    names = {name: type(default) for name, default in _NO_TRAITS.items()}
    if not isinstance(given, dict) or any(
        type(value) is not names.get(name) for name, value in given.items()
    ):
        raise invalid("traits", f"are an object of {', '.join(names)}")
    return Traits(**given)


_NO_TRAITS: Mapping[str, Any] = {
    "zero_is_full_speed": False,
    "preset_without_end_ignores_stop": False,
    "drops_commands_closer_than_ms": 0,
}


def described(toy: Toy, now: int) -> Json:
    return {
        "id": toy.id,
        "type": toy.kind.type,
        "nickname": toy.nickname,
        "on": toy.is_connected(now),
        "battery": round(toy.battery(now), 3),
        "levels": toy.levels(now),
    }
