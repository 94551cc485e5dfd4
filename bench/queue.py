"""`python -m bench.queue`: does a long queue slow anybody down?

fairness  one performer has 10 000 requests waiting, and her page plays them; another's tips, one
          after the other on an otherwise idle stack, must reach his page as soon as without her:
          from settled to the command on the page. Both cases alternate in one run
depth     the claim of a lane with 100 000 requests beside that of one with 100, each in a database
          of its own, in every mode

Bounded in tips and claims; its own databases, gone afterwards. Exits 1 when a ratio is missed.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from bson import ObjectId
from pymongo import MongoClient

from bench import messages
from bench.load import percentiles
from bench.stack import BASE_DIR, BenchStack
from config.stack.services import Services

WAITING, FAIR = 10_000, 1.5
SHALLOW, DEEP, FLAT = 100, 100_000, 1.2
WARM = 20
PATIENCE_SECONDS = 30
AMOUNT, FAST = 100, 1e6
BATCH = 10_000
Row = dict[str, Any]


# --- fairness ------------------------------------------------------------------------------------


class Fairness:
    """The tips of `his`, sent one at a time, beside the queue of `hers`."""

    def __init__(self, stack: BenchStack) -> None:
        from lovense.simulator.device import VirtualDevice

        self.stack = stack
        self.hers, self.his = (messages.performer_id(number) for number in range(2))
        self.arrived: dict[str, float] = {}
        self.heard = asyncio.Event()
        url = stack.addresses["url"]
        self.devices = [
            VirtualDevice(url=url, performer_id=self.hers, token=stack.tokens[self.hers]),
            VirtualDevice(
                url=url,
                performer_id=self.his,
                token=stack.tokens[self.his],
                speed=FAST,
                report=self._report,
            ),
        ]
        client: MongoClient[Row] = MongoClient(stack.addresses["mongodb_uri"], tz_aware=True)
        self.requests = client.get_default_database()["queue_requests"]

    def _report(self, message: dict[str, Any]) -> None:
        if message["event"] == "ran":
            self.arrived[message["tipId"]] = message["at"]
            self.heard.set()

    async def measure(self, *, rounds: int, tips: int) -> dict[str, list[float]]:
        """Milliseconds from settled to the page, without and with her queue."""
        found: dict[str, list[float]] = {"idle": [], "beside": []}
        running = [asyncio.create_task(device.run()) for device in self.devices]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for device in self.devices:
                    await device.ready.wait()
            await self._latencies(tips)  # warm
            for _ in range(rounds):
                found["idle"] += await self._latencies(tips)
                await self._fill()
                found["beside"] += await self._latencies(tips)
                self.requests.delete_many({"lane": self.hers, "status": "pending"})
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return found

    async def _latencies(self, tips: int) -> list[float]:
        sent = [await self._send(self.his) for _ in range(tips)]
        settled = {
            row["idempotency_key"]: row["created_at"]
            for row in self.requests.find({"idempotency_key": {"$in": sent}})
        }
        return [1000 * (self.arrived[tip_id] - settled[tip_id].timestamp()) for tip_id in sent]

    async def _send(self, performer_id: str) -> str:
        """One tip; returns when it has reached his page."""
        from tips.intake import simulator

        tip_id = str(ObjectId())
        data = simulator.tip(
            tip_id, AMOUNT, tipper_id=messages.viewer_id(1), performer_id=performer_id
        )
        async with simulator.PaymentSystem(
            self.stack.addresses["url"], self.stack.secret
        ) as payments:
            await payments.send("tip.succeeded", data)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while performer_id == self.his and tip_id not in self.arrived:
                self.heard.clear()
                await self.heard.wait()
        return tip_id

    async def _fill(self) -> None:
        """Copies of a tip of hers that settled as any other."""
        key = await self._send(self.hers)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (row := self.requests.find_one({"idempotency_key": key})) is None:
                await asyncio.sleep(0.1)
        fresh = {
            "status": "pending",
            "attempts": 0,
            "claimed_by": "",
            "lease_until": None,
            "finished_at": None,
        }
        copies = (row | fresh | names(row["turn"] + 1 + number) for number in range(WAITING))
        self.requests.insert_many(copies, ordered=False)


def names(turn: int) -> Row:
    key = str(ObjectId())
    return {"_id": key, "idempotency_key": key, "turn": turn}


def fairness(*, rounds: int, tips: int) -> bool:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with BenchStack(performers=2, web=1) as stack:
        found = asyncio.run(Fairness(stack).measure(rounds=rounds, tips=tips))
    print(f"settled to the page, ms, {rounds} alternated rounds of {tips} tips")
    for name, values in found.items():
        print(
            f"{name:>8}  "
            + "  ".join(f"{rank} {value:7.1f}" for rank, value in percentiles(values).items())
        )
    ratio = percentiles(found["beside"])["p99"] / percentiles(found["idle"])["p99"]
    print(
        f"p99 beside {WAITING} waiting requests: {ratio:.2f} of the idle case (at most {FAIR})\n",
        flush=True,
    )
    return ratio <= FAIR


# --- depth ---------------------------------------------------------------------------------------


def fill(lane: str, depth: int) -> None:
    """One lane, its requests spread over the four priorities."""
    from ground import clock
    from ground.mongodb.collections import collection
    from tips.models import Priority, QueueRequest, RequestType
    from tips.queue import requests as queue
    from tips.rows import RequestRow

    now, priorities = clock.now() - timedelta(minutes=1), list(Priority)
    payload = {
        "amount": AMOUNT,
        "userId": messages.viewer_id(1),
        "tipper": {"username": "bob"},
        "note": "x" * 1000,
    }

    def row(number: int) -> RequestRow:
        place: Row = {
            "lane": lane,
            "position": number,
            "priority": priorities[number % 4],
            "now": now,
        }
        return queue.new_row(f"{lane}.{number}", RequestType.MANUAL, payload, **place)

    for start in range(0, depth, BATCH):
        collection(QueueRequest).insert_many(
            (row(n) for n in range(start, min(start + BATCH, depth))), ordered=False
        )


def claimed_in(lane: str, mode: Any) -> float:
    """Milliseconds of one look and claim; in batch mode with the look at what may join. What is
    claimed is given back."""
    from ground import clock
    from tips.models import Mode
    from tips.queue import claims, counts, ordering

    now, began = clock.now(), time.perf_counter()
    (row,) = claims.claim(
        claims.fronts([lane]), by="bench", now=now, lease_seconds=10, modes={lane: mode}
    )
    if mode is Mode.BATCH:
        assert (
            len(counts.waiting_in(lane, limit=ordering.BATCH_SIZE - 1)) == ordering.BATCH_SIZE - 1
        )
    took = 1000 * (time.perf_counter() - began)
    claims.give_back(
        [claims.GivenBack(row["_id"], now - timedelta(minutes=1), limit="bench")], now=now
    )
    return took


@contextmanager
def database_of(size: int) -> Iterator[str]:
    """Each depth has a database of its own; the lane in it."""
    from django.db import connections

    connections.settings["default"]["NAME"] = database_name(size)
    yield messages.performer_id(size)


def database_name(size: int) -> str:
    return f"depth{size}"


def depth(*, times: int) -> bool:
    """Claim by claim in turn, so that whatever else the machine does meets both alike."""
    from tips.models import Mode

    for size in (SHALLOW, DEEP):
        with database_of(size) as lane:
            fill(lane, size)
    found: dict[tuple[str, int], list[float]] = {
        (mode, size): [] for mode in Mode for size in (SHALLOW, DEEP)
    }
    for mode in Mode:
        for number in range(times + WARM):
            for size in (SHALLOW, DEEP):
                with database_of(size) as lane:
                    took = claimed_in(lane, mode)
                if number >= WARM:
                    found[mode, size].append(took)
    return report_depth(found, list(Mode))


def report_depth(found: dict[tuple[str, int], list[float]], modes: Sequence[str]) -> bool:
    print("claim of the next request of a lane, median ms")
    ratios = []
    for mode in modes:
        shallow, deep = (statistics.median(found[mode, size]) for size in (SHALLOW, DEEP))
        ratios.append(deep / shallow)
        print(
            f"{mode:>8}  {shallow:6.2f} at {SHALLOW}  {deep:6.2f} at {DEEP}  ratio "
            f"{ratios[-1]:.2f} (at most {FLAT})",
            flush=True,
        )
    return max(ratios) <= FLAT


def in_own_databases(times: int) -> bool:
    services = Services(Path(tempfile.mkdtemp(prefix="bench-queue-")))
    try:
        services.start()
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for size in (SHALLOW, DEEP):
            uri = services.mongodb_uri.replace("/tips?", f"/{database_name(size)}?")
            os.environ.update({"MONGODB_URI": uri, "REDIS_URL": services.redis_url})
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                cwd=BASE_DIR,
                check=True,
            )
        django.setup()
        return depth(times=times)
    finally:
        services.discard()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("fairness", "depth", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 21), metavar="N")
    parser.add_argument(
        "--tips", type=int, default=150, choices=range(10, 2001), metavar="N", help="of each round"
    )
    parser.add_argument(
        "--claims",
        type=int,
        default=300,
        choices=range(10, 2001),
        metavar="N",
        help="of each depth and mode",
    )
    options = parser.parse_args()
    if options.what == "both":  # each in a process of its own: the settings name one database
        command = (sys.executable, "-m", "bench.queue")
        return max(
            [
                subprocess.run(
                    [*command, what, *sys.argv[1:]], cwd=BASE_DIR, check=False
                ).returncode
                for what in ("depth", "fairness")
            ]
        )
    held = (
        in_own_databases(options.claims)
        if options.what == "depth"
        else fairness(rounds=options.rounds, tips=options.tips)
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
