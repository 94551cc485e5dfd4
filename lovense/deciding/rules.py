"""What binds a round of decisions, read once for all of its rows: the platform, the performers,
their menus and paces."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import OwnLevels
from lovense.deciding.pace import Pace
from lovense.deciding.platform import ROW
from lovense.deciding.rest import Rest
from lovense.devices import summary
from lovense.menus import matching, parts
from lovense.menus.compiler import Actuator, Capabilities
from lovense.menus.matching import Item
from lovense.menus.timeline import FULL_SCALE
from lovense.menus.vibration import FUNCTION, LONGEST_ITEM_SECONDS
from lovense.models import Performer, PlatformSettings, TipMenu
from lovense.rows import DeviceSummary, MenuRow, PerformerRow, PlatformRow
from tips.models import Mode, RequestType
from tips.queue import ordering
from tips.rows import RequestRow

# Published menus are immutable, so a cached one is never stale.
MENUS_KEPT, MENU_ITEMS_KEPT = 1000, 200_000


class Share(NamedTuple):
    """Devices that are told the same: how much of the strength, in percent, at least which level,
    and what of them is moved; no names: everybody that is connected. `named`: what they may be told
    of the functions that an item names."""

    toys: tuple[str, ...] = ()
    scale: int = FULL_SCALE
    floor: int = 0
    main: str = FUNCTION
    named: tuple[Actuator, ...] = ()
    takes_overlays: bool = False

    @property
    def capabilities(self) -> Capabilities:
        actuators = self.named or (summary.actuator(self.main, floor=self.floor),)
        return Capabilities(self.main, actuators, self.scale, self.takes_overlays)


class Caps(NamedTuple):
    """What binds whoever plays, and who is told what of it."""

    seconds: int
    intensity: int
    shares: tuple[Share, ...] = (Share(),)


@dataclass(slots=True)
class Rules:
    """What binds one batch of decisions, read once for all of its rows."""

    platform: PlatformRow
    performers: dict[str, PerformerRow]
    menus: dict[str, MenuRow] = field(default_factory=dict)
    paces: dict[str, Pace] = field(default_factory=dict)
    rests: dict[str, Rest] = field(default_factory=dict)

    @classmethod
    def read(cls, performer_ids: Iterable[str]) -> "Rules":
        kept = collection(PlatformSettings).find_one({"_id": ROW}) or {}
        performers = {
            row["_id"]: row
            for row in collection(Performer).find({"_id": {"$in": list(performer_ids)}})
        }
        platform = cast(PlatformRow, {**_default_platform(), **kept})
        return cls(platform, performers, _menus(performers.values()))

    def menu_of(self, performer: PerformerRow | None) -> MenuRow | None:
        return self.menus.get(_menu_key(performer)) if performer else None

    def minimum_of(self, performer: PerformerRow | None) -> int:
        """The platform's, or hers where that is higher."""
        hers = (performer and performer["minimum_tip"]) or 0
        return max(self.platform["minimum_tip"], hers)

    def default_item(self, performer: PerformerRow | None) -> Item | None:
        """The platform's answer to every tip of a performer who has never published a menu; None
        where a menu is required."""
        if performer is None or performer["menu_version"] or self.platform["require_tip_menu"]:
            return None
        return matching.default_item(
            intensity=self.platform["default_intensity"], seconds=self.platform["default_seconds"]
        )

    def mode_of(self, lane: str) -> Mode:
        """What is handed over whole, tip by tip, plays with no other."""
        performer = self.performers.get(lane)
        mode = Mode((performer and performer["queue_mode"]) or self.platform["queue_mode"])
        is_whole = mode is Mode.BATCH and self.own_levels_of(performer) is not None
        return Mode.FIFO if is_whole else mode

    def own_levels_of(self, performer: PerformerRow | None) -> OwnLevels | None:
        """None: what her devices do is decided here."""
        return bridges.own_levels(performer["bridge"]) if performer else None

    def is_held(self, lane: str, now: datetime) -> bool:
        """No tip starts: nothing does, or she has paused."""
        return self._is_closed(lane) or self.is_paused(lane, now)

    def is_paused(self, lane: str, now: datetime) -> bool:
        row = self.performers.get(lane)
        return row is not None and is_paused(row, now)

    def _is_closed(self, lane: str) -> bool:
        """Nothing new starts: she has pressed stop, the deployment is being drained, or none of her
        devices can play."""
        row = self.performers.get(lane)
        return bool(self.platform["is_draining"]) or (
            row is not None and (is_stopped(row) or summary.is_away(row))
        )

    def may_start(self, request: RequestRow, now: datetime) -> bool:
        """A pause does not hold her tests."""
        lane = request["lane"]
        return not self._is_closed(lane) and (is_test(request) or not self.is_paused(lane, now))

    def startable(self, heads: Sequence[RequestRow], now: datetime) -> list[RequestRow]:
        """Of the heads of one lane those among which the next one is. What was tried, and may be on
        a device, is not overtaken by a test."""
        found = [row for row in heads if self.may_start(row, now)]
        is_overtaken = any(ordering.is_tried(row) and row not in found for row in heads)
        return [] if is_overtaken else found

    def caps_of_item(self, lane: str, item: Item) -> Caps:
        return self.caps_of(lane, item.get("functions", ()), parts.offsets(item))

    def caps_of(
        self, lane: str, functions: Collection[str] = (), toy_ids: Collection[str] = ()
    ) -> Caps:
        """The strictest of the platform's, of hers and of each device that plays. All of them are
        told the same, but for what she has set for one of them: its scale and its floor.
        `functions` that an item names have the caps of each device; `toy_ids` that it names are
        those that play."""
        performer = self.performers[lane]
        seconds = min(
            self.platform["maximum_seconds"], performer["maximum_seconds"] or LONGEST_ITEM_SECONDS
        )
        intensity, devices = performer["maximum_intensity"], performer.get("devices")
        if not devices:
            return Caps(seconds, intensity)
        playing = summary.playing(summary.among(devices, toy_ids), functions)
        is_everybody = all(each in playing for each in devices if each["isConnected"])
        return Caps(
            min([seconds, *(each["maximumSeconds"] or seconds for each in playing)]),
            min([intensity, *_main_caps(playing)]) if not functions else intensity,
            _named(playing, functions)
            if functions or (toy_ids and not playing)
            else _shares(playing, is_everybody=is_everybody),
        )

    def caps_of_device(self, lane: str, device: DeviceSummary) -> Caps:
        """The same where one device is told something alone; the caps of its functions are its
        own."""
        performer = self.performers[lane]
        seconds = min(
            self.platform["maximum_seconds"],
            performer["maximum_seconds"] or LONGEST_ITEM_SECONDS,
            device["maximumSeconds"] or LONGEST_ITEM_SECONDS,
        )
        return Caps(seconds, performer["maximum_intensity"])


def _main_caps(playing: Iterable[DeviceSummary]) -> Iterator[int]:
    return (each["functions"][summary.main(each)] for each in playing)


def _named(playing: Iterable[DeviceSummary], functions: Collection[str]) -> tuple[Share, ...]:
    """Each device for itself."""
    return tuple(
        Share(
            (each["toyId"],),
            each.get("scale", FULL_SCALE),
            main=summary.main(each),
            named=tuple(_actuator(each, name) for name in summary.usable(each, functions)),
            takes_overlays=summary.takes_overlays(each),
        )
        for each in playing
    )


def _actuator(device: DeviceSummary, name: str) -> Actuator:
    floor = device.get("floors", {}).get(name, 0)
    return summary.actuator(name, cap=device["functions"][name], floor=floor)


def _shares(playing: Iterable[DeviceSummary], *, is_everybody: bool) -> tuple[Share, ...]:
    found: dict[tuple[int, int, str], list[str]] = {}
    for each in playing:
        main = summary.main(each)
        own = each.get("scale", FULL_SCALE), each.get("floors", {}).get(main, 0), main
        found.setdefault(own, []).append(each["toyId"])
    if is_everybody and len(found) == 1:
        return tuple(Share((), *own) for own in found)
    return tuple(Share(tuple(toys), *own) for own, toys in found.items()) or (Share(),)


def is_test(request: RequestRow) -> bool:
    return request["type"] == RequestType.TEST


def is_stopped(performer: PerformerRow) -> bool:
    """She has pressed stop, and not resumed since."""
    return performer.get("stopped_at") is not None


def is_paused(performer: PerformerRow, now: datetime) -> bool:
    until = performer["paused_until"]
    return performer["paused_at"] is not None and (until is None or until > now)


@lru_cache(maxsize=1)
def _default_platform() -> PlatformRow:
    row: Any = {str(f.column): f.get_default() for f in PlatformSettings._meta.concrete_fields}
    return cast(PlatformRow, row)


_menu_cache: dict[str, MenuRow] = {}


def _menu_key(performer: PerformerRow) -> str:
    return f"{performer['_id']}.{performer['menu_version']}"


def _menus(performers: Iterable[PerformerRow]) -> dict[str, MenuRow]:
    global _menu_cache
    # replaced as a whole, so that another thread never sees it half filled or just emptied
    known = _menu_cache
    wanted = [_menu_key(row) for row in performers if row["menu_version"]]
    missing = [key for key in wanted if key not in known]
    if missing:
        kept = known if _has_room(known) else {key: known[key] for key in wanted if key in known}
        known = kept | {
            row["_id"]: row for row in collection(TipMenu).find({"_id": {"$in": missing}})
        }
        _menu_cache = known
    return {key: known[key] for key in wanted if key in known}


def _has_room(known: dict[str, MenuRow]) -> bool:
    """Five hundred items are some hundred kilobytes: the number of menus alone says little."""
    items = sum(len(menu["items"]) for menu in known.values())
    return len(known) < MENUS_KEPT and items < MENU_ITEMS_KEPT
