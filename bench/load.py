"""The load: tips posted in a closed or an open loop, what became of each, and the judgement over
that history.

The judgement (`judge`, `disordered`, `percentiles`) is pure; `Load` makes the history it reads.
Every loop is bounded in count and in time."""

import asyncio
import collections
import gc
import os
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from tqdm import tqdm

from bench import messages
from bench.clients import NO_ANSWER, Pool, Socket, open_socket
from bench.usage import Sample, Watch, spent

clock = time.perf_counter
MAX_REFUSALS = 200
SEED = 7
_TICK_SECONDS = 0.2


@dataclass(slots=True)
class OfferedTip:
    """What the generator knows of one tip; times are `perf_counter` seconds, None while it has not
    happened."""

    tip_id: str
    performer: int
    posted: float
    accepted: float | None = None
    arrivals: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judgement:
    accepted: int
    delivered: int
    lost: int  # accepted, and never arrived
    twice: int  # tips whose command arrived more than once
    disordered: int
    in_flight: (
        int  # commands that arrived while another of the same performer was not yet acknowledged
    )

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.disordered or self.in_flight)


def judge(tips: Sequence[OfferedTip], *, in_flight: int = 0) -> Judgement:
    lanes: dict[int, list[OfferedTip]] = collections.defaultdict(list)
    for tip in tips:
        if tip.arrivals:
            lanes[tip.performer].append(tip)
    for lane in lanes.values():
        lane.sort(key=lambda tip: tip.arrivals[0])
    return Judgement(
        accepted=sum(tip.accepted is not None for tip in tips),
        delivered=sum(bool(tip.arrivals) for tip in tips),
        lost=sum(tip.accepted is not None and not tip.arrivals for tip in tips),
        twice=sum(len(tip.arrivals) > 1 for tip in tips),
        disordered=sum(disordered(lane) for lane in lanes.values()),
        in_flight=in_flight,
    )


def disordered(lane: Sequence[OfferedTip]) -> int:
    """How many of a performer's tips, in order of arrival, overtook one that was accepted before
    they were even posted.

    Two posts under way at the same time have no order of their own, so they may arrive either way
    round."""
    overtakers, earliest_accepted = 0, float("inf")
    for tip in reversed(lane):
        overtakers += tip.posted > earliest_accepted
        if tip.accepted is not None:
            earliest_accepted = min(earliest_accepted, tip.accepted)
    return overtakers


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Nearest rank, in the unit of the values; empty when there are none."""
    if not values:
        return {}
    ordered, last = sorted(values), len(values) - 1
    ranks = {
        name: ordered[min(last, int(share * len(ordered)))]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    return {name: round(value, 2) for name, value in {**ranks, "max": ordered[-1]}.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: closed (`window` tips under way) when `rate` is 0, else open (`rate` tips a second,
    whatever happens)."""

    name: str
    rate: float = 0
    window: int = 100
    ack_seconds: float = 0
    warmup_seconds: float = 3
    seconds: float = 10
    drain_seconds: float = 20
    connections: int = 64
    tips: int = 200_000


@dataclass(frozen=True, slots=True)
class Measured:
    """The part of a run between warm-up and drain."""

    start: float
    stop: float
    delivered: int
    before: dict[str, Sample]
    after: dict[str, Sample]


@dataclass(frozen=True, slots=True)
class Target:
    host: str
    port: int
    secret: str
    tokens: dict[str, str]


class Load:
    """One plan driven against one stack."""

    def __init__(self, target: Target, plan: Plan) -> None:
        self.target, self.plan = target, plan
        self.pool = Pool(target.host, target.port, plan.connections)
        self.key = messages.signing_key(target.secret)
        self.host = f"{target.host}:{target.port}"
        self.performers = list(target.tokens)
        self.sockets: dict[Socket, int] = {}
        self.random = random.Random(SEED)  # runs are alike
        self.unacknowledged: collections.Counter[int] = collections.Counter()
        # The first part of every tip id of this run: its rows are counted by a range of ids.
        self.prefix = f"{int(time.time()):08x}{os.urandom(2).hex()}"
        self.happened_at = (
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        self.tips: dict[str, OfferedTip] = {}
        self.statuses: collections.Counter[int] = collections.Counter()
        self.outstanding = self.delivered = self.in_flight = self.strangers = self.refusals = 0
        self.feeding = False

    async def run(self, watch: Watch) -> dict[str, object]:
        """The whole run: connect, warm up, measure, drain; returns the result row."""
        await self._connect()
        gc.collect()
        gc.disable()  # a collection of ours would look like a slow tip of theirs
        try:
            feeder = asyncio.create_task(self._feed())
            await self._wait(self.plan.warmup_seconds, "warm-up")
            start, before, delivered = clock(), watch.read(), self.delivered
            await self._wait(self.plan.seconds, "measured")
            measured = Measured(start, clock(), self.delivered - delivered, before, watch.read())
            self.feeding = False
            await feeder
            drained = await self._drain()
        finally:
            gc.enable()
            self._close()
        return self._result(measured, drained)

    # -- connections ------------------------------------------------------------------------------

    async def _connect(self) -> None:
        for number, token in enumerate(self.target.tokens.values()):
            socket = await open_socket(
                host=self.target.host, port=self.target.port, token=token, heard=self._heard
            )
            self.sockets[socket] = number
        await self.pool.open()

    def _close(self) -> None:
        self.pool.close()
        for socket in self.sockets:
            socket.transport.close()

    # -- posting ----------------------------------------------------------------------------------

    async def _feed(self) -> None:
        self.feeding = True
        start, posted = clock(), 0
        self._fill()
        while self.feeding:
            if self.plan.rate:
                due = int((clock() - start) * self.plan.rate) + 1
                for _ in range(due - posted):
                    self._post()
                posted = due
                await asyncio.sleep(max(0.0, start + posted / self.plan.rate - clock()))
            else:
                await asyncio.sleep(_TICK_SECONDS)

    def _fill(self) -> None:
        """Closed loop: each delivery makes room for the next post."""
        while self.feeding and not self.plan.rate and self.outstanding < self.plan.window:
            self._post()

    def _post(self) -> None:
        number = len(self.tips)
        if number >= self.plan.tips or self.refusals >= MAX_REFUSALS:
            self.feeding = False
            return
        performer = self.random.randrange(len(self.performers))
        tip = OfferedTip(f"{self.prefix}{number:012x}", performer, clock())
        self.tips[tip.tip_id] = tip
        body = messages.tip_succeeded(
            tip_id=tip.tip_id,
            number=number,
            performer=self.performers[performer],
            happened_at=self.happened_at,
        )
        self.outstanding += 1
        request = messages.signed_post(
            host=self.host, key=self.key, delivery_id=f"msg_{tip.tip_id}", body=body
        )
        self.pool.post(request, lambda status: self._answered(tip, status))

    def _answered(self, tip: OfferedTip, status: int) -> None:
        self.statuses[status] += 1
        if 200 <= status < 300:
            tip.accepted = clock()
            return
        self.refusals += 1
        if not tip.arrivals:
            self.outstanding -= 1

    # -- receiving --------------------------------------------------------------------------------

    def _heard(self, socket: Socket, texts: list[bytes]) -> None:
        if not socket.ready.done():
            socket.ready.set_result(None)
        commands = [heard for text in texts if (heard := messages.command(text))]
        for heard in commands:
            self._arrived(self.sockets[socket], heard)
        for heard in commands:
            if self.plan.ack_seconds:
                asyncio.get_running_loop().call_later(
                    self.plan.ack_seconds, self._acknowledge, socket, heard
                )
            else:
                self._acknowledge(socket, heard)
        self._fill()

    def _arrived(self, performer: int, heard: messages.HeardCommand) -> None:
        self.unacknowledged[performer] += 1
        self.in_flight += self.unacknowledged[performer] > 1
        tip = self.tips.get(heard.tip_id)
        if tip is None or tip.performer != performer:
            self.strangers += 1
            return
        tip.arrivals.append(clock())
        if len(tip.arrivals) == 1:
            self.delivered += 1
            self.outstanding -= 1

    def _acknowledge(self, socket: Socket, heard: messages.HeardCommand) -> None:
        self.unacknowledged[self.sockets[socket]] -= 1
        socket.send(messages.finished(heard))

    # -- time -------------------------------------------------------------------------------------

    async def _wait(self, seconds: float, what: str) -> None:
        end, before = clock() + seconds, self.delivered
        with tqdm(
            total=round(seconds, 1),
            desc=f"{self.plan.name:8} {what:8}",
            unit="s",
            leave=False,
            disable=None,
        ) as bar:
            while (left := end - clock()) > 0:
                await asyncio.sleep(min(_TICK_SECONDS, left))
                bar.n = round(seconds - max(0.0, end - clock()), 1)
                bar.set_postfix_str(f"{(self.delivered - before) / max(bar.n, 0.1):.0f} tips/s")

    async def _drain(self) -> float:
        """Seconds until everything posted was answered and delivered, or the limit."""
        start = clock()
        while self.outstanding > 0 and clock() - start < self.plan.drain_seconds:
            await asyncio.sleep(0.02)
        drained = clock() - start
        await asyncio.sleep(1)  # what comes now comes twice
        return round(drained, 2)

    # -- result -----------------------------------------------------------------------------------

    def _result(self, measured: Measured, drained: float) -> dict[str, object]:
        tips, seconds = list(self.tips.values()), measured.stop - measured.start
        within = [tip for tip in tips if measured.start <= tip.posted < measured.stop]
        judgement = judge(tips, in_flight=self.in_flight)
        return {
            **asdict(self.plan),
            "prefix": self.prefix,
            "tips_per_second": round(measured.delivered / seconds, 1),
            "latency_ms": percentiles(
                [(tip.arrivals[0] - tip.posted) * 1000 for tip in within if tip.arrivals]
            ),
            "post_ms": percentiles(
                [(tip.accepted - tip.posted) * 1000 for tip in within if tip.accepted is not None]
            ),
            "posted": len(tips),
            **asdict(judgement),
            "clean": judgement.clean and not self.strangers,
            "strangers": self.strangers,
            "refused": self.refusals,
            "no_answer": self.statuses[NO_ANSWER],
            "repeats": self.pool.repeats,
            "sockets_lost": sum(socket.closed.done() for socket in self.sockets),
            "drain_took_seconds": drained,
            "usage": spent(
                measured.before, measured.after, tips=measured.delivered, seconds=seconds
            ),
        }
