"""The other end of the socket of a page that hands tips to the vendor's extension, and that extension: the
simulator's, whose journal tells what it was called with."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from ground import clock
from tests.browser.wire import Server
from tests.vendor import Vendor

SITE = "My Cam Site"
AGES_AGO = "2026-01-03T04:15:00.000Z"


class ExtensionServer(Server):
    """A server of ours to which her page is connected while she is on `EXTENSION`."""

    def __init__(self, page: Page, vendor: Vendor) -> None:
        self.vendor, self.site = vendor, SITE
        self._before = len(vendor.simulator.journal.lines("extension"))
        super().__init__(page)

    def snapshot(self, **more: Any) -> None:
        limits = {"bridge": "EXTENSION", "devices": [], "maximumIntensity": 20, "maximumSeconds": 30}
        super().snapshot(**{"lease": 1, "camSiteName": self.site} | limits | more)

    def hand(
        self, activation_id: str, amount: int, *, name: str = "bob", seconds: int = 1, **more: Any
    ) -> None:
        """A tip, as the server tells it."""
        at = more.pop("decided_at", clock.iso(clock.now()))
        command = {"command": "ReceiveTip", "amount": amount, "name": name, "decidedAt": at}
        self.activate(activation_id, seconds=seconds, commands=[command], lease=1, **more)

    # --- what it was called with ---------------------------------------------------------------------------

    def calls(self, call: str) -> list[Any]:
        lines = self.vendor.simulator.journal.lines("extension")[self._before :]
        return [line for line in lines if line["call"] == call]

    def tips(self) -> list[Any]:
        return [(line["amount"], line["tipperName"]) for line in self.calls("receiveTip")]

    def constructed(self) -> list[int]:
        """The moments, in ms since the first."""
        at = [line["at"] for line in self.calls("construct")]
        return [each - at[0] for each in at]

    # --- what the page has said ----------------------------------------------------------------------------

    def reports(self) -> list[Any]:
        return [said for said in self.said if said["type"] == "extension"]

    def has_told(self, holds: Callable[[Any], bool]) -> Any:
        """The first report of its extension that is so."""
        self.wait_for(lambda: any(map(holds, self.reports())))
        return next(filter(holds, self.reports()))
