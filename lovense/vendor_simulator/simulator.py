"""The simulator as one thing: its world, and the servers around it (loopback only)."""

import contextlib
from functools import partial
from pathlib import Path
from typing import Self

from lovense.vendor_simulator.calls import BadCall, VendorCall, VendorReply, as_json
from lovense.vendor_simulator.doors import certificate, cloud, control, lan
from lovense.vendor_simulator.doors.certificate import Certificate
from lovense.vendor_simulator.doors.server import Doorway, VendorServer
from lovense.vendor_simulator.world import Manners, VendorWorld

AUTHORITY = "/sim/authority.pem"


class VendorSimulator(VendorWorld):
    """`with VendorSimulator() as vendor: …`; `vendor.url` is the cloud, `vendor.phone_url` and
    `vendor.phone_https_url` the phones' local server. A port of 0 is a free one.

    Raises NoCertificate, NotThisMachine, and OSError for a port that is taken."""

    def __init__(
        self,
        *,
        port: int = 0,
        phone_port: int = 0,
        phone_https_port: int = 0,
        has_https: bool = True,
        manners: Manners | None = None,
        callback_to: str = "",
        journal: Path | None = None,
        seed: int | None = None,
    ) -> None:
        self.certificate: Certificate | None = certificate.made() if has_https else None
        super().__init__(manners=manners, callback_to=callback_to, journal=journal, seed=seed)
        with contextlib.ExitStack() as undone:
            self._cloud = VendorServer(port, self._answer, via="cloud", stopping=self.stopping)
            undone.callback(self._cloud.server_close)
            self._doors = [self._doorway(phone_port, "http")]
            undone.callback(self._doors[0].close)
            if has_https:
                self._doors.append(self._doorway(phone_https_port, "https"))
            undone.pop_all()
        self.ports.http = self._doors[0].port
        self.ports.https = self._doors[-1].port if has_https else 0
        self.doors_changed = self._open_doors

    def _doorway(self, port: int, via: str) -> Doorway:
        tls = self.certificate.context if self.certificate and via == "https" else None
        serve = partial(
            VendorServer,
            answer=self._answer_phone,
            via=via,
            stopping=self.stopping,
            tls=tls,
            shares_port=True,
        )
        return Doorway(port, serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._cloud.port}"

    @property
    def phone_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def phone_https_url(self) -> str:
        return f"https://127.0.0.1:{self.ports.https}"

    def __enter__(self) -> Self:
        self.agenda.start()
        self._open_doors()
        self._cloud.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends every server and every connection: whoever calls now is refused."""
        if not self.stopping.is_set():
            self.stopping.set()
            self.agenda.stop()
            self._cloud.stop()
            for door in self._doors:
                door.close()
            self.callbacks.close()
            self.journal.close()

    def _open_doors(self) -> None:
        """A phone's server runs only while its app is in front."""
        is_open = any(phone.is_in_front for phone in self.phones.values())
        for door in self._doors:
            door.set_open(is_open=is_open and not self.stopping.is_set())

    # --- what is answered ------------------------------------------------------------------------

    def _answer_phone(self, call: VendorCall) -> VendorReply:
        return lan.answer(self, call)

    def _answer(self, call: VendorCall) -> VendorReply:
        """Cloud and control door. A page of another site may call the Cam Extension's part from
        this machine's own sites; nobody else's page may call anything."""
        if not call.is_local or call.is_from_elsewhere:
            return _error(BadCall(403, "not_from_here", "Only this machine may call."))
        try:
            if call.path == AUTHORITY and call.method == "GET":
                return self._authority()
            if call.path.startswith(control.PREFIX):
                return control.answer(self, call)
        except BadCall as error:
            return _error(error)
        reply = cloud.answer(self, call)
        if reply is None:
            return _error(BadCall(404, "not_found", "There is nothing at this address."))
        return _for_pages(reply, call)

    def _authority(self) -> VendorReply:
        if self.certificate is None:
            raise BadCall(404, "no_https", "The phone has no https.")
        headers = {"X-SPKI-SHA256": self.certificate.spki}
        return VendorReply(200, self.certificate.authority, "application/x-pem-file", headers)


def _for_pages(reply: VendorReply, call: VendorCall) -> VendorReply:
    """The Cam Extension's script asks from the page that loaded it."""
    origin = call.headers.get("origin")
    if not origin or not call.path.startswith("/extension/"):
        return reply
    headers = {**reply.headers, "Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    return VendorReply(
        reply.status, reply.body, reply.content_type, headers, reply.delay, reply.is_cut
    )


def _error(error: BadCall) -> VendorReply:
    told = {"code": error.code, "message": error.message, "details": error.details}
    return as_json({"error": told}, status=error.status)
