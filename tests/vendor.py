"""The vendor for tests: the simulator on free ports, how to call it, and a door that its callbacks reach."""

import json
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from lovense.vendor_simulator import VendorSimulator
from lovense.vendor_simulator.world import DEVELOPER_TOKEN

PATIENCE_SECONDS = 30
UID, UTOKEN = "uid-of-ana", "utoken-of-ana"


class Vendor:
    """The simulator and its doors, one method a door."""

    def __init__(self, simulator: VendorSimulator) -> None:
        self.simulator = simulator
        self._http = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        self._http.close()

    # --- doors -------------------------------------------------------------------------------------------

    def sim(self, path: str, said: Any = None, *, method: str = "POST") -> Any:
        """An order to the control door, which takes it."""
        answer = self._http.request(method, f"{self.simulator.url}/sim/{path}", json=said)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.sim("state", method="GET")

    def cloud(self, path: str, **said: Any) -> Any:
        return self._http.post(f"{self.simulator.url}{path}", json=said).json()

    def get(self, url: str) -> httpx.Response:
        return self._http.get(url)

    def command(self, **body: Any) -> Any:
        """By the cloud, under ana's uid."""
        return self.cloud("/api/lan/v2/command", **{"token": DEVELOPER_TOKEN, "uid": UID} | body)

    def lan(self, **body: Any) -> httpx.Response:
        return self._http.post(f"{self.simulator.phone_url}/command", json=body)

    def lan_https(self, **body: Any) -> httpx.Response:
        assert self.simulator.certificate is not None
        trusting = ssl.create_default_context(cadata=self.simulator.certificate.authority.decode())
        return httpx.post(
            f"{self.simulator.phone_https_url}/command", json=body, verify=trusting, trust_env=False
        )

    # --- steps -------------------------------------------------------------------------------------------

    def code(self, uid: str = UID, utoken: str = UTOKEN) -> str:
        said = {"token": DEVELOPER_TOKEN, "uid": uid, "utoken": utoken, "v": 2}
        return str(self.cloud("/api/lan/getQrCode", **said)["data"]["code"])

    def pair(self, uid: str = UID) -> Any:
        return self.sim("scan", {"code": self.code(uid)})

    def advance(self, seconds: float) -> int:
        return int(self.sim("clock", {"advanceSeconds": seconds})["now"])

    # --- the journal -------------------------------------------------------------------------------------

    def commands(self) -> list[Any]:
        return list(self.simulator.journal.lines("command"))

    def levels(self, function: str = "Vibrate", toy: str = "") -> list[int]:
        """What one function did, in order: of every toy, or of one."""
        return [
            line["level"]
            for line in self.simulator.journal.lines("level")
            if line["function"] == function and toy in ("", line["toy"])
        ]

    @property
    def toy_ids(self) -> list[str]:
        return self.simulator.phone.toys.ids


@contextmanager
def vendor(**options: Any) -> Iterator[Vendor]:
    with VendorSimulator(**{"seed": 7} | options) as simulator:
        made = Vendor(simulator)
        try:
            yield made
        finally:
            made.close()


class Door:
    """A webhook door of a test: `next()` is the next callback that it received, answered with `status`."""

    def __init__(self) -> None:
        self.status, self.received = 200, queue.Queue[Any]()
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                door.received.put(json.loads(body))
                self.send_response(door.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/webhooks/lovense"
        serve = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=serve, daemon=True)

    def next(self) -> Any:
        return self.received.get(timeout=PATIENCE_SECONDS)

    def __enter__(self) -> "Door":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
