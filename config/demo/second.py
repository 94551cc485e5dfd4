"""The second performer in the show: her toys are paired while the first one's tips are played, and
what they did is looked up in Lovense's journal."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.demo import journal, toys
from config.demo.pairing import PairedToys, PairingFailed, pair
from lovense.rows import Json

SILENT_SECONDS, LOOK_SECONDS = 2.0, 0.05  # a toy ends a moment after its run does


@dataclass(frozen=True)
class VendorAddress:
    """Where the simulated Lovense of this stack is, and what it writes."""

    url: str
    journal: Path


class SecondPerformer:
    def __init__(self, site: str, vendor: VendorAddress, token: str) -> None:
        self.scenes = toys.script()
        self._site, self._vendor, self._token = site, vendor, token
        self._paired: PairedToys | None = None
        self._failure = ""

    async def pair(self) -> bool:
        """As soon as the site and Lovense answer. False: her toys cannot be told, and `differences`
        says why."""
        hers = {"minimumTip": toys.MINIMUM_TIP}
        try:
            self._paired = await pair(
                self._site, self._vendor.url, token=self._token, preferences=hers
            )
        except PairingFailed as failure:
            self._failure = str(failure)
        return self._paired is not None

    async def differences(self) -> list[str]:
        """Between the journal and what her tips promised."""
        if self._paired is None:
            return [self._failure]
        lines = await self._lines(self._paired.phone)
        return journal.differences(lines, toys.promised(), self._paired.names)

    async def _lines(self, phone: str) -> Sequence[Json]:
        """As they are once her toys are silent, or after a patient while."""
        for _ in range(int(SILENT_SECONDS / LOOK_SECONDS)):
            lines = await asyncio.to_thread(journal.read, self._vendor.journal, phone=phone)
            if journal.is_silent(lines):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return lines
