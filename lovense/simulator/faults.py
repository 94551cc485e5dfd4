"""Faults a test can plant in a virtual device: acknowledgements held back, lost, or sent twice, and
commands refused."""

import asyncio
from collections import Counter


class DeviceFaults:
    """Keyed by stage: received, started, finished, failed. Nothing is planted by default."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Event] = {}
        self._drops: Counter[str] = Counter()
        self._duplicates: Counter[str] = Counter()
        self._refusals: list[str] = []

    def hold(self, stage: str) -> asyncio.Event:
        """Acknowledgements of this stage wait until the returned event is set."""
        return self._held.setdefault(stage, asyncio.Event())

    def drop(self, stage: str, times: int = 1) -> None:
        """The next acknowledgements of this stage are lost."""
        self._drops[stage] += times

    def duplicate(self, stage: str, times: int = 1) -> None:
        """The next acknowledgements of this stage are sent twice."""
        self._duplicates[stage] += times

    def refuse(self, code: str, times: int = 1) -> None:
        """The next commands that it would have played are refused with this code; a refused one may
        come again and play."""
        self._refusals += [code] * times

    def refusal(self) -> str:
        """The code with which to refuse the command at hand; empty when it may play."""
        return self._refusals.pop(0) if self._refusals else ""

    async def copies(self, stage: str) -> int:
        """How often to send an acknowledgement of this stage; waits while the stage is held."""
        if stage in self._held:
            await self._held[stage].wait()
        if self._drops[stage]:
            self._drops[stage] -= 1
            return 0
        if self._duplicates[stage]:
            self._duplicates[stage] -= 1
            return 2
        return 1
