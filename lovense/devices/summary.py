"""What a decision must know of a performer's devices, small enough to stand on her row. Pure.

A command names a function and a level; what may be sent to a toy is decided here, from what it
reports and from what she has chosen."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from lovense.devices import toytable
from lovense.menus.actuators import Actuator
from lovense.menus.vibration import FUNCTION
from lovense.models import DeviceStatus
from lovense.rows import DeviceRow, DeviceSummary, ExtensionToy, FunctionRow, PerformerRow
from lovense.timeline import FULL_SCALE

PAGE = ""  # the host of what her page reports by itself
SIMULATOR, EXTENSION = "SIMULATOR", "EXTENSION"
STRONGEST_FLOOR = 20
# They move hardware: off until she has tested each of them herself.
GUARDED = frozenset({"Thrusting", "Depth", "Stroke", "Position"})


def is_kept(row: DeviceRow) -> bool:
    """Neither removed by her nor lost with its app's pairing."""
    return row["removed_at"] is None and row["unpaired_at"] is None


def is_muted(row: DeviceRow) -> bool:
    """For the show that goes on; to a decision it is as one that is switched off."""
    return bool(row.get("muted_in"))


def is_reached(row: DeviceRow, bridge: str) -> bool:
    """By the path that she has chosen: in rehearsal her page's virtual devices are told, and no toy
    of a paired app. Her extension has toys of its own."""
    return bridge != EXTENSION and (row["host_id"] == PAGE) == (bridge == SIMULATOR)


def is_function_enabled(row: DeviceRow, function: str) -> bool:
    if function in toytable.NOT_USED:
        return False
    return row["choices"].get(function, {}).get("isEnabled", function not in GUARDED)


def cap_of(row: DeviceRow, function: str) -> int:
    """The strongest level that may be sent."""
    top = toytable.TOPS[function]
    return min(top, row["choices"].get(function, {}).get("cap", top))


def floor_of(row: DeviceRow, function: str) -> int:
    """The weakest level that is felt, as she says."""
    return row["choices"].get(function, {}).get("floor", 0)


def scale_of(row: DeviceRow) -> int:
    return row.get("scale_percent", FULL_SCALE)


def lead_of(row: DeviceRow) -> int:
    """How many ms later than others it answers."""
    return row.get("lead_ms", 0)


def main_of(row: DeviceRow) -> str:
    """What a tip moves: its type's main function, where the device has it; else the first that may
    be sent. Where that is off, a tip moves nothing of it."""
    names = [each["name"] for each in row["functions"]]
    main = toytable.of(row["toy_type"]).main_function
    used = [name for name in names if name not in toytable.NOT_USED]
    return main if main in used or not used else used[0]


def is_verified(row: DeviceRow, function: str) -> bool:
    """She has said that it moves as expected."""
    return "verifiedAt" in row["choices"].get(function, {})


def source_of(row: DeviceRow, function: FunctionRow) -> str:
    """Who says that the device has it; nobody knows better than she."""
    return "verified" if is_verified(row, function["name"]) else function["source"]


def of_device(row: DeviceRow) -> DeviceSummary:
    names = [each["name"] for each in row["functions"]]
    found: DeviceSummary = {
        "toyId": row["toy_id"],
        "nickname": row["nickname"],
        "isConnected": row["status"] == DeviceStatus.CONNECTED,
        "isEnabled": row["is_enabled"] and not is_muted(row),
        "functions": {name: cap_of(row, name) for name in names if is_function_enabled(row, name)},
        "maximumSeconds": row["maximum_seconds"],
        "type": row["toy_type"],
    }
    if row["host_id"] != PAGE:
        found["hostId"] = row["host_id"]
    if (main := main_of(row)) != FUNCTION:
        found["main"] = main
    if lead := lead_of(row):
        found["lead"] = lead
    if (scale := scale_of(row)) != FULL_SCALE:
        found["scale"] = scale
    if floors := {name: floor for name in found["functions"] if (floor := floor_of(row, name))}:
        found["floors"] = floors
    if untried := [name for name in names if is_untried(row, name)]:
        found["untried"] = {name: cap_of(row, name) for name in untried}
    return found


def is_untried(row: DeviceRow, function: str) -> bool:
    """It moves hardware and is off: only a test may move it, as weakly as a first one."""
    is_guarded = function in GUARDED and function not in toytable.NOT_USED
    return is_guarded and not is_function_enabled(row, function)


def of_devices(rows: Iterable[DeviceRow], bridge: str) -> list[DeviceSummary]:
    """Those that are hers and can be reached, by nickname."""
    kept = [row for row in rows if is_kept(row) and is_reached(row, bridge)]
    return [of_device(row) for row in sorted(kept, key=lambda row: row["nickname_key"])]


def of_extension(performer: PerformerRow) -> list[DeviceSummary]:
    """Those that her Cam Extension names. What they may do is set there, so nothing limits them."""
    told = performer.get("extension")
    return [_of_toy(toy) for toy in (told["toys"] if told else ())]


def _of_toy(toy: ExtensionToy) -> DeviceSummary:
    return {
        "toyId": toy["id"],
        "nickname": toy["name"],
        "isConnected": toy["isConnected"],
        "isEnabled": True,
        "functions": {},
        "maximumSeconds": None,
    }


def ready(devices: Iterable[DeviceSummary]) -> list[DeviceSummary]:
    """Those that can be told something now."""
    return [each for each in devices if each["isConnected"] and each["isEnabled"]]


def among(devices: Iterable[DeviceSummary], toy_ids: Collection[str]) -> list[DeviceSummary]:
    """Those that are named; where none is, all."""
    return [each for each in devices if not toy_ids or each["toyId"] in toy_ids]


def playing(
    devices: Iterable[DeviceSummary], functions: Collection[str] = ()
) -> list[DeviceSummary]:
    """Of those that are ready, those of which one of these may be used; where none is named, the
    main function."""
    if functions:
        return [each for each in ready(devices) if usable(each, functions)]
    return [each for each in ready(devices) if main(each) in each["functions"]]


def usable(device: DeviceSummary, functions: Iterable[str]) -> list[str]:
    """Of these functions, those that may be used."""
    return [name for name in functions if name in device["functions"]]


def main(device: DeviceSummary) -> str:
    """What a tip moves."""
    return device.get("main", FUNCTION)


def mains(devices: Iterable[DeviceSummary]) -> str:
    """What tips move of these, for people."""
    return ", ".join(dict.fromkeys(main(each) for each in devices))


def takes_overlays(device: DeviceSummary) -> bool:
    """A function can be told beside what runs: of a page's virtual devices that is known."""
    return not device.get("hostId", PAGE)


def actuator(function: str, *, cap: int | None = None, floor: int = 0) -> Actuator:
    """As a compiler is told it; without a cap, the whole range."""
    top = toytable.TOPS[function]
    stops_at_zero = function not in toytable.ZERO_MAY_MOVE
    letter = _LETTER_OF.get(function, "")
    return Actuator(function, letter, top, top if cap is None else cap, floor, stops_at_zero)


_LETTER_OF = {function: letter for letter, function in toytable.LETTERS.items()}


def is_away(performer: PerformerRow) -> bool:
    """Devices are known, and none of them can be told anything. While nobody has reported any, the
    page that holds them is all there is to know."""
    devices = performer.get("devices")
    return devices is not None and not ready(devices)


def words(devices: Sequence[DeviceSummary]) -> str:
    """As a gate or a person reads it."""
    if found := ready(devices):
        return ", ".join(each["nickname"] for each in found)
    off = [each["nickname"] for each in devices if not each["isEnabled"]]
    lost = [each["nickname"] for each in devices if each["isEnabled"]]
    why = [said for said in (together(lost, "disconnected"), together(off, "switched off")) if said]
    return ", ".join(why) or "no device"


def together(names: Sequence[str], state: str) -> str:
    """`Lush is disconnected`, `Lush and Nora are disconnected`; of none nothing."""
    if len(names) < 2:
        return f"{names[0]} is {state}" if names else ""
    return f"{', '.join(names[:-1])} and {names[-1]} are {state}"


def changes(performer: PerformerRow, rows: Iterable[DeviceRow], now: datetime) -> dict[str, object]:
    """What her row must say from now on, where it says something else."""
    bridge, before = performer["bridge"], performer.get("devices")
    is_extension = bridge == EXTENSION
    devices = of_extension(performer) if is_extension else of_devices(rows, bridge)
    if devices == (before if is_extension else before or []):
        return {}
    was_away, away_at = is_away(performer), performer.get("devices_away_at")
    since = (away_at if was_away and away_at else now) if not ready(devices) else None
    return {"devices": devices, "devices_away_at": since}
