"""What an app says when it calls back, in all its dialects, as one kind of value. Pure.

A field that nobody here knows is passed over, an address that may not be handed on is left out; a
field of a wrong type refuses the whole. Whose callback it is, is not asked here."""

import hashlib
from dataclasses import dataclass, field

from ground import words
from ground.json import fields
from ground.json.fields import Fields, Malformed
from lovense.devices import addresses, readings
from lovense.devices.addresses import Address
from lovense.devices.readings import ReportedToys

MAX_DEPTH = 8  # of the body, and of the toys where they are a text of their own
LONGEST_SECRET = 128  # `uid` and `utoken`; ours are shorter
LONGEST_KIND, LONGEST_VERSION = 16, 32


@dataclass(frozen=True, slots=True)
class App:
    """As it calls itself."""

    type: str
    version: str
    platform: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Callback:
    """All that one app says. `content` is the same for the same meaning, in whatever dialect."""

    uid: str = field(repr=False)
    utoken_hash: str = field(repr=False)  # what is kept of a secret is its hash, so that is asked
    app: App
    address: Address = field(repr=False)
    toys: ReportedToys
    content: str


def read(body: bytes) -> Callback | None:
    """None: it is encrypted, which nobody here can read. Raises Malformed."""
    told = fields.read(body, deepest=MAX_DEPTH)
    if told.has("message") and not told.has("uid"):
        return None
    uid, utoken = _secret(told, "uid"), _secret(told, "utoken")
    app = _app(told)
    ports = {name: _port(told, f"{name}Port") for name in addresses.PORTS}
    is_on_computer = addresses.is_computer(app.type, app.platform)
    address = addresses.of(told.raw("domain"), ports, is_on_computer=is_on_computer)
    toys = _toys(told)
    return Callback(uid, hashed(utoken), app, address, toys, _content(app, address, toys))


def hashed(utoken: str) -> str:
    return hashlib.sha256(utoken.encode()).hexdigest()


def _secret(told: Fields, name: str) -> str:
    value = told.text(name, maximum=LONGEST_SECRET)
    if not value:
        raise Malformed(name, f"must be 1 to {LONGEST_SECRET} characters")
    return value


def _app(told: Fields) -> App:
    return App(
        type=_word(told, "appType", LONGEST_KIND),
        version=_word(told, "appVersion", LONGEST_VERSION),
        platform=_word(told, "platform", LONGEST_KIND),
        protocol=_word(told, "version", LONGEST_KIND),
    )


def _word(told: Fields, name: str, longest: int) -> str:
    """101 and "101" are the same; empty where nothing is said."""
    value = told.raw(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(name, "must be text or a number")
    return words.cleaned(str(value), maximum=longest)


def _port(told: Fields, name: str) -> str | int | float | None:
    """Whether it is one is asked of the address; what could never be one refuses the whole."""
    value = told.raw(name)
    if value is not None and not isinstance(value, str | int | float):
        raise Malformed(name, "must be text or a number")
    return value


def _toys(told: Fields) -> ReportedToys:
    value = told.raw("toys")
    if isinstance(value, str):
        fields.check_depth(value.encode(errors="replace"), MAX_DEPTH, "toys")
    return readings.toys_of(value)


def _content(app: App, address: Address, toys: ReportedToys) -> str:
    in_order = sorted(toys.kept, key=lambda toy: toy.toy_id)
    said = (app, address.domain, sorted(address.ports.items()), address.is_refused)
    return hashlib.sha256(repr((said, toys.count, in_order)).encode()).hexdigest()
