"""A device as a person reads it: words for what its row says. Nothing is decided here."""

from datetime import datetime, timedelta

from lovense.devices import changes, summary
from lovense.models import DeviceStatus
from lovense.rows import DeviceRow

# A device that has said nothing for this long is not shown as connected.
NEWS_EXPECTED = timedelta(seconds=30)
BACK_SHOWN_FOR = timedelta(seconds=30)
LOW_BATTERY, EMPTY_BATTERY = 20, 10
WORDS = {
    DeviceStatus.CONNECTED: "Connected",
    DeviceStatus.DISCONNECTED: "Disconnected",
    DeviceStatus.ERROR: "Error",
}


class ShownDevice:
    """What every page of hers shows of a device."""

    def __init__(self, row: DeviceRow, now: datetime) -> None:
        self.row, self._now = row, now
        self.device_id = row["_id"]
        self.nickname, self.battery = row["nickname"], row["battery"]
        self.is_enabled, self.last_seen_at = row["is_enabled"], row["last_seen_at"]
        self.is_muted = summary.is_muted(row)
        self.is_silent = row["reason"] == changes.NO_NEWS or (
            row["status"] == DeviceStatus.CONNECTED and now - self.last_seen_at > NEWS_EXPECTED
        )
        self.is_away = self.is_silent or row["status"] != DeviceStatus.CONNECTED

    @property
    def words(self) -> str:
        return "No news" if self.is_silent else WORDS[DeviceStatus(self.row["status"])]

    @property
    def is_back(self) -> bool:
        """It was away, and is not any more."""
        back_at = self.row["last_connected_at"]
        is_first = back_at == self.row["first_connected_at"]
        return back_at is not None and not is_first and self._now - back_at <= BACK_SHOWN_FOR

    @property
    def is_low(self) -> bool:
        return self.battery is not None and self.battery <= LOW_BATTERY

    @property
    def is_empty(self) -> bool:
        return self.battery is not None and self.battery <= EMPTY_BATTERY
