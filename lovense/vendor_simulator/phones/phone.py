"""The vendor's app on one phone: its toys, whether it can be reached, and what it tells of itself.
It is asked under the agenda's lock."""

from collections.abc import Iterable
from dataclasses import dataclass

from lovense.rows import Json
from lovense.simulator.toy import Toy
from lovense.simulator.toys import Toys
from lovense.vendor_simulator.agenda import Agenda
from lovense.vendor_simulator.journal import Journal
from lovense.vendor_simulator.phones.dialects import (
    APP_VERSION,
    PROTOCOL_VERSION,
    Dialect,
    port_fields,
    toy_fields,
)
from lovense.vendor_simulator.phones.levels import LevelWatch


@dataclass(frozen=True, slots=True)
class Paired:
    """To whom the app belongs, in the words of the one who opened the pairing."""

    uid: str
    utoken: str


class Phone:
    """`address` is its IPv4 on the performer's network, made up."""

    def __init__(
        self,
        name: str,
        *,
        address: str,
        dialect: Dialect,
        toys: Iterable[Toy],
        agenda: Agenda,
        lines: Journal,
    ) -> None:
        self.name, self.address, self.dialect = name, address, dialect
        self.toys = Toys(toys)
        self.is_in_front = self.is_online = True
        self.paired: Paired | None = None
        self.pairings = 0  # how often it was paired: the heartbeats of an older pairing end
        self._watch = LevelWatch(name, self.toys, agenda, lines)

    @property
    def domain(self) -> str:
        return f"{self.address.replace('.', '-')}.lovense.club"

    @property
    def is_reached_by_cloud(self) -> bool:
        """An app in the background is suspended: the cloud calls it offline."""
        return self.is_online and self.is_in_front

    # --- commands --------------------------------------------------------------------------------

    def obey(self, body: Json, at: int) -> Json:
        """The app's own answer. What changed before is in the journal; what changes by this
        command comes after the command's own line, when the caller lets it `settle`."""
        at = self._watch.settle(at)
        answer = self.toys.obey(body, at)
        if body.get("command") == "GetToys":
            return self._listed(answer, at)
        return answer

    def settle(self, at: int) -> None:
        """All changes of levels until now are in the journal."""
        self._watch.settle(at)

    def foresee(self, body: Json, at: int) -> int:
        """The code that it would answer; nothing moves."""
        return self.toys.code_for(body, self._watch.settle(at))

    def _listed(self, answer: Json, at: int) -> Json:
        """As this app lists them."""
        if self.dialect.lists_text:
            told = answer["data"]["toys"]
        else:
            told = {toy.id: toy.described(at) for toy in self.toys}
        data = {"toys": told, "platform": self.dialect.platform, "appType": "remote"}
        return answer | {"data": data}

    # --- what happens to a toy -------------------------------------------------------------------

    def add(self, toy: Toy) -> None:
        """Raises TooManyToys."""
        self.toys.add(toy)

    def remove(self, toy_id: str, at: int) -> None:
        """It falls silent first. Raises KeyError."""
        self.switch(toy_id, on=False, at=at)
        self.toys.remove(toy_id)

    def switch(self, toy_id: str, *, on: bool, at: int) -> None:
        """Raises KeyError."""
        at = self._watch.settle(at)
        self.toys[toy_id].switch(on=on, at=at)
        self._watch.settle(at)

    def charge(self, toy_id: str, battery: float, at: int) -> None:
        """Raises KeyError."""
        at = self._watch.settle(at)
        self.toys[toy_id].charge(battery, at)
        self._watch.settle(at)

    # --- what it says of itself ------------------------------------------------------------------

    def callback(self, http: int, https: int, at: int) -> Json:
        """The body that it sends after a scan and at every heartbeat; it is paired."""
        assert self.paired is not None
        toys = {
            toy.id: toy_fields(self.dialect, toy, place, at) for place, toy in enumerate(self.toys)
        }
        return {
            "uid": self.paired.uid,
            "utoken": self.paired.utoken,
            "domain": self.domain,
            **port_fields(self.dialect, http, https),
            **self.dialect.more,
            "appVersion": APP_VERSION,
            "platform": self.dialect.platform,
            "version": self.dialect.number(PROTOCOL_VERSION),
            "toys": self.dialect.toys(toys),
        }
