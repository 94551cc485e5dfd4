"""Her own network as tests meet it: the phone's local server under its own name, and the other end of the
socket of a page that tells her toys itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from lovense import bridges
from lovense.bridges import legs
from tests.browser.wire import Server
from tests.vendor import Vendor

BASE = Path(__file__).parents[2]
HOST = "a" * 24
TYPES = {"lush": {"Vibrate": 20}, "nora": {"Vibrate": 20, "Rotate": 20}, "max": {"Vibrate": 20, "Pump": 3}}
LEVEL = {"command": "Function", "action": "Vibrate:12", "apiVer": 1}
PATTERN = {"command": "Pattern", "rule": "V:1;F:v;S:500#", "strength": "1;2;3;4;5;6;7;8;9;10", "apiVer": 2}


@contextmanager
def served(browser: Browser, origin: str) -> Iterator[Page]:
    """An empty page that can import our modules, without a stack."""
    page = browser.new_page()

    def serve(route: Any) -> None:
        name = route.request.url.removeprefix(origin).strip("/")
        if not name:
            return route.fulfill(body="<!doctype html><title>t</title>", content_type="text/html")
        return route.fulfill(path=BASE / name, content_type="text/javascript")

    page.route(f"{origin}/**", serve)
    page.goto(origin)
    yield page
    page.close()


class LanServer(Server):
    """A server of ours to which her page is connected while she is on `STANDARD_LAN`."""

    def __init__(self, page: Page, vendor: Vendor) -> None:
        self.vendor = vendor
        (self.phone,) = vendor.state()["phones"]
        self._before = len(vendor.commands())
        self.leads: dict[str, int] = {}
        super().__init__(page)

    def snapshot(self, **more: Any) -> None:
        super().snapshot(**{"lease": 1} | self.limits | more)

    @property
    def limits(self) -> dict[str, Any]:
        ports = {"http": self.vendor.simulator.ports.http, "https": self.vendor.simulator.ports.https}
        hosts = [{"id": HOST, "domain": self.phone["domain"], "ports": ports}]
        caps = {"maximumIntensity": 20, "maximumSeconds": 30}
        return {"bridge": "STANDARD_LAN", "devices": self.devices, "hosts": hosts, **caps}

    @property
    def devices(self) -> list[Any]:
        about = {"hostId": HOST, "isConnected": True, "isEnabled": True, "maximumSeconds": None}
        toys = zip(self.vendor.toy_ids, TYPES.items(), strict=True)
        found: list[Any] = []
        for toy_id, (name, has) in toys:
            lead = {"lead": self.leads[name]} if name in self.leads else {}
            found.append({"toyId": toy_id, "nickname": name, "functions": has} | about | lead)
        return found

    def run(self, activation_id: str, command: Any, *, seconds: int, toys: int = 1, **more: Any) -> None:
        """As the server tells it: for the first so many of her toys."""
        told = [command | {"timeSec": seconds, "toy": self.vendor.toy_ids[:toys]}]
        bridge = bridges.known("STANDARD_LAN")
        made = legs.for_page(bridge, told, self.devices, seconds=seconds)
        self.activate(activation_id, seconds=seconds, commands=told, legs=made, lease=1, **more)

    @property
    def commands(self) -> list[Any]:
        """All that the app was told by pages since this one was opened."""
        told = self.vendor.commands()[self._before :]
        return [line for line in told if line["via"] != "cloud"]

    def told(self) -> list[Any]:
        """What moves, as the app was told it: (toy, action or strength, seconds)."""
        lines = [line["body"] for line in self.commands]
        moving = [line for line in lines if line.get("timeSec")]
        return [(each["toy"], each.get("action") or each["strength"], each["timeSec"]) for each in moving]

    def stops(self) -> list[Any]:
        lines = [line["body"] for line in self.commands]
        return [line.get("toy") for line in lines if line.get("action") == "Stop"]

    def moments(self) -> list[int]:
        """When it was told what moves, in ms since the first."""
        at = [line["at"] for line in self.commands if line["body"].get("timeSec")]
        return [each - at[0] for each in at]
