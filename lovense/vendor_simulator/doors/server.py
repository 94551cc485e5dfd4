"""The simulator's listening sockets: HTTP in, a `VendorCall` on, the reply out. What is answered is
in `cloud.py`, `lan.py` and `control.py`. All of them listen on 127.0.0.1 alone."""

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ground.loopback import LoopbackHandler, LoopbackServer
from lovense.vendor_simulator.calls import VendorCall, VendorReply, as_json

MAX_BODY_BYTES = 65_536
NOT_TAKEN = {
    400: "The call is malformed.",
    405: "This method is not for this address.",
    411: "A body needs a Content-Length.",
    413: f"A body has at most {MAX_BODY_BYTES} bytes.",
}

Answering = Callable[[VendorCall], VendorReply]


class VendorServer(LoopbackServer):
    def __init__(
        self,
        port: int,
        answer: Answering,
        *,
        via: str,
        stopping: threading.Event,
        tls: ssl.SSLContext | None = None,
        shares_port: bool = False,
    ) -> None:
        self.answer, self.via, self.stopping, self._tls = answer, via, stopping, tls
        self.allow_reuse_port = shares_port
        super().__init__(port, VendorHandler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The handshake is the business of the connection's own thread: one who dawdles over it
        keeps nobody else waiting."""
        accepted, address = super().get_request()
        if self._tls is None:
            return accepted, address
        wrapped = self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        return wrapped, address


class VendorHandler(LoopbackHandler):
    server: VendorServer

    def do_GET(self) -> None:
        body = self._body()
        call = None if isinstance(body, int) else self._call(body)
        if call is None:
            self.close_connection = True
            return self._refuse(body if isinstance(body, int) else 400)
        reply = self.server.answer(call)
        if reply.delay:
            self.server.stopping.wait(reply.delay)
        return self.hang_up() if reply.is_cut else self._write(reply)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the framework itself refuses: a method that nobody knows is no fault of ours."""
        self.close_connection = True
        self._refuse(405 if code == 501 else code)

    def _body(self) -> bytes | int:
        """Or the status with which to refuse it."""
        if self.headers.get("Transfer-Encoding"):
            return 411
        said = self.headers.get("Content-Length") or "0"
        if not (said.isascii() and said.isdigit()):
            return 400
        if len(said) > 9 or int(said) > MAX_BODY_BYTES:
            return 413
        body = self.rfile.read(int(said))
        return body if len(body) == int(said) else 400

    def _call(self, body: bytes) -> VendorCall | None:
        try:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, max_num_fields=100))
        except ValueError:
            return None
        headers = {name.lower(): value for name, value in self.headers.items()}
        return VendorCall(self.command, parts.path, self.server.via, query, headers, body)

    def _refuse(self, status: int) -> None:
        message = NOT_TAKEN.get(status, "The call is not taken.")
        refused = {"error": {"code": "refused", "message": message, "details": {}}}
        self._write(as_json(refused, status=status))

    def _write(self, reply: VendorReply) -> None:
        self.send_response(reply.status)
        if reply.status != 204:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(reply.body)


class Doorway:
    """A port that is always ours and listens only while it is open: closed, connections to it are
    refused. `serve` makes its server on that port."""

    def __init__(self, port: int, serve: Callable[[int], VendorServer]) -> None:
        with socket.socket() as trial:  # shared ports would hide that another one listens there
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("127.0.0.1", port))
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", port))
        self.port = int(self._held.getsockname()[1])
        self._serve = serve
        self._server: VendorServer | None = None

    def set_open(self, *, is_open: bool) -> None:
        if is_open and self._server is None:
            self._server = self._serve(self.port)
            self._server.start()
        elif not is_open and self._server is not None:
            self._server.stop()
            self._server = None

    def close(self) -> None:
        self.set_open(is_open=False)
        self._held.close()
