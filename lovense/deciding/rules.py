"""What binds a round of decisions, read once for all of its rows: the platform, the performers,
their menus and paces."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from ground import clock
from ground.mongodb.collections import collection
from lovense import bridges
from lovense.bridges import OwnLevels
from lovense.deciding import standings
from lovense.deciding.activation import activation_id
from lovense.deciding.pace import Pace
from lovense.deciding.platform import ROW
from lovense.deciding.rest import Rest
from lovense.deciding.standings import AskedAmount, ItemStanding
from lovense.deciding.stock import Shelf
from lovense.devices import summary
from lovense.menus import matching, parts, reading, seen, vibration
from lovense.menus.actuators import Actuator, Capabilities
from lovense.menus.matching import OPEN, Closed, Item
from lovense.menus.reading import PublishedMenu
from lovense.menus.seen import SeenVersion
from lovense.menus.vibration import FUNCTION, LONGEST_ITEM_SECONDS
from lovense.models import Performer, PlatformSettings
from lovense.performers import overrides
from lovense.rows import ActivationRow, DeviceSummary, PerformerRow, PlatformRow
from lovense.timeline import FULL_SCALE
from tips.models import Mode, RequestType
from tips.queue import ordering
from tips.rows import RequestRow


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


class SlicedPath(NamedTuple):
    """How a run is told on a performer's path. `is_shared`: all commands for her take turns."""

    lease_seconds: int = 0
    hold_seconds: int = 0
    is_shared: bool = False


class Caps(NamedTuple):
    """What binds whoever plays, and who is told what of it."""

    seconds: int
    intensity: int
    shares: tuple[Share, ...] = (Share(),)
    path: SlicedPath = SlicedPath()

    def of(self, share: Share) -> Capabilities:
        """On her path, where the server tells each share by commands of its own."""
        shares, path = len(self.shares), self.path
        hold = path.hold_seconds * shares if path.is_shared else path.hold_seconds
        return share.capabilities._replace(lease_seconds=path.lease_seconds, hold_seconds=hold)


class MenuNotRead(LookupError):
    """A version that a viewer saw is read before it decides: by whoever reads the request too."""


class StandingsNotRead(LookupError):
    """Whether an item answers now is read before it decides."""


@dataclass(slots=True)
class Rules:
    """What binds one batch of decisions, read once for all of its rows."""

    platform: PlatformRow
    performers: dict[str, PerformerRow]
    menus: dict[str, PublishedMenu] = field(default_factory=dict)
    paces: dict[str, Pace] = field(default_factory=dict)
    rests: dict[str, Rest] = field(default_factory=dict)
    standings: dict[str, dict[str, ItemStanding]] = field(default_factory=dict)
    # Of lanes in memory the versions of which every item's standing is known; of others it is read
    # for each decision.
    known_menus: dict[str, frozenset[str]] = field(default_factory=dict)
    # The moment for which it is asked: an override of hers binds until its end.
    at: datetime = field(default_factory=clock.now)

    @classmethod
    def read(
        cls,
        performer_ids: Iterable[str],
        requests: Iterable[RequestRow] = (),
        *,
        at: datetime | None = None,
    ) -> "Rules":
        """With the menus of now, and those that the viewers of these requests saw."""
        rules = cls.without_menus(performer_ids)
        rules.at = at or rules.at
        rows = rules.performers.values()
        now = (_menu_key(row) for row in rows if row["menu_version"])
        rules.menus = reading.read([*now, *rules._seen(requests)])
        return rules

    @classmethod
    def without_menus(cls, performer_ids: Iterable[str]) -> "Rules":
        """For what decides nothing by what is published."""
        kept = collection(PlatformSettings).find_one({"_id": ROW}) or {}
        performers = {
            row["_id"]: row
            for row in collection(Performer).find({"_id": {"$in": list(performer_ids)}})
        }
        platform = cast(PlatformRow, {**_default_platform(), **kept})
        return cls(platform, performers)

    def read_menus(self, requests: Iterable[RequestRow]) -> None:
        """Those that their viewers saw too; without a command where they are known."""
        missing = [key for key in self._seen(requests) if key not in self.menus]
        if missing:
            self.menus = self.menus | reading.read(missing)

    def _seen(self, requests: Iterable[RequestRow]) -> list[str]:
        keys = []
        for request in requests:
            performer = self.performers.get(request["lane"])
            if performer is not None and performer["menu_version"]:
                keys.append(_menu_key(performer, self.seen_by(request, performer).number))
        return keys

    def seen_by(self, request: RequestRow, performer: PerformerRow) -> SeenVersion:
        """Which version decides it."""
        return seen.of(performer, tipped_at(request))

    def menu_of(
        self, performer: PerformerRow | None, version: int | None = None
    ) -> PublishedMenu | None:
        """That version, or the one of now; None: there is none. Raises MenuNotRead."""
        if performer is None:
            return None
        found = self.menus.get(_menu_key(performer, version))
        if found is None and version not in (None, performer["menu_version"]):
            raise MenuNotRead(_menu_key(performer, version))
        return found

    def limited_lanes(self, requests: Iterable[RequestRow]) -> frozenset[str]:
        """The lanes of those of these that an item may answer which does not always."""
        asked = (self._asked(request) for request in requests)
        return frozenset(one.performer_id for one in asked if one is not None)

    def read_standings(self, requests: Iterable[RequestRow]) -> None:
        """Of the items that may answer these; without a command where all of them always do."""
        asked = [one for request in requests if (one := self._asked(request)) is not None]
        if asked:
            self.standings = {**self.standings, **standings.read(asked)}

    def _asked(self, request: RequestRow) -> AskedAmount | None:
        performer, amount = self.performers.get(request["lane"]), request["payload"].get("amount")
        if performer is None or not amount:
            return None
        menu = self.menus.get(_menu_key(performer, self.seen_by(request, performer).number))
        if menu is None or not menu.limited:
            return None
        key, show = activation_id(request["idempotency_key"]), standings.show_of(request)
        return AskedAmount(performer["_id"], menu, amount, show, self.menu_of(performer), key)

    def shelf_of(self, row: ActivationRow) -> Shelf | None:
        """The pieces of the item that this is about to play; None: it has no end of them, or is
        kept from an attempt of before there was one."""
        item = row["item"]
        if item is None or item.get("stock") is None:
            return None
        standing = self.standings.get(row["performer_id"], {}).get(item["itemId"])
        return standing.shelf if standing else None

    def sold_out(self, row: ActivationRow) -> None:
        """Others were faster: none is left of its item."""
        item, whose = row["item"], row["performer_id"]
        assert item is not None
        known = self.standings[whose][item["itemId"]]
        shelf = known.shelf and known.shelf._replace(pieces=0, own=False)
        self.standings[whose] = {
            **self.standings[whose],
            item["itemId"]: known._replace(shelf=shelf),
        }

    def is_gone(self, lane: str, item: Item) -> bool:
        """Of an item that an earlier attempt was to play."""
        if item.get("stock") is None:
            return False
        standing = self.standings.get(lane, {}).get(item["itemId"])
        shelf = standing.shelf if standing else None
        return shelf is not None and not shelf.pieces and not shelf.own

    def closed_of(self, performer: PerformerRow, menu: PublishedMenu, now: datetime) -> Closed:
        """Her items that do not answer now. Raises StandingsNotRead."""
        if not menu.limited:
            return OPEN
        known = self.standings.get(performer["_id"])
        if known is None or menu.key not in self.known_menus.get(performer["_id"], {menu.key}):
            raise StandingsNotRead(menu.key)
        return standings.closed(menu, known, now)

    def take_menus(self, menus: Mapping[str, PublishedMenu]) -> None:
        """Those too; of all others those in force now, and no more than are to be kept."""
        keys = map(_menu_key, self.performers.values())
        in_force = {key: self.menus[key] for key in keys if key in self.menus}
        self.menus = reading.within_bounds({**in_force, **menus}, self.menus)

    def minimum_of(self, performer: PerformerRow | None) -> int:
        """The platform's, or hers where that is higher."""
        hers = (performer and overrides.bound(performer, self.at)["minimum_tip"]) or 0
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
        performer = self._bound(lane)
        mode = Mode((performer and performer["queue_mode"]) or self.platform["queue_mode"])
        is_whole = mode is Mode.BATCH and self.own_levels_of(performer) is not None
        return Mode.FIFO if is_whole else mode

    def _bound(self, lane: str) -> PerformerRow | None:
        performer = self.performers.get(lane)
        return performer and overrides.bound(performer, self.at)

    def limit_of(self, lane: str) -> int:
        """How many runs of hers may start in a minute; 0: as many as there are."""
        limit = self.platform["rate_limit_per_minute"]
        own = overrides.rate_of(self.performers.get(lane), self.at)
        return min(limit or own, own) if own else limit

    def limits_of(self, lanes: Iterable[str]) -> dict[str, int]:
        return {lane: self.limit_of(lane) for lane in lanes}

    def paced(self, lanes: Iterable[str]) -> int:
        """The limit under which starts of these count: of all of them where one has any."""
        limit = self.platform["rate_limit_per_minute"]
        return limit or max(map(self.limit_of, lanes), default=0)

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
        """A pause does not hold her tests, nor the one that she lets through."""
        lane = request["lane"]
        is_free = is_test(request) or self.let(lane) == request["_id"]
        return not self._is_closed(lane) and (is_free or not self.is_paused(lane, now))

    def let(self, lane: str) -> str:
        """The request that she lets through while she has paused; empty: none."""
        performer = self.performers.get(lane)
        return (performer and performer.get("plays_one")) or ""

    def startable(self, heads: Sequence[RequestRow], now: datetime) -> list[RequestRow]:
        """Of the heads of one lane those among which the next one is. What was tried, and may be on
        a device, is not overtaken by a test."""
        found = [row for row in heads if self.may_start(row, now)]
        is_overtaken = any(ordering.is_tried(row) and row not in found for row in heads)
        return [] if is_overtaken else found

    def caps_of_item(self, lane: str, item: Item) -> Caps:
        return self.caps_of(lane, vibration.functions_of(item), parts.offsets(item))

    def caps_of(
        self, lane: str, functions: Collection[str] = (), toy_ids: Collection[str] = ()
    ) -> Caps:
        """The strictest of the platform's, of hers and of each device that plays. All of them are
        told the same, but for what she has set for one of them: its scale and its floor.
        `functions` that an item names have the caps of each device; `toy_ids` that it names are
        those that play."""
        performer = overrides.bound(self.performers[lane], self.at)
        seconds = min(
            self.platform["maximum_seconds"], performer["maximum_seconds"] or LONGEST_ITEM_SECONDS
        )
        intensity, devices = performer["maximum_intensity"], performer.get("devices")
        path = _path_of(performer["bridge"])
        if not devices:
            return Caps(seconds, intensity, path=path)
        playing = summary.playing(summary.among(devices, toy_ids), functions)
        is_everybody = all(each in playing for each in devices if each["isConnected"])
        return Caps(
            min([seconds, *(each["maximumSeconds"] or seconds for each in playing)]),
            min([intensity, *_main_caps(playing)]) if not functions else intensity,
            _named(playing, functions)
            if functions or (toy_ids and not playing)
            else _shares(playing, is_everybody=is_everybody),
            path,
        )

    def caps_of_device(self, lane: str, device: DeviceSummary) -> Caps:
        """The same where one device is told something alone; the caps of its functions are its
        own."""
        performer = overrides.bound(self.performers[lane], self.at)
        seconds = min(
            self.platform["maximum_seconds"],
            performer["maximum_seconds"] or LONGEST_ITEM_SECONDS,
            device["maximumSeconds"] or LONGEST_ITEM_SECONDS,
        )
        return Caps(seconds, performer["maximum_intensity"], path=_path_of(performer["bridge"]))


def _path_of(name: str) -> SlicedPath:
    bridge = bridges.find(name)
    if bridge is None or not bridge.lease_seconds:
        return SlicedPath()
    is_shared = bridge.runs_in is bridges.RunsIn.SERVER
    return SlicedPath(bridge.lease_seconds, bridge.hold_seconds, is_shared)


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


def tipped_at(request: RequestRow) -> datetime | None:
    """When the viewer made the tip, or we received it, if that was earlier; None: it is no tip."""
    if (at := request.get("tipped_at")) is not None:
        return at
    is_tip = request["type"] == RequestType.TIP
    return clock.parse(request["payload"]["createdAt"]) if is_tip else None


def is_test(request: RequestRow) -> bool:
    """Of hers, which no pause holds. In a rehearsal it is held as a tip is."""
    return request["type"] == RequestType.TEST and not request["payload"].get("rehearsal")


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


def _menu_key(performer: PerformerRow, version: int | None = None) -> str:
    return f"{performer['_id']}.{performer['menu_version'] if version is None else version}"
