"""What the simulator answers: RRR's own interface (docs/rrr.md), and under `/_simulator/` the
orders of whoever tests."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

from ground.clock import iso
from ledger.rrr.simulator import webhooks
from ledger.rrr.simulator.books import Broken, Row
from ledger.rrr.simulator.world import Asked, World

ORDERS = "/_simulator/"
Answer = tuple[int, dict[str, Any]]
MAX_POINTS = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def is_order(self) -> bool:
        return self.path.startswith(ORDERS)

    def header(self, name: str) -> str:
        return next(
            (value for given, value in self.headers.items() if given.lower() == name.lower()), ""
        )

    def json(self) -> Row:
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Broken(422, "INVALID", "The body must be a JSON object.")
        return found


def answer(simulator: World, request: Request) -> Answer:
    """Raises Broken. The order of checks is RRR's: who, then what."""
    if not request.is_order:
        note(simulator, request)
        _check_headers(simulator, request)
    for method, pattern, work in _ROUTES:
        if method == request.method and (match := pattern.fullmatch(request.path)):
            try:
                return work(simulator, request, *map(unquote, match.groups()))
            except (KeyError, TypeError, ValueError) as error:
                raise Broken(
                    422,
                    "INVALID",
                    "A field is missing or of another kind.",
                    {"error": type(error).__name__},
                ) from None
    raise Broken(404, "ROUTE_NOT_FOUND", "There is nothing at this address.")


def error(broken: Broken) -> dict[str, Any]:
    return {"error": {"code": broken.code, "message": str(broken), "details": broken.details}}


def note(simulator: World, request: Request) -> None:
    key, trace = request.header("Idempotency-Key"), request.header("X-Request-Trace")
    simulator.asked.append(Asked(request.method, request.path, request.query, key, trace))


def _check_headers(simulator: World, request: Request) -> None:
    if request.path != "/oauth/token":
        simulator.tokens.check(request.header("Authorization"))
        if not request.header("Idempotency-Key"):
            raise Broken(
                422, "IDEMPOTENCY_KEY_REQUIRED", "Every request carries an Idempotency-Key."
            )
    if request.header("X-Client-Id") != simulator.client_id:
        raise Broken(403, "CLIENT_MISMATCH", "X-Client-Id is not the token's client.")
    if not request.header("X-Request-Trace"):
        raise Broken(422, "TRACE_REQUIRED", "Every request carries an X-Request-Trace.")


# --- RRR's own -----------------------------------------------------------------------------------


def _token(simulator: World, request: Request) -> Answer:
    token = simulator.tokens.issue(request.header("Authorization"))
    return 200, {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": simulator.tokens.lifetime_seconds,
    }


def _ledger(simulator: World, request: Request, member: str) -> Answer:
    rows, rest = simulator.books.ledger(
        member, filters=request.query, cursor=int(request.query.get("cursor", "0"))
    )
    return 200, {"entries": rows, "next_cursor": None if rest is None else str(rest)}


def _balance(simulator: World, request: Request, member: str) -> Answer:
    return 200, {"member_id": member, "balance": simulator.books.balance(member)}


def _transfers(simulator: World, request: Request) -> Answer:
    orders = request.json()["transfers"]
    if not 0 < len(orders) <= 10:
        raise Broken(422, "INVALID", "1 to 10 transfers.")
    for order in orders:
        if not all(
            isinstance(order[name], str) and order[name]
            for name in ("source_ref", "from_member_id", "to_member_id")
        ):
            raise Broken(422, "INVALID", "References and members are texts.")
        if type(order["points"]) is not int or not 0 < order["points"] <= MAX_POINTS:
            raise Broken(422, "INVALID", "Points are a positive whole number.")
        if order["from_member_id"] == order["to_member_id"]:
            raise Broken(422, "SAME_MEMBER", "A transfer has two members.")
    is_new, entries = simulator.books.transfer(orders, key=request.header("Idempotency-Key"))
    return (201 if is_new else 200), {"entries": entries}


# --- orders --------------------------------------------------------------------------------------


def _clock(simulator: World, request: Request) -> Answer:
    now = simulator.books.advance(float(request.json().get("advance_seconds", 0)))
    return 200, {"now": iso(now)}


def _posts(simulator: World, request: Request) -> Answer:
    said = request.json()
    rows = simulator.books.post(
        said["source_ref"],
        payer=said["from_member_id"],
        payee=said["to_member_id"],
        points=int(said["points"]),
        delay_seconds=said.get("delay_seconds"),
        single=said.get("single"),
    )
    return 201, {"entries": rows}


def _entries(simulator: World, request: Request) -> Answer:
    said = request.json()
    row = simulator.books.add(
        said["member_id"],
        int(said["points_delta"]),
        source_ref=said.get("source_ref"),
        kind=said.get("type", "ADJUST"),
        delay_seconds=said.get("delay_seconds"),
    )
    return 201, {"entries": [row]}


def _reversals(simulator: World, request: Request) -> Answer:
    said = request.json()
    return 201, {
        "entries": simulator.books.reverse(
            said["source_ref"], delay_seconds=float(said.get("delay_seconds", 0))
        )
    }


def _behaviour(simulator: World, request: Request) -> Answer:
    said = request.json()
    simulator.books.delay_seconds = float(said.get("delay_seconds", simulator.books.delay_seconds))
    simulator.books.single = bool(said.get("single", simulator.books.single))
    return 200, {"delay_seconds": simulator.books.delay_seconds, "single": simulator.books.single}


def _order_faults(simulator: World, request: Request) -> Answer:
    said = request.json()
    simulator.faults.order(said.pop("kind"), **said)
    return 201, {}


def _clear_faults(simulator: World, request: Request) -> Answer:
    simulator.faults.clear()
    return 200, {}


def _webhooks(simulator: World, request: Request) -> Answer:
    """Changes how webhooks are sent, adds one if an `event_type` is given, and sends what waits
    unless told not to."""
    said, outbox = request.json(), simulator.webhooks
    if said.get("order", outbox.order) not in webhooks.ORDERS or said.get(
        "scheme", outbox.scheme
    ) not in (1, 2):
        raise Broken(422, "INVALID", "order is fifo, reversed or shuffled; scheme is 1 or 2.")
    outbox.url, outbox.order = said.get("url", outbox.url), said.get("order", outbox.order)
    outbox.copies, outbox.scheme = (
        int(said.get("copies", outbox.copies)),
        said.get("scheme", outbox.scheme),
    )
    if "event_type" in said:
        outbox.add(said["event_type"], said.get("data", {}), event_id=said.get("event_id", ""))
    return 200, {
        "statuses": outbox.send() if said.get("send", True) else [],
        "waiting": len(outbox.waiting()),
    }


def _asked(simulator: World, request: Request) -> Answer:
    return 200, {"requests": [asdict(asked) for asked in list(simulator.asked)[-1000:]]}


_ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Answer]], ...] = (
    ("POST", re.compile("/oauth/token"), _token),
    ("GET", re.compile("/v1/members/([^/]+)/ledger"), _ledger),
    ("GET", re.compile("/v1/members/([^/]+)/balance"), _balance),
    ("POST", re.compile("/v1/transfers"), _transfers),
    ("POST", re.compile(ORDERS + "clock"), _clock),
    ("POST", re.compile(ORDERS + "posts"), _posts),
    ("POST", re.compile(ORDERS + "entries"), _entries),
    ("POST", re.compile(ORDERS + "reversals"), _reversals),
    ("POST", re.compile(ORDERS + "behaviour"), _behaviour),
    ("POST", re.compile(ORDERS + "faults"), _order_faults),
    ("DELETE", re.compile(ORDERS + "faults"), _clear_faults),
    ("POST", re.compile(ORDERS + "webhooks"), _webhooks),
    ("GET", re.compile(ORDERS + "requests"), _asked),
)
