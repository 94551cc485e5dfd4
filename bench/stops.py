"""`python -m bench.stops`: how long her stop takes, held against what it would take with nothing of
ours in between, and whether the others who run make it longer.

1. By the cloud: from the press on her socket until the last of her toys is still in the vendor
simulator's journal; beside it the bare way to the same simulator, one message over a socket and
one POST. 2. Among so many performers who all run: from the press until her page is told, beside
the same for her alone."""

import argparse
import asyncio
import json
import sys
import time
from functools import partial
from typing import Any

import httpx

from bench.clients import Socket, open_socket
from bench.devices import ServerCast, served
from bench.load import percentiles
from bench.stack import BenchStack
from config.stack.vendor import DEVELOPER

RUN_SECONDS, PATIENCE_SECONDS = 30, 30.0
LONG_SECONDS = 1200  # until all run, and through all presses
STOP = b'{"type":"stop"}'
BARE = {"token": DEVELOPER, "command": "Function", "action": "Stop", "timeSec": 0, "apiVer": 1}


class Listener:
    """Her socket, and what it has told last of each kind."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self.news = asyncio.Event()
        self.socket: Socket
        self.runs: dict[str, Any] | None = None

    @classmethod
    async def opened(cls, cast: ServerCast, token: str) -> "Listener":
        made = cls()
        host, port = cast.stack.target.host, cast.stack.target.port
        made.socket = await open_socket(host=host, port=port, token=token, heard=made.hear)
        return made

    def hear(self, socket: Socket, texts: list[bytes]) -> None:
        for text in texts:
            said = json.loads(text)
            self.heard[said["type"]] = time.time()
            if said["type"] == "lovense.stop":
                self._end(said)
            if said["type"] == "lovense.activate":
                self._play(said)
        if not socket.ready.done():
            socket.ready.set_result(None)
        self.news.set()

    def _play(self, said: dict[str, Any]) -> None:
        keys = ("activationId", "attempt", "stopEpoch")
        self.runs = {"type": "ack"} | {name: said[name] for name in keys}
        for stage in ("received", "started"):
            self._say(stage=stage)

    def _end(self, said: dict[str, Any]) -> None:
        if "stopEpoch" in said:
            self.heard["recorded"] = time.time()
        if self.runs:
            self.heard["told"] = time.time()
            self._say(stage="finished", deliveredSeconds=0, code="stopped")
            self.runs = None

    def _say(self, **more: Any) -> None:
        assert self.runs
        self.socket.send(json.dumps(self.runs | more).encode())

    async def until(self, kind: str, after: float) -> float:
        """When it was told this, in seconds since the epoch."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.heard.get(kind, 0.0) < after:
                self.news.clear()
                await self.news.wait()
        return self.heard[kind]


# --- by the cloud --------------------------------------------------------------------------------


class LevelJournal:
    """The simulator's journal, as far as it was read."""

    def __init__(self, client: httpx.AsyncClient, vendor: str) -> None:
        self.client, self.vendor = client, vendor

    async def levels(self) -> dict[str, tuple[int, float]]:
        """Of each toy: the last level of what it does, and when that began."""
        answer = await self.client.get(f"{self.vendor}/sim/journal?kind=level")
        found = answer.json()
        lines = found["lines"] if isinstance(found, dict) else found
        return {line["toy"]: (line["level"], line["at"] / 1000) for line in lines}

    async def until(self, *, moving: bool) -> float:
        """When the last of the toys began to be so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = await self.levels()
                if found and all(bool(level) is moving for level, _ in found.values()):
                    return max(at for _, at in found.values())
                await asyncio.sleep(0.05)


async def pressed_by_the_cloud(cast: ServerCast, levels: LevelJournal, presses: int) -> list[float]:
    """Milliseconds from the press to the last toy's silence."""
    ((_, token),) = cast.stack.tokens.items()
    headers, took = {"Authorization": f"Token {token}"}, []
    listener = await Listener.opened(cast, token)
    for _ in range(presses):
        await cast.test(levels.client, headers)
        await levels.until(moving=True)
        began = time.time()
        listener.socket.send(STOP)
        took.append((await levels.until(moving=False) - began) * 1000)
        await resumed(cast, levels.client, headers)
    return took


async def resumed(cast: ServerCast, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    (await client.post(f"{cast.url}/api/lovense/resume", headers=headers)).raise_for_status()


async def bare_way(levels: LevelJournal, uid: str, presses: int) -> list[float]:
    """A message over a socket, and a POST by whoever hears it."""
    url = f"{levels.vendor}/api/lan/v2/command"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await levels.client.post(url, json=BARE | {"uid": uid})
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    took, move = [], {"action": "Vibrate:5", "timeSec": RUN_SECONDS, "uid": uid}
    for _ in range(presses):
        await levels.client.post(url, json=BARE | move)
        await levels.until(moving=True)
        began = time.time()
        writer.write(b"stop\n")
        took.append((await levels.until(moving=False) - began) * 1000)
    writer.close()
    server.close()
    return took


async def by_the_cloud(cast: ServerCast, presses: int) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        levels = LevelJournal(client, cast.vendor)
        await cast.each(cast.pair)
        await cast.until(cast.are_held)
        ours = percentiles(await pressed_by_the_cloud(cast, levels, presses))
        (host,) = cast.rows.get_default_database()["hosts"].find({})
        bare = percentiles(await bare_way(levels, host["uid"], presses))
    return {"ours_ms": ours, "bare_ms": bare} | {
        f"{name}_ratio": round(ours[name] / bare[name], 2) for name in ("p50", "p99")
    }


# --- among many ----------------------------------------------------------------------------------


async def pressed(cast: ServerCast, listeners: list[Listener], tokens: list[str]) -> dict[str, Any]:
    """Milliseconds until each page is told of the stop that it has pressed, and until it hears that
    the press is recorded, one after the other."""
    told, recorded = [], []
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for listener, token in zip(listeners, tokens, strict=True):
            headers, began = {"Authorization": f"Token {token}"}, time.time()
            if "lovense.activate" not in listener.heard:
                await cast.test(client, headers)
                began = await listener.until("lovense.activate", began)
            listener.socket.send(STOP)
            recorded.append((await listener.until("recorded", began) - began) * 1000)
            told.append((await listener.until("told", began) - began) * 1000)
            await resumed(cast, client, headers)
    return {"told_ms": percentiles(told), "recorded_ms": percentiles(recorded)}


async def among(cast: ServerCast, presses: int) -> dict[str, Any]:
    tokens = list(cast.stack.tokens.values())
    listeners = [await Listener.opened(cast, token) for token in tokens]
    alone = await pressed(cast, listeners[:presses], tokens[:presses])
    for listener in listeners:
        listener.heard.clear()
    began = time.time()
    await cast.each(partial(cast.test, seconds=LONG_SECONDS))
    for listener in listeners:
        await listener.until("lovense.activate", began)
    some = listeners[-presses:], tokens[-presses:]
    many = await pressed(cast, *some)
    ratios = {f"{name}_p99": round(many[name]["p99"] / alone[name]["p99"], 2) for name in many}
    return {"performers": len(tokens), "alone": alone, "among": many, "ratios": ratios}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.stops", description=__doc__)
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--performers", type=int, default=2000)
    given = parser.parse_args()
    with served(1) as cast:
        cloud = asyncio.run(by_the_cloud(cast, given.presses))
    print(json.dumps({"by the cloud": cloud}, indent=1), flush=True)
    with BenchStack(performers=given.performers, web=1) as stack:
        many = asyncio.run(among(ServerCast(stack, ""), min(given.presses, given.performers)))
    print(json.dumps({"among many": many}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
