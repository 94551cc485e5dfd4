"""What a run in slices writes: which device is told what, before it is told, and what became of it.

A slice is claimed before it is sent, and sent by whoever claimed it, at most once. The claim also
asks that nothing has ended the run meanwhile: a stop, a cancel, a later attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ground.mongodb.collections import collection
from lovense.deciding.activation import IN_FLIGHT
from lovense.devices import summary
from lovense.models import Activation, Device, DeviceStatus, Host, Performer
from lovense.rows import ActivationRow, DeviceRow, HostRow, LegRow, PerformerRow
from lovense.runner.legs import CLAIMED, PLANNED, ToldDevice
from tips.rows import Statement


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which attempt of an activation runs, and under which epoch."""

    activation_id: str
    performer_id: str
    number: int
    epoch: int

    @property
    def going_on(self) -> Statement:
        """It is this one that runs, and nobody wants it ended."""
        return {
            "_id": self.activation_id,
            "performer_id": self.performer_id,
            "status": {"$in": IN_FLIGHT},
            "attempt": self.number,
            "stop_epoch": self.epoch,
            "stopped_at": None,
            "cancelled_at": None,
        }


@dataclass(frozen=True, slots=True)
class Whole:
    """A run as the rows are: its activation, and who can be told. `uids` by host."""

    activation: ActivationRow | None
    targets: list[ToldDevice]
    uids: dict[str, str]


def look(attempt: Attempt) -> Whole:
    activation = collection(Activation).find_one(
        {"_id": attempt.activation_id, "performer_id": attempt.performer_id}
    )
    hosts = hosts_of(attempt.performer_id)
    connected = {
        "performer_id": attempt.performer_id,
        "status": DeviceStatus.CONNECTED.value,
        "is_enabled": True,
    }
    found = [row for row in collection(Device).find(connected) if summary.is_kept(row)]
    found.sort(key=lambda row: row["nickname_key"])
    targets = [_told(row, hosts[row["host_id"]]) for row in found if row["host_id"] in hosts]
    return Whole(activation, targets, {key: host["uid"] for key, host in hosts.items()})


def _told(row: DeviceRow, host: HostRow) -> ToldDevice:
    about = row["toy_id"], row["nickname"], row["host_id"]
    return ToldDevice(*about, host["app_version"], summary.lead_of(row))


def hosts_of(performer_id: str) -> dict[str, HostRow]:
    """Every app that she ever paired and that is not unpaired, by its id."""
    wanted = {"performer_id": performer_id, "unpaired_at": None, "uid": {"$gt": ""}}
    return {row["_id"]: row for row in collection(Host).find(wanted)}


def lay(attempt: Attempt, rows: Sequence[LegRow], *, now: datetime) -> bool:
    """The run with its legs is on record: from here on it is this attempt that plays, and never
    another one. False: it is not to run, or it was laid before."""
    unlaid = attempt.going_on | {"legs": None, "received_at": None}
    laid: Statement = {"legs": list(rows), "legs_began_at": now, "received_at": now}
    return bool(collection(Activation).update_one(unlaid, {"$set": laid}).modified_count)


def claim(attempt: Attempt, n: int, places: Sequence[int]) -> PerformerRow | None:
    """This slice of these legs is ours to send; what binds it now. None: it is not to be sent.

    What binds is read first: a stop that comes after that has marked the activation in the moment
    in which it raised the epoch, and the claim finds it."""
    found: PerformerRow | None = collection(Performer).find_one({"_id": attempt.performer_id})
    if found is None or found["stop_epoch"] != attempt.epoch or found.get("stopped_at") is not None:
        return None
    names = [f"legs.{place}.slices.{n}.state" for place in places]
    planned = attempt.going_on | dict.fromkeys(names, PLANNED)
    claimed = {"$set": dict.fromkeys(names, CLAIMED)}
    return found if collection(Activation).update_one(planned, claimed).modified_count else None


def record(attempt: Attempt, changes: Statement) -> None:
    """What became of something that was claimed; `changes` by the fields of `legs`."""
    mine = {"_id": attempt.activation_id, "attempt": attempt.number, "legs": {"$ne": None}}
    collection(Activation).update_one(mine, {"$set": changes})


def toys_on(performer_id: str, host_ids: Collection[str]) -> list[str]:
    """Her toys that these apps reported last."""
    wanted = {"performer_id": performer_id, "host_id": {"$in": list(host_ids)}}
    return [row["toy_id"] for row in collection(Device).find(wanted) if summary.is_kept(row)]
