"""What is wrong with a performer's devices and apps, and what puts it right. Pure.

It follows from their rows alone, so whoever looks finds the same. What she has switched off or
removed, and what the path that she has chosen does not reach, is not looked at: nothing of it
matters then. A path that is not there yet adds its kinds here."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ground import clock
from lovense.bridges import extensionreport
from lovense.bridges.outcomes import CallOutcome
from lovense.devices import appversion, changes, summary
from lovense.models import DeviceStatus, RepairKind, RepairWeight
from lovense.rows import DeviceRow, HostRow, Json, PerformerRow

LOW, EMPTY, CHARGED = 20, 10, 25  # percent; what was low is so until it is above CHARGED
FAILED_FOR = timedelta(days=1)  # then a function that did not move is off as she wished
K, W = RepairKind, RepairWeight


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. `subject` tells it from others of its kind; `name` is how she knows
    it; `until`: when it passes by itself."""

    kind: RepairKind
    subject: str
    weight: RepairWeight
    name: str = ""
    device_id: str = ""
    host_id: str = ""
    function: str = ""
    reason: str = ""
    until: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.subject}"


@dataclass(frozen=True, slots=True)
class Hers:
    """A performer as her rows are."""

    performer: PerformerRow
    devices: Sequence[DeviceRow]
    hosts: Sequence[HostRow]
    drift: str = ""  # for which amounts her extension and her menu differ, in words

    @property
    def used(self) -> list[DeviceRow]:
        """Her devices that are to play, by the path that she has chosen."""
        bridge = self.performer["bridge"]
        return [
            row
            for row in self.devices
            if summary.is_kept(row) and row["is_enabled"] and summary.is_reached(row, bridge)
        ]

    @property
    def apps(self) -> list[HostRow]:
        """Those that are paired, where her path goes through them."""
        if self.performer["bridge"] in (summary.SIMULATOR, summary.EXTENSION):
            return []
        return [row for row in self.hosts if row["unpaired_at"] is None]

    @property
    def has_extension(self) -> bool:
        return self.performer["bridge"] == summary.EXTENSION

    def is_used(self, *, device_id: str, host_id: str) -> bool:
        """What a repair is about still matters."""
        if not device_id and not host_id:
            return self.has_extension
        if device_id:
            return any(row["_id"] == device_id for row in self.used)
        return any(row["_id"] == host_id for row in self.apps)


def found(hers: Hers, *, low: Collection[str], now: datetime) -> dict[str, Trouble]:
    """By key. `low`: the keys of the batteries that were low at the last look."""
    every = [*_of_apps(hers), *_of_extension(hers)]
    for row in hers.used:
        every += [*_of_device(row, low, now)]
    return {each.key: each for each in every}


# --- apps ----------------------------------------------------------------------------------------


def _of_apps(hers: Hers) -> Iterator[Trouble]:
    apps = hers.apps
    for row in apps:
        about: Json = {"host_id": row["_id"], "name": app_words(row)}
        on_it = [each for each in hers.used if each["host_id"] == row["_id"]]
        if any(each["reason"] == changes.APP_OFFLINE for each in on_it):
            yield Trouble(K.APP_OFFLINE, row["_id"], W.SERIOUS, **about)
        if row.get("fault") == CallOutcome.PAIRING_LOST:
            yield Trouble(K.PAIRING_LOST, row["_id"], W.URGENT, **about)
        if row["is_address_refused"]:
            yield Trouble(K.ADDRESS_REFUSED, row["_id"], W.MILD, **about)
        if len(on_it) > 1 and appversion.is_old(row["app_version"]):
            yield Trouble(K.OLD_APP, row["_id"], W.MILD, **about)
    refused = [row for row in apps if row.get("fault") == CallOutcome.OPERATOR_FAULT]
    if refused:  # it is one fault, through however many apps it is heard
        yield Trouble(K.OPERATOR_FAULT, "", W.URGENT, host_id=refused[0]["_id"])


def app_words(row: HostRow) -> str:
    names = {"remote": "Lovense Remote", "connect": "Lovense Connect"}
    return names.get(row["app_type"].lower(), "Lovense app")


# --- her extension -------------------------------------------------------------------------------


def _of_extension(hers: Hers) -> Iterator[Trouble]:
    """As her page has said last."""
    told = hers.performer.get("extension")
    if not hers.has_extension or told is None:
        return
    if told["state"] == extensionreport.SILENT:
        yield Trouble(K.EXTENSION_SILENT, "", W.URGENT)
    if hers.drift:
        yield Trouble(K.DRIFT, "", W.MILD, name=hers.drift)


# --- devices -------------------------------------------------------------------------------------


def _of_device(row: DeviceRow, low: Collection[str], now: datetime) -> Iterator[Trouble]:
    about: Json = {
        "device_id": row["_id"],
        "host_id": row["host_id"],
        "name": row["nickname"],
    }
    is_here, reason = row["status"] == DeviceStatus.CONNECTED, row["reason"]
    if not is_here and reason != changes.APP_OFFLINE:
        yield Trouble(K.DEVICE_LOST, row["toy_id"], W.SERIOUS, reason=reason, **about)
    battery = Trouble(K.LOW_BATTERY, row["toy_id"], _weight(row["battery"]), **about)
    if _is_low(row["battery"], is_here=is_here, was_low=battery.key in low):
        yield battery
    for name, choice in row["choices"].items():
        until = clock.parse(choice["deniedAt"]) + FAILED_FOR if "deniedAt" in choice else None
        if until and until > now and not summary.is_function_enabled(row, name):
            subject = f"{row['toy_id']}.{name}"
            more = about | {"function": name, "until": until}
            yield Trouble(K.FUNCTION_FAILED, subject, W.SERIOUS, **more)


def _weight(battery: int | None) -> RepairWeight:
    return W.URGENT if battery is not None and battery <= EMPTY else W.SERIOUS


def _is_low(battery: int | None, *, is_here: bool, was_low: bool) -> bool:
    """What is away is as it was: nobody knows whether it is being charged."""
    if not is_here:
        return was_low
    return battery is not None and battery <= (CHARGED if was_low else LOW)
