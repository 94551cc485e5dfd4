"""What she has tested on a device, and what she said of it: a function that moves hardware is used
when its test has played to its end, and she has said afterwards that it moved as expected.

The last test of each function is remembered until she has answered; whether it has played is for
its activation to say."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pymongo.client_session import ClientSession

from ground import clock
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from ground.mongodb.collections import collection
from lovense.devices import register, summary, toytable
from lovense.devices.changes import Changed
from lovense.models import Activation, ActivationStatus
from lovense.rows import DeviceRow, DeviceTest, FunctionChoice

COUNTS_FOR = timedelta(minutes=10)  # so long after it has played she may answer


class NotVerified(Refusal):
    """What moves hardware is off until she has tested it and said that it moved as expected."""

    code, status = "not_verified", 409

    def __init__(self, function: str) -> None:
        super().__init__(
            f"{function} stays off until you have tested it on this device, and said that it moved "
            "as expected."
        )
        self.details = {"function": function}


def asked(
    performer_id: str,
    toy_id: str,
    test: Mapping[str, DeviceTest],
    *,
    now: datetime,
    session: ClientSession,
) -> None:
    """Remembers the test of a function, in the transaction that puts it into the queue."""
    rows = register.rows_of(performer_id, session)
    found = [
        Changed(row, {**row, "tests": {**row.get("tests", {}), **test}})
        for row in rows
        if row["toy_id"] == toy_id
    ]
    register.keep(performer_id, rows, found, now=now, session=session)


def tests_of(rows: Iterable[DeviceRow]) -> list[DeviceTest]:
    return [test for row in rows for test in row.get("tests", {}).values()]


def tried(row: DeviceRow, *, now: datetime) -> frozenset[str]:
    """The functions whose last test has played to its end within COUNTS_FOR."""
    tests = row.get("tests", {})
    played = {
        "_id": {"$in": [test["activation"] for test in tests.values()]},
        "status": ActivationStatus.COMPLETED.value,
        "finished_at": {"$gt": now - COUNTS_FOR},
    }
    found = {each["_id"] for each in collection(Activation).find(played, {"_id": 1})}
    return frozenset(name for name, test in tests.items() if test["activation"] in found)


def answered(
    row: DeviceRow, verified: Mapping[str, bool], *, tried: frozenset[str], now: datetime
) -> DeviceRow:
    """Pure. The row with what she says of its functions; an answer uses up the test it is about.
    Raises Malformed, NotVerified."""
    has = {each["name"] for each in row["functions"]}
    after = row
    for name, is_moving in verified.items():
        if name not in has:
            raise Malformed(f"verified.{name}", "is no function of this device")
        after = _confirmed(after, name, tried, now) if is_moving else _denied(after, name, now)
    return after


def _confirmed(row: DeviceRow, name: str, tried: frozenset[str], now: datetime) -> DeviceRow:
    if name in toytable.NOT_USED:
        raise Malformed(f"verified.{name}", "must be false: it is never sent")
    if summary.is_verified(row, name):
        return _chosen(row, name, row["choices"][name])
    if name in summary.GUARDED and name not in tried:
        raise NotVerified(name)
    choice: FunctionChoice = {**row["choices"].get(name, {}), "verifiedAt": clock.iso(now)}
    choice.pop("deniedAt", None)
    return _chosen(row, name, choice)


def _denied(row: DeviceRow, name: str, now: datetime) -> DeviceRow:
    """It is switched off. Said again, it is so since the first time."""
    known = row["choices"].get(name, {})
    is_known = "deniedAt" in known and not known.get("isEnabled", True)
    at = known["deniedAt"] if is_known and name not in row.get("tests", {}) else clock.iso(now)
    choice: FunctionChoice = {**known, "isEnabled": False, "deniedAt": at}
    choice.pop("verifiedAt", None)
    return _chosen(row, name, choice)


def _chosen(row: DeviceRow, name: str, choice: FunctionChoice) -> DeviceRow:
    left = {each: test for each, test in row.get("tests", {}).items() if each != name}
    after: DeviceRow = {**row, "choices": {**row["choices"], name: choice}}
    return {**after, "tests": left} if "tests" in row else after
