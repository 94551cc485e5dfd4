"""What the simulator is made of: clock, journal, faults, phones, pairings and callbacks, and how a
person changes them. It knows nothing of sockets."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from lovense.simulator.toy import Toy, Traits
from lovense.vendor_simulator.agenda import Agenda
from lovense.vendor_simulator.faults import FaultPlan
from lovense.vendor_simulator.journal import Journal
from lovense.vendor_simulator.phones.callbacks import Callbacks
from lovense.vendor_simulator.phones.dialects import ANDROID, DESKTOP, Dialect
from lovense.vendor_simulator.phones.extension import ExtensionState
from lovense.vendor_simulator.phones.pairings import Pairings
from lovense.vendor_simulator.phones.phone import Paired, Phone

DEVELOPER_TOKEN = "development-only-lovense-developer-token"  # noqa: S105
TYPES = ("lush", "nora", "max")
FULL, SIMPLE, NONE = "full", "simple", "none"
CORS = (FULL, SIMPLE, NONE)
IMAGE, TEXT = "image", "text"
QR = (IMAGE, TEXT)
MOST_PHONES = 5000


class TooManyPhones(ValueError):
    """So many people never pair at once on one machine."""


@dataclass(slots=True)
class Manners:
    """How everything answers; the control door may change it while it runs. Percent of battery for
    each minute of movement in `drain`."""

    types: Sequence[str] = TYPES
    dialect: Dialect = ANDROID
    cors: str = FULL
    latency_ms: float = 0
    jitter_ms: float = 0
    drain: float = 0
    heartbeat_seconds: float = 10
    developer_token: str = DEVELOPER_TOKEN
    qr: str = IMAGE  # `text`: a pairing also says what its picture says


@dataclass(slots=True)
class PhonePorts:
    """Where the phones' local server listens; 0 while it does not."""

    http: int = 0
    https: int = 0


class VendorWorld:
    def __init__(
        self,
        *,
        manners: Manners | None = None,
        callback_to: str = "",
        journal: Path | None = None,
        seed: int | None = None,
    ) -> None:
        self.manners, self.ports = manners or Manners(), PhonePorts()
        self.agenda, self.faults = Agenda(), FaultPlan()
        self.callbacks = Callbacks(callback_to)
        self.journal = Journal(journal)
        self.extension = ExtensionState()
        self.stopping = threading.Event()
        self.doors_changed: Callable[[], object] = lambda: None
        self._chance = random.Random(seed)
        self.pairings = Pairings(self._chance)
        self.phones: dict[str, Phone] = {}
        self._by_uid: dict[str, Phone] = {}
        self._by_domain: dict[str, Phone] = {}
        self._numbers = 0
        self.add_phone()

    @property
    def is_over(self) -> bool:
        return self.stopping.is_set()

    def drawn_latency(self) -> float:
        """In ms, for one call."""
        with self.agenda.lock:
            spread = self._chance.uniform(-1, 1) * self.manners.jitter_ms
        return max(0.0, self.manners.latency_ms + spread)

    # --- phones ----------------------------------------------------------------------------------

    @property
    def phone(self) -> Phone:
        """The first one."""
        return next(iter(self.phones.values()))

    def add_phone(self, types: Sequence[str] | None = None) -> Phone:
        """Its toys are of these types; None: the usual ones. Raises TooManyPhones."""
        if len(self.phones) >= MOST_PHONES:
            raise TooManyPhones(f"at most {MOST_PHONES} phones")
        self._numbers += 1
        phone = Phone(
            f"phone-{self._numbers}",
            address=self._address(self._numbers - 1),
            dialect=self.manners.dialect,
            toys=[self.new_toy(kind) for kind in self._types(types)],
            agenda=self.agenda,
            lines=self.journal,
        )
        self.phones[phone.name] = phone
        self._by_domain.setdefault(phone.domain, phone)
        return phone

    def _types(self, wished: Sequence[str] | None) -> Sequence[str]:
        return self.manners.types if wished is None else wished

    def _address(self, number: int) -> str:
        """A private one of its own; a desktop's app is on the performer's PC."""
        if self.manners.dialect is DESKTOP:
            return "127.0.0.1"
        return f"192.168.{1 + number // 200}.{44 + number % 200}"

    def new_toy(self, kind: str, *, nickname: str = "", traits: Traits | None = None) -> Toy:
        own = f"{self._chance.getrandbits(48):012x}"
        return Toy(kind, id=own, nickname=nickname, drain=self.manners.drain, traits=traits)

    def of_uid(self, uid: str) -> Phone | None:
        """The phone that was paired last under this uid."""
        return self._by_uid.get(uid)

    def of_host(self, host: str) -> Phone | None:
        """By the name of a callback's `domain`, with dashes or dots."""
        name = host.removesuffix(".lovense.club").replace(".", "-")
        return self._by_domain.get(f"{name}.lovense.club")

    # --- what a person does ----------------------------------------------------------------------

    def scan(self, code: str, phone: Phone | None = None) -> Phone | None:
        """A person scans; None for a code that is unknown or over. Without a phone it is the one
        that has this pairing, the first that has none, or a new one. Raises TooManyPhones."""
        paired = self.pairings.find(code, self.agenda.now())
        if paired is None:
            return None
        phone = phone or self._phone_for(paired)
        if phone.paired and self._by_uid.get(phone.paired.uid) is phone:
            del self._by_uid[phone.paired.uid]
        phone.paired = paired
        phone.pairings += 1
        self._by_uid[paired.uid] = phone
        self._plan_heartbeat(phone)
        return phone

    def show(self, phone: Phone, *, in_front: bool) -> None:
        """The app comes to the front, or goes behind another one."""
        phone.is_in_front = in_front
        self.doors_changed()
        self._greet(phone)

    def connect(self, phone: Phone, *, online: bool) -> None:
        """The phone's network comes, or goes."""
        phone.is_online = online
        self.agenda.tell()
        self._greet(phone)

    def _greet(self, phone: Phone) -> None:
        """An app that can be reached again says so at once."""
        if phone.paired and phone.is_reached_by_cloud:
            self.call_back(phone)

    def speak(self, dialect: Dialect) -> None:
        """All apps speak so from now on; only a new phone gets the address that goes with it."""
        self.manners.dialect = dialect
        for phone in self.phones.values():
            phone.dialect = dialect

    def call_back(self, phone: Phone) -> "Future[int]":
        """It tells us of its toys, now; the status of the answer."""
        body = phone.callback(self.ports.http, self.ports.https, self.agenda.now())
        return self.callbacks.send(body)

    def reset(self) -> None:
        """One phone, as at the beginning; nothing paired, nothing planned. What played is
        silent."""
        now = self.agenda.now()
        for phone in self.phones.values():
            for toy_id in phone.toys.ids:
                phone.remove(toy_id, now)
        self.phones, self._by_uid, self._by_domain, self._numbers = {}, {}, {}, 0
        self.pairings.clear()
        self.faults.clear()
        self.extension = ExtensionState()
        self.add_phone()
        self.doors_changed()
        self.agenda.tell()

    def _phone_for(self, paired: Paired) -> Phone:
        if known := self._by_uid.get(paired.uid):
            return known
        free = (phone for phone in self.phones.values() if phone.paired is None)
        return next(free, None) or self.add_phone()

    def _plan_heartbeat(self, phone: Phone) -> None:
        pairing = phone.pairings

        def due(moment: int) -> None:
            if phone.pairings == pairing and self.phones.get(phone.name) is phone:
                if phone.is_online:
                    self.call_back(phone)
                self._plan_heartbeat(phone)

        # From now and not from then: a clock that was moved on owes one heartbeat, not hundreds.
        self.agenda.at(self.agenda.now() + int(self.manners.heartbeat_seconds * 1000), due)
