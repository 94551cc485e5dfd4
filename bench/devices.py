"""`python -m bench.devices`: performers whose toys this server tells by the cloud, all at once.

Real pairings against the vendor's simulator, real HTTP. What a slice costs the web process is held
against what the same simulator costs a bare `httpx.AsyncClient`; lateness is read from the
simulator's journal and the rows."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from pymongo import MongoClient

from bench.load import percentiles
from bench.stack import BASE_DIR, BenchStack
from config.stack.services import free_port
from config.stack.vendor import DEVELOPER

Row = dict[str, Any]
AT_ONCE = 16
RUN_SECONDS, LEASE_SECONDS = 30, 9
SETTLE_SECONDS = 12
DEAD = {"status": "dead"}
COMMAND = {"command": "Function", "action": "Vibrate:5", "timeSec": 9, "apiVer": 1}


class ServerCast:
    """All performers of the stack, each at her own token."""

    def __init__(self, stack: BenchStack, vendor: str) -> None:
        self.stack, self.vendor = stack, vendor
        self.url = stack.addresses["url"]
        self.rows: MongoClient[Row] = MongoClient(stack.addresses["mongodb_uri"])
        self._database = self.rows.get_default_database()

    def count(self, collection: str, wanted: Row) -> int:
        return self._database[collection].count_documents(wanted)

    def runs(self, since: float) -> list[Row]:
        return [
            row
            for row in self._database["activations"].find({"legs_began_at": {"$ne": None}})
            if row["legs_began_at"].timestamp() >= since - 1
        ]

    async def each(self, work: Any) -> None:
        """For every performer, some at a time."""
        gate = asyncio.Semaphore(AT_ONCE)
        limits = httpx.Limits(max_connections=AT_ONCE)
        async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as client:

            async def one(token: str) -> None:
                async with gate:
                    await work(client, {"Authorization": f"Token {token}"})

            await asyncio.gather(*map(one, self.stack.tokens.values()))

    async def pair(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        for _ in range(50):
            asked = await client.post(f"{self.url}/api/lovense/devices/pair", headers=headers)
            if asked.status_code == 201:
                break
            await asyncio.sleep(0.2)  # so many codes at once are asked for one after the other
        scan = await client.post(f"{self.vendor}/sim/scan", json={"code": asked.json()["code"]})
        scan.raise_for_status()
        chosen = {"bridge": "STANDARD_SERVER"}
        url = f"{self.url}/api/lovense/preferences"
        (await client.put(url, headers=headers, json=chosen)).raise_for_status()

    async def test(
        self, client: httpx.AsyncClient, headers: dict[str, str], seconds: int = RUN_SECONDS
    ) -> None:
        item = {"pattern": "level", "intensity": 5, "durationSec": seconds}
        url = f"{self.url}/api/performance-queue/submit"
        said = {"type": "lovense.test", "item": item}
        for _ in range(50):
            answer = await client.post(url, headers=headers, json=said)
            if answer.status_code != 503:
                break
            await asyncio.sleep(0.2)  # so many at once: as the answer says, again
        answer.raise_for_status()

    async def until(self, holds: Any, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(holds):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not so in time: {holds.__doc__} {self.standing()}")
            await asyncio.sleep(0.25)

    def standing(self) -> dict[str, int]:
        """How many runs there are by their status and reason."""
        of = {"$concat": ["$status", " ", "$reason"]}
        counted = [{"$group": {"_id": of, "count": {"$sum": 1}}}]
        found = self._database["activations"].aggregate(counted)
        return {row["_id"]: row["count"] for row in found}

    def are_held(self) -> bool:
        """Each performer's devices are held by the server."""
        held = {"page_id": {"$regex": "^server/"}}
        return self.count("page_leases", held) >= len(self.stack.tokens)

    def lateness(self, since: float) -> tuple[list[float], int]:
        """How many ms after its time each slice but the first reached the vendor; and how many were
        missed, or are not known to have been taken."""
        lines = httpx.get(f"{self.vendor}/sim/journal?kind=command", trust_env=False).json()
        told: dict[str, list[int]] = {}
        for line in lines["lines"] if isinstance(lines, dict) else lines:
            if line["at"] >= since * 1000 and line["body"].get("action") != "Stop":
                told.setdefault(str(line["toy"]), []).append(line["at"])
        late: list[float] = []
        lost = 0
        for row in self.runs(since):
            (leg,) = row["legs"]
            at = sorted(told.get(leg["toyId"], []))
            began = row["legs_began_at"].timestamp() * 1000
            for each, moment in zip(leg["slices"][1:], at[1:], strict=False):
                late.append(moment - began - (each["start"] - 1) * 1000)
            lost += sum(each["state"] != "accepted" for each in leg["slices"])
        return late, lost


def web_seconds(stack: BenchStack) -> float:
    found = stack.watch.read()
    return sum(sample.cpu_seconds for name, sample in found.items() if name.startswith("web"))


def web_bytes(stack: BenchStack) -> int:
    found = stack.watch.read()
    return sum(sample.rss_bytes for name, sample in found.items() if name.startswith("web"))


async def bare(vendor: str, count: int) -> float:
    """Seconds of this process for one POST to the same simulator."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        said = {"token": DEVELOPER, "uid": "nobody", **COMMAND}
        await client.post(f"{vendor}/api/lan/v2/command", json=said)
        before = time.process_time()
        for _ in range(count):
            await client.post(f"{vendor}/api/lan/v2/command", json=said)
        return (time.process_time() - before) / count


async def played(cast: ServerCast, faults: list[str]) -> Row:
    """All of them run at once, for as long as a run takes."""
    idle_from = web_seconds(cast.stack)
    await asyncio.sleep(SETTLE_SECONDS)
    idle = (web_seconds(cast.stack) - idle_from) / SETTLE_SECONDS
    at_rest = web_bytes(cast.stack)
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.delete(f"{cast.vendor}/sim/faults")
        if faults:
            await client.post(f"{cast.vendor}/sim/faults", json={"faults": faults})
    over = {"status": {"$in": ["completed", "failed", "dead"]}}
    before_them, given_up = cast.count("activations", over), cast.count("activations", DEAD)
    since, before = time.time(), web_seconds(cast.stack)
    await cast.each(cast.test)
    asked = web_seconds(cast.stack) - before

    def are_over() -> bool:
        """Every run is over."""
        return cast.count("activations", over) >= before_them + len(cast.stack.tokens)

    await asyncio.sleep(RUN_SECONDS / 2)
    running = web_bytes(cast.stack)
    await cast.until(are_over)
    seconds, took = web_seconds(cast.stack) - before, time.time() - since
    late, lost = await asyncio.to_thread(cast.lateness, since)
    slices = sum(len(row["legs"][0]["slices"]) for row in cast.runs(since))
    return {
        "slices": slices,
        "lost": lost,
        "never begun": cast.count("activations", DEAD) - given_up,
        "cpu_ms_per_slice": round((seconds - asked - idle * took) / max(1, slices) * 1000, 3),
        "idle_cores": round(idle, 3),
        "late_ms": percentiles(late) if late else {},
        "memory": round(running / at_rest, 3),
    }


async def measured(cast: ServerCast) -> Row:
    await cast.each(cast.pair)
    await cast.until(cast.are_held)
    count = len(cast.stack.tokens)
    plain = await played(cast, [])
    slowed = await played(cast, [f"slow:3*{count // 10}"])
    post = await bare(cast.vendor, 300)
    return {
        "performers": count,
        "bare_post_ms": round(post * 1000, 3),
        "plain": plain,
        "a tenth answers after 3 s": slowed,
        "cpu_ratio": round(plain["cpu_ms_per_slice"] / (post * 1000), 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.devices", description=__doc__)
    parser.add_argument("--performers", type=int, default=500)
    parser.add_argument("--web", type=int, default=1)
    given = parser.parse_args()
    settings = {"SERVER_LEASE_SECONDS": str(LEASE_SECONDS)}
    with served(given.performers, web=given.web, **settings) as cast:
        found = asyncio.run(measured(cast))
    print(json.dumps(found, indent=1))
    return 0


@contextmanager
def served(performers: int, *, web: int = 1, **settings: str) -> Iterator[ServerCast]:
    """A stack and the simulator: each has to know where the other is."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings |= {"LOVENSE_API_BASE_URL": address}
    with (
        tempfile.TemporaryDirectory() as directory,
        BenchStack(performers=performers, web=web, settings=settings) as stack,
    ):
        callback = f"{stack.addresses['url']}/api/webhooks/lovense"
        with simulator_at(port, callback, Path(directory)):
            yield ServerCast(stack, address)


@contextmanager
def simulator_at(port: int, callback_to: str, directory: Path) -> Iterator[None]:
    argv = [sys.executable, "manage.py", "lovense_simulator", "--port", str(port)]
    argv += ["--phone-port", "0", "--phone-https-port", "0", "--toys", "lush"]
    argv += ["--heartbeat-seconds", "15", "--callback-to", callback_to]
    log = directory / "simulator.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            argv, cwd=BASE_DIR, stdout=out, stderr=out, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        try:
            deadline = time.monotonic() + 30
            while "ready http" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text()[-2000:])
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
