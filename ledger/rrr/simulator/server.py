"""The simulator's HTTP server: sockets, headers, faults. What is answered is in `api.py`."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ledger.rrr.simulator import api, faults
from ledger.rrr.simulator.books import Broken
from ledger.rrr.simulator.world import World

MAX_BODY_BYTES = 1_048_576


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, simulator: World, port: int) -> None:
        self.simulator = simulator
        self.connections: set[socket.socket] = set()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        super().__init__(("127.0.0.1", port), Handler)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()
        for connection in list(self.connections):  # idle ones would otherwise be answered for ever
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away in the middle is nothing to print."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests carry ids of people."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = api.Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers=dict(self.headers.items()),
            body=self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES)),
        )
        simulator = self.server.simulator
        fault = None if request.is_order else simulator.faults.take(request.path)
        if fault and not self._goes_on(fault, request):
            return
        status, answer = _answer(simulator, request)
        simulator.finished_work()
        if fault and fault.kind == faults.LOSE:
            return self._hang_up()
        self._write(status, json.dumps(answer).encode())

    def _goes_on(self, fault: faults.Fault, request: api.Request) -> bool:
        """What a fault does before the work; whether the work is done after it."""
        simulator = self.server.simulator
        if fault.kind in (faults.DROP, faults.ANSWER, faults.GARBAGE):
            api.note(simulator, request)
        if fault.kind == faults.SLOW:
            simulator.stopping.wait(fault.seconds)
        elif fault.kind == faults.EXPIRE:
            simulator.tokens.expire()
        elif fault.kind == faults.DROP:
            self._hang_up()
        elif fault.kind == faults.GARBAGE:
            self._write(200, b"<html>Please log in to the hotel's network</html>", kind="text/html")
        elif fault.kind == faults.ANSWER:
            code = fault.code or faults.CODES.get(fault.status, "")
            error = api.error(
                Broken(fault.status, code, "This failure was ordered.", {"ordered": True})
            )
            self._write(fault.status, json.dumps(error).encode(), retry_after=fault.retry_after)
        return fault.kind in (faults.SLOW, faults.EXPIRE, faults.LOSE)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(
        self, status: int, body: bytes, *, kind: str = "application/json", retry_after: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)


def _answer(simulator: World, request: api.Request) -> api.Answer:
    try:
        return api.answer(simulator, request)
    except Broken as broken:
        return broken.status, api.error(broken)
