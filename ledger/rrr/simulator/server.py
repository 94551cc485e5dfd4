"""The simulator's HTTP server: sockets, headers, faults. What is answered is in `api.py`."""

import json
from urllib.parse import parse_qsl, urlsplit

from ground.loopback import LoopbackHandler, LoopbackServer
from ledger.rrr.simulator import api, faults
from ledger.rrr.simulator.books import Broken
from ledger.rrr.simulator.world import World

MAX_BODY_BYTES = 1_048_576


class Server(LoopbackServer):
    def __init__(self, simulator: World, port: int) -> None:
        self.simulator = simulator
        super().__init__(port, Handler)


class Handler(LoopbackHandler):
    server: Server

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_GET

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
            return self.hang_up()
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
            self.hang_up()
        elif fault.kind == faults.GARBAGE:
            self._write(200, b"<html>Please log in to the hotel's network</html>", kind="text/html")
        elif fault.kind == faults.ANSWER:
            code = fault.code or faults.CODES.get(fault.status, "")
            error = api.error(
                Broken(fault.status, code, "This failure was ordered.", {"ordered": True})
            )
            self._write(fault.status, json.dumps(error).encode(), retry_after=fault.retry_after)
        return fault.kind in (faults.SLOW, faults.EXPIRE, faults.LOSE)

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
