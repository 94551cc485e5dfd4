"""A page of a performer in tests: her socket, through the whole application."""

import asyncio
import json
from uuid import uuid4

from asgiref.testing import ApplicationCommunicator

from config.asgi import application
from lovense.sending import groups

PATIENCE_SECONDS = 20


class Page:
    """`async with Page(token=…) as page`: one open page. News is set aside; `next` is what else it is
    told."""

    def __init__(self, *, token="", headers=None, query="", path="/ws/performer", peer=None):
        headers = headers if headers is not None else {"authorization": f"Token {token}"}
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "subprotocols": [],
            "extensions": {"peer": peer} if peer else {},
        }
        # channels' own communicator needs daphne, which we do not run
        self.socket = ApplicationCommunicator(self._through, scope)
        self.reads = asyncio.Event()
        self.reads.set()
        self.news = []

    async def _through(self, scope, receive, send):
        async def blocked(message):
            await self.reads.wait()
            await send(message)

        await application(scope, receive, blocked)

    async def open(self):
        """True, or the code with which it was closed."""
        await self.socket.send_input({"type": "websocket.connect"})
        answer = await self.socket.receive_output(PATIENCE_SECONDS)
        return True if answer["type"] == "websocket.accept" else answer["code"]

    async def __aenter__(self):
        assert await self.open() is True
        return self

    async def __aexit__(self, *error):
        await self.close()

    async def close(self):
        if not self.socket.future.done():
            await self.socket.send_input({"type": "websocket.disconnect", "code": 1000})
            await self.socket.wait(PATIENCE_SECONDS)

    async def closed(self):
        """The code with which it is closed; what it is told before is passed over."""
        while (message := await self.socket.receive_output(PATIENCE_SECONDS))["type"] != "websocket.close":
            pass
        return message["code"]

    async def told(self):
        """The next message, news or not."""
        return json.loads((await self.socket.receive_output(PATIENCE_SECONDS))["text"])

    async def next(self):
        while True:
            message = await self.told()
            if message["type"] != "news":
                return message
            self.news.append(message["topic"])

    async def say(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        await self.socket.send_input({"type": "websocket.receive", "text": text})

    async def acknowledge(self, command, stage, **more):
        answer = {
            "type": "ack",
            "activationId": command["activationId"],
            "attempt": command["attempt"],
            "stage": stage,
        }
        await self.say(answer | more)

    async def heard(self, performer_id):
        """Everything it was told until now, also what is still on its way through Redis: a mark goes the same
        way, behind it."""
        mark, found = uuid4().hex, []
        group = groups._layer_group(groups.performer_group(performer_id))
        for _ in range(25):  # the layer's SUBSCRIBE is sent and not awaited: a first mark may be too early
            await asyncio.to_thread(groups.publish, [(group, {"type": groups.PAGE_NEWS, "topic": mark})])
            try:
                async with asyncio.timeout(0.2):
                    while True:
                        found.append(json.loads((await self.socket.output_queue.get())["text"]))
                        if found[-1].get("topic") == mark:
                            return [one for one in found if one["type"] != "news"]
            except TimeoutError:
                continue
        raise AssertionError("the mark never came")

    async def done(self):
        """What was said before is handled: answers come in order."""
        await self.say("mark")
        while (message := await self.next())["type"] != "error":
            pass
        assert message["error"]["message"] == "message: must be JSON"
