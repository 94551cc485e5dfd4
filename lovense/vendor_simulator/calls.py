"""A call as the simulator's doors see it, and what is answered: no sockets here."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from lovense.rows import Json

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class BadCall(Exception):
    """What the control door says of a call that it cannot take: status, code and a sentence."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


@dataclass(frozen=True, slots=True)
class VendorCall:
    """`headers` by lower-case name; `via` is `cloud`, `http` or `https`."""

    method: str
    path: str
    via: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def host(self) -> str:
        """The name that the caller used, without a port."""
        return _without_port(self.headers.get("host", "").lower())

    @property
    def is_local(self) -> bool:
        return self.host in LOOPBACK

    @property
    def is_from_elsewhere(self) -> bool:
        """A page of another site sent it: the browser says so."""
        origin = self.headers.get("origin")
        return bool(origin) and not is_local_origin(origin or "")

    def json(self) -> Json | None:
        """The body, whatever its content type; None when it is no JSON object."""
        try:
            found = json.loads(self.body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def fields(self) -> Json | None:
        """The body as a JSON object or, where it is none and its type says so, as a form."""
        found = self.json()
        is_form = "x-www-form-urlencoded" in self.headers.get("content-type", "")
        if found is not None or not is_form:
            return found
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=100))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class VendorReply:
    """`delay` seconds pass before it is sent; with `is_cut` the connection is cut instead."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    is_cut: bool = False


def as_json(
    body: Json, *, status: int = 200, content_type: str = "application/json"
) -> VendorReply:
    return VendorReply(status, json.dumps(body).encode(), content_type)


def is_local_origin(origin: str) -> bool:
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and _without_port(rest) in LOOPBACK


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and re.fullmatch(r"[0-9]{1,5}", port) else host


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
