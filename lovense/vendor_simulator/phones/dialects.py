"""How apps differ: the same callback in three dialects, each with the types of values that real
apps have been seen to send. What is not documented is in docs/decisions/0090-three-dialects.md."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lovense.rows import Json
from lovense.simulator.toy import Toy


@dataclass(frozen=True, slots=True)
class Dialect:
    """`status` by whether the toy is connected; `battery` gives the fields that say it, from the
    percent left and the toy's place among its host's."""

    name: str
    platform: str
    status: tuple[Any, Any]
    battery: Callable[[int, int], Json]
    number: Callable[[int], Any]
    toys: Callable[[Json], Any]
    answer_type: str  # content type of the phone's answers
    lists_text: bool  # GetToys gives its toys as JSON text
    more: Json


def _null_or_absent(battery: int, place: int) -> Json:
    return {} if place % 2 else {"battery": None}


ANDROID = Dialect(
    "android",
    platform="android",
    status=(0, 1),
    battery=lambda battery, place: {"battery": battery},
    number=int,
    toys=lambda toys: toys,
    answer_type="text/plain; charset=utf-8",
    lists_text=True,
    more={},
)
IOS = Dialect(
    "ios",
    platform="ios",
    status=("0", "1"),
    battery=lambda battery, place: {"battery": str(battery)},
    number=str,
    toys=json.dumps,
    answer_type="application/json",
    lists_text=True,
    more={"appType": "remote"},
)
DESKTOP = Dialect(
    "desktop",
    platform="pc",
    status=("off", "on"),
    battery=_null_or_absent,
    number=str,
    toys=lambda toys: toys,
    answer_type="text/html; charset=utf-8",
    lists_text=False,
    more={"appType": "remote"},
)
DIALECTS = {dialect.name: dialect for dialect in (ANDROID, IOS, DESKTOP)}
APP_VERSION, PROTOCOL_VERSION = "7.95.1", 101


def toy_fields(dialect: Dialect, toy: Toy, place: int, at: int) -> Json:
    told = toy.described(at)
    return {
        "id": toy.id,
        "name": told["name"],
        "nickName": toy.nickname,
        "status": dialect.status[toy.is_connected(at)],
        **dialect.battery(told["battery"], place),
    }


def port_fields(dialect: Dialect, http: int, https: int) -> Json:
    """The vendor names four; the simulated phone speaks no WebSocket, and repeats the others. A 0 is
    no port: the phone has no such server, and names none."""
    told = {"httpPort": http, "wsPort": http, "httpsPort": https, "wssPort": https}
    return {name: dialect.number(port) for name, port in told.items() if port}
