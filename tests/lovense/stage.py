"""A stage for the virtual device: a small server that speaks the performer socket."""

import asyncio
import json
from contextlib import asynccontextmanager

from websockets.asyncio.server import serve

from lovense.simulator.device import VirtualDevice

ANA = "507f191e810c19729de860eb"
PATIENCE_SECONDS = 5


class Stage:
    """A server that greets, sends what the test says, and keeps what the device answers."""

    def __init__(self):
        self.said = asyncio.Queue()
        self.sockets = asyncio.Queue()
        self.requests = []
        self.refuse = 0
        self.snapshot = {
            "type": "snapshot",
            "performerId": ANA,
            "holder": True,
            "stopEpoch": 0,
            "connected": True,
        }

    async def handle(self, socket):
        self.requests.append(socket.request)
        await socket.send(json.dumps(self.snapshot))
        self.sockets.put_nowait(socket)
        async for text in socket:
            self.said.put_nowait(json.loads(text))

    def gate(self, connection, request):
        if self.refuse:
            self.refuse -= 1
            return connection.respond(401, "no\n")
        return None

    async def socket(self):
        return await asyncio.wait_for(self.sockets.get(), PATIENCE_SECONDS)

    async def next(self, *, of=None):
        """The next thing said, or the next acknowledgement of one stage."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = await self.said.get()
                if of is None or message.get("stage") == of:
                    return message

    async def stages(self, count):
        return [(await self.next())["stage"] for _ in range(count)]


@asynccontextmanager
async def on_stage(stage, **options):
    """The device beside its server; both end with the block."""
    async with serve(stage.handle, "127.0.0.1", 0, process_request=stage.gate) as server:
        port = server.sockets[0].getsockname()[1]
        device = VirtualDevice(
            **{"url": f"http://127.0.0.1:{port}", "performer_id": ANA, "token": "secret", "speed": 1000}
            | options
        )
        task = asyncio.ensure_future(device.run())
        try:
            yield device, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def level(seconds, action="Vibrate:5"):
    return [{"command": "Function", "action": action, "timeSec": seconds, "apiVer": 1}]


def activate(activation_id="tip1.all", *, attempt=1, seconds=5, epoch=0, commands=None):
    return json.dumps(
        {
            "type": "lovense.activate",
            "activationId": activation_id,
            "attempt": attempt,
            "tipId": activation_id.split(".")[0],
            "stopEpoch": epoch,
            "durationSec": seconds,
            "commands": level(seconds) if commands is None else commands,
        }
    )


async def greeted(stage):
    socket = await stage.socket()
    assert (await stage.next())["type"] == "devices"
    return socket


async def said_of(stage, kind):
    """The next message of this type."""
    while (message := await stage.next())["type"] != kind:
        pass
    return message


def stop(*activation_ids, **more):
    return json.dumps({"type": "lovense.stop", "stopEpoch": 0, "activationIds": activation_ids} | more)
