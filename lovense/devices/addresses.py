"""Where an app says that its local server is: which of it her own page may be handed. Pure.

Whoever knows a pairing's secret may name any address, so no more is believed than the vendor's own
names of private addresses. Nothing in this process connects to one, whatever it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lovense.rows import Ports

PORTS = ("http", "https", "ws", "wss")
# The vendor's name of an address, with dots or with dashes, in the digits of ASCII.
_NAME = re.compile(r"(\d{1,3})([.-])(\d{1,3})\2(\d{1,3})\2(\d{1,3})\.lovense\.club", re.ASCII)
_PORT = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SAME_MACHINE = IPv4Address("127.0.0.1")
# As apps on a computer call themselves, in `platform` or `appType`: what comes from a phone may not
# name the computer on which her page is open.
_COMPUTERS = frozenset(
    {"pc", "desktop", "windows", "win", "win32", "win64", "mac", "macos", "osx", "linux"}
)


@dataclass(frozen=True, slots=True)
class Address:
    """Of an app's local server; empty where none was named, or none that may be handed on."""

    domain: str = ""
    ports: Ports = field(default_factory=Ports)
    is_refused: bool = False


def of(domain: Any, ports: Mapping[str, Any], *, is_on_computer: bool) -> Address:
    """`ports` by the names in PORTS; what is None was not named. One port that is none refuses the
    whole address."""
    if domain is None or domain == "":
        return Address()
    read = {name: _port(value) for name, value in ports.items() if value is not None}
    named = _named(domain)
    may_be_known = named is not None and any(named in network for network in _PRIVATE)
    if None in read.values() or not (may_be_known or (is_on_computer and named == _SAME_MACHINE)):
        return Address(is_refused=True)
    return Address(domain, Ports(**read))  # type: ignore[typeddict-item]


def is_computer(app_type: str, platform: str) -> bool:
    return not _COMPUTERS.isdisjoint({app_type.lower(), platform.lower()})


def local_http(where: Address) -> str:
    """The same private address as its name says, for a page whose network does not know that name;
    empty where there is none."""
    named, port = _named(where.domain), where.ports.get("http")
    return f"http://{named}:{port}" if named is not None and port else ""


def _named(domain: Any) -> IPv4Address | None:
    found = _NAME.fullmatch(domain) if isinstance(domain, str) else None
    try:
        return IPv4Address(".".join(found.group(1, 3, 4, 5))) if found else None
    except ValueError:  # beyond 255, or with a leading zero
        return None


def _port(value: Any) -> int | None:
    if isinstance(value, str) and _PORT.fullmatch(value):
        value = int(value)
    is_port = type(value) is int and 1 <= value <= 65_535  # true is 1 to Python, and no port
    return value if is_port else None
