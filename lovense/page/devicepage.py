"""What the page of one device shows: how it is, what it may do and how strongly, what it was told,
and the app that has it. Hers only; nothing is changed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.http import QueryDict

from ground.json.fields import Malformed
from lovense.bridges.outcomes import CallOutcome
from lovense.devices import devicelog, summary
from lovense.models import Performer
from lovense.page.deviceform import DeviceForm
from lovense.page.devicespage import DevicesPage
from lovense.page.keptdevice import KeptDevice
from lovense.rows import DeviceRow

LINES = 20


@dataclass(frozen=True, slots=True)
class ToldLine:
    """A line of its log."""

    at: datetime
    told: str
    outcome: str
    tone: str


class DevicePage(DevicesPage):
    """One of her devices; `typed` and `wrong` are those of its form."""

    def __init__(
        self,
        performer: Performer,
        row: DeviceRow,
        now: datetime,
        *,
        typed: QueryDict | None = None,
        wrong: Sequence[Malformed] = (),
    ) -> None:
        super().__init__(performer, now)
        self._row, self._typed, self._wrong = row, typed, wrong
        self.title = row["nickname"]

    @cached_property
    def device(self) -> KeptDevice:
        return self.shown(self._row)

    @property
    def is_gone(self) -> bool:
        """It is hers no more: she removed it, or its app is not paired any more."""
        return not summary.is_kept(self._row)

    @property
    def is_removed(self) -> bool:
        return self._row["removed_at"] is not None

    @cached_property
    def form(self) -> DeviceForm:
        return DeviceForm(self.device, self._typed, self._wrong)

    @property
    def log(self) -> list[ToldLine]:
        """The newest first; of what a page of hers tells there is none here."""
        rows = devicelog.newest_of(self._row["_id"], limit=LINES)
        return [
            ToldLine(
                row["at"],
                row["told"],
                f"{row['outcome'].replace('_', ' ')}, {row['ms']:.0f} ms",
                "good" if row["outcome"] == CallOutcome.ACCEPTED else "warn",
            )
            for row in rows
        ]
