"""A show on a running stack: performers with their virtual devices, a payment system that repeats itself, and
the facts."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
from bson import ObjectId

from config import benchmark
from lovense.simulator.device import Report, VirtualDevice
from tests.flows import proof
from tests.flows.facts import PATIENCE_SECONDS, Facts, Matches
from tests.flows.stack import Stack
from tips.intake import simulator
from tips.intake.simulator import PaymentSystem

SPEED = 40.0  # a run of two seconds takes 50 ms
RETRY_SECONDS = 0.1  # between two attempts of the payment system
VIEWERS = 4
AMOUNT = 100


@dataclass(frozen=True)
class Tip:
    """The bytes of one call, so that a repeat is the very same call."""

    tip_id: str
    performer_id: str
    content: bytes
    message_id: str


class Cast:
    """The performers of a stack; each show takes new ones."""

    def __init__(self, tokens: dict[str, str], memory: Path) -> None:
        self._tokens, self._new = tokens, iter(tokens)
        self._memory = memory

    def take(self, url: str, performers: int) -> list[VirtualDevice]:
        return [self.page(url, next(self._new)) for _ in range(performers)]

    def page(
        self, url: str, performer_id: str, *, name: str = "page", report: Report | None = None
    ) -> VirtualDevice:
        """One of her pages; each has a memory of its own."""
        memory = self._memory / f"{performer_id}.{name}"
        token = self._tokens[performer_id]
        return VirtualDevice(
            url=url, performer_id=performer_id, token=token, memory=memory, speed=SPEED, report=report
        )


_numbers = count()


def new_tip(performer_id: str, *, amount: int = AMOUNT) -> Tip:
    tip_id = str(ObjectId())
    data = simulator.tip(
        tip_id,
        amount,
        tipper_id=benchmark.viewer_id(next(_numbers) % VIEWERS),
        performer_id=performer_id,
        commission=25,
    )
    return Tip(tip_id, performer_id, simulator.body("tip.succeeded", data), f"msg_{tip_id}")


@dataclass
class Show:
    stack: Stack
    facts: Facts
    payments: PaymentSystem
    devices: dict[str, VirtualDevice]
    running: dict[str, asyncio.Task[None]]
    accepted: list[Tip] = field(default_factory=list)  # in the order of acceptance

    @property
    def performers(self) -> list[str]:
        return list(self.devices)

    @property
    def device(self) -> VirtualDevice:
        """Of the only performer."""
        (device,) = self.devices.values()
        return device

    @property
    def tip_ids(self) -> list[str]:
        return [tip.tip_id for tip in self.accepted]

    async def writer(self) -> str:
        """The web process that holds the pen."""
        row = await self.facts.database.journal_state.find_one({"_id": "writer"})
        assert row is not None
        return str(row["holder"].partition("/")[0])

    async def another(self) -> str:
        """A web process that does not."""
        writer, processes = await self.writer(), self.stack.parts["processes"]
        return next(name for name in processes if name.startswith("web-") and name != writer)

    @contextlib.asynccontextmanager
    async def after(self, matches: Matches, *, times: int = 1) -> AsyncIterator[asyncio.Task[None]]:
        """To be awaited inside the block: the `times`-th change that matches, counted from its beginning."""
        seen = asyncio.create_task(self.facts.recorded(matches, times=times))
        await asyncio.sleep(0)  # it listens from here on
        try:
            yield seen
        finally:
            seen.cancel()

    async def send(self, tip: Tip, *, message_id: str = "") -> list[int]:
        """As a payment system does: again until it is taken. The answers; 0 for none."""
        answers: list[int] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answers.append(await self._attempt(tip, message_id or tip.message_id))
                if 0 < answers[-1] < 500:
                    break
                await asyncio.sleep(RETRY_SECONDS)
        assert answers[-1] in (200, 202), answers
        if tip not in self.accepted:
            self.accepted.append(tip)
        return answers

    async def _attempt(self, tip: Tip, message_id: str) -> int:
        try:
            return (await self.payments.send_bytes(tip.content, message_id=message_id)).status_code
        except httpx.TransportError:
            return 0

    async def send_in_order(self, tips: Sequence[Tip]) -> None:
        """Each once the one before it was accepted; every second one twice at a time, every third once more
        later."""
        for number, tip in enumerate(tips):
            await asyncio.gather(*(self.send(tip) for _ in range(1 + number % 2)))
            if number % 3 == 2:
                await self.send(tip, message_id=f"again_{tip.tip_id}")

    async def played(self, *, seconds: float = PATIENCE_SECONDS) -> float:
        """Waits until every accepted tip has its final verdict and its request has ended; how long that
        took."""
        began = time.monotonic()
        try:
            await self.facts.until(lambda: proof.is_over(self.facts.database, self.tip_ids), seconds=seconds)
        except TimeoutError:
            raise AssertionError(await self.state()) from None
        return time.monotonic() - began

    async def play_one_more(self, performer_id: str) -> None:
        """A fence: what her queue still held has been played before it."""
        await self.send(new_tip(performer_id))
        await self.played()

    async def state(self) -> str:
        """For the reader of a failure."""
        return "\n".join([*await proof.trail(self.facts.database, self.tip_ids), "", *self.stack.lines[-25:]])

    async def prove(self, *, verdicts: Iterable[str] = ("completed",)) -> None:
        """Every accepted tip once, in order, on its device; and the chain and the books hold."""
        await proof.of_facts(self.facts.database, self.tip_ids, verdicts=set(verdicts))
        for own_id, device in self.devices.items():
            mine = [f"{tip.tip_id}.all" for tip in self.accepted if tip.performer_id == own_id]
            assert device.runs == mine, f"{own_id} ran {device.runs}, not {mine}"
            assert device.overlaps == []
        await proof.of_the_chain(self.facts.database)
        await proof.of_the_books(self.facts.database)


@contextlib.asynccontextmanager
async def on(stack: Stack, cast: Cast, *, performers: int) -> AsyncIterator[Show]:
    """Everybody connected inside the block."""
    url = stack.url
    devices = cast.take(url, performers)
    async with (
        Facts(stack.parts["mongodb_uri"]) as facts,
        PaymentSystem(url, secret()) as payments,
        asyncio.TaskGroup() as tasks,
    ):
        running = {device.performer_id: tasks.create_task(device.run()) for device in devices}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for device in devices:
                    await device.ready.wait()
            yield Show(stack, facts, payments, {device.performer_id: device for device in devices}, running)
        finally:
            for task in running.values():
                task.cancel()


def secret() -> str:
    from django.conf import settings

    return str(settings.PAYMENT_WEBHOOK_SECRETS[0])
