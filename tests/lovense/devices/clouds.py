"""Clouds of the vendor for tests: the simulator, to which the settings point, and one that answers whatever a
test says."""

import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lovense.devices.vendor import VendorError
from tests.vendor import PATIENCE_SECONDS
from tests.vendor import vendor as started

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
CODE = "QX7K2A"


@contextmanager
def pointed(settings, **options):
    """The simulator, and settings that make it the vendor's cloud."""
    with started(**{"has_https": False} | options) as made:
        settings.LOVENSE_API_BASE_URL = made.simulator.url
        yield made


@contextmanager
def unshown(*, code=""):
    """Inside, the vendor answers what cannot be shown, but for this code."""
    with pytest.raises(VendorError) as refused:
        yield refused
    why = refused.value
    assert (why.status, why.code, why.pairing_code) == (502, "vendor_answer", code)


class RogueCloud:
    """Answers each call with `answers[path]`, (status, headers, body), and keeps who asked in `asked`. Bytes
    of a body that is a list are sent one after the other, each after `pause`; with `gate` a call waits until
    it is set, and `arrived` counts those that wait."""

    def __init__(self):
        self.answers, self.asked, self.pause = {}, [], 0.0
        self.gate, self.arrived = threading.Event(), threading.Semaphore(0)
        self.gate.set()
        self.ended = threading.Event()
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                cloud.asked.append((self.path, self.rfile.read(length)))
                cloud.arrived.release()
                cloud.gate.wait(PATIENCE_SECONDS)
                status, headers, body = cloud.answers[self.path]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for part in body if isinstance(body, list) else [body]:
                    self.wfile.write(part)
                    self.wfile.flush()
                    cloud.ended.wait(cloud.pause)

            do_POST = do_GET

            def log_message(self, format, *args):
                pass

            def handle(self):
                with suppress(OSError):  # the caller has gone
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=serve, daemon=True)

    def says(self, status=200, headers=None, **body):
        """To the question for a code."""
        self.answers["/api/lan/getQrCode"] = (status, headers or {}, json.dumps(body).encode())

    def introduces(self, qr=None, code=CODE, **data):
        self.says(code=0, message="Success", result=True, data={"qr": qr, "code": code} | data)

    def shows(self, body=PNG, kind="image/png", *, status=200, path="/qr.png", **headers):
        """At the address of the picture."""
        self.answers[path] = (status, {"Content-Type": kind} | headers, body)

    @property
    def pictures_asked(self):
        return [path for path, _ in self.asked if path != "/api/lan/getQrCode"]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.gate.set()
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
