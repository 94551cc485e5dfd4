"""The other end of a page's socket, played by the test."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocketRoute, expect

LOOKS, LOOK_MS = 1200, 25
# Five seconds of the device pass in one of ours: no run is shorter than two.
FASTER = "const slow = performance.now.bind(performance); performance.now = () => 5 * slow();"


def level(seconds: int) -> list[dict[str, Any]]:
    return [{"command": "Function", "action": "Vibrate:12", "timeSec": seconds, "apiVer": 1}]


class Server:
    """The other end of the page's socket: what the page said, and how to say something to it."""

    def __init__(self, page: Page) -> None:
        self.page, self.said, self.addresses = page, [], []
        self.socket: WebSocketRoute | None = None
        self.holder, self.stop_epoch = True, 0
        page.route_web_socket("**/ws/performer*", self._accept)

    def _accept(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        self.addresses.append(socket.url)
        socket.on_message(lambda text: self.said.append(json.loads(text)))
        self.snapshot()

    def snapshot(self, **more: Any) -> None:
        """`more`: what binds this page, beside whether it holds the devices."""
        assert self.socket is not None
        holder = self.holder and "page=" in self.socket.url
        about = {"performerId": "0" * 24, "holder": holder, "stopEpoch": self.stop_epoch}
        self.say("snapshot", **about | more)

    def say(self, kind: str, **more: Any) -> None:
        assert self.socket is not None
        self.socket.send(json.dumps({"type": kind, **more}))

    def activate(
        self,
        activation_id: str,
        *,
        attempt: int = 1,
        seconds: int = 2,
        epoch: int = 0,
        commands: Any = None,
        **more: Any,
    ) -> None:
        fields = {
            "activationId": activation_id,
            "attempt": attempt,
            "stopEpoch": epoch,
            "durationSec": seconds,
        }
        told = level(seconds) if commands is None else commands
        self.say("lovense.activate", **fields, commands=told, **more)

    def stages(self, activation_id: str) -> list[str]:
        return [said["stage"] for said in self.said if said.get("activationId") == activation_id]

    def end(self, activation_id: str) -> tuple[Any, ...]:
        """How it ended, once it has."""

        def found() -> list[Any]:
            hers = [said for said in self.said if said.get("activationId") == activation_id]
            return [said for said in hers if said["stage"] in ("finished", "failed")]

        self.wait_for(lambda: bool(found()))
        last = found()[-1]
        return last["stage"], last.get("deliveredSeconds"), last.get("code", "")

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Until the page has said what makes this true, which is heard between the looks. The page is not
        asked for anything meanwhile: it would draw every frame."""
        for _ in range(LOOKS):
            if holds():
                return
            self.page.wait_for_timeout(LOOK_MS)
        raise AssertionError(self.said)


def words(server: Server) -> Any:
    return expect(server.page.locator("[data-virtual-words]"))
