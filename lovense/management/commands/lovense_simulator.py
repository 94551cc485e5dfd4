"""`manage.py lovense_simulator`: a vendor of one's own on loopback, for development, the demo and
integrators' tests."""

import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lovense.rows import Json
from lovense.simulator.toys import MAX_TOYS
from lovense.vendor_simulator import VendorSimulator, faults
from lovense.vendor_simulator.doors.certificate import NoCertificate
from lovense.vendor_simulator.faults import InvalidFault
from lovense.vendor_simulator.phones.callbacks import NotThisMachine
from lovense.vendor_simulator.phones.dialects import DIALECTS
from lovense.vendor_simulator.world import CORS, DEVELOPER_TOKEN, QR, TYPES, Manners

PARENT_SECONDS = 0.5  # how often it looks whether the program that started it is still there


class Command(BaseCommand):
    help = "Plays the vendor's cloud and the app on a phone until Ctrl-C; see docs/simulator.md."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--port", type=int, default=8791, help="the cloud and the control door")
        add("--phone-port", type=int, default=8792, help="the phone's local server, http")
        add("--phone-https-port", type=int, default=8793, help="the same over https")
        add("--no-https", action="store_true", help="no certificate, no https")
        add("--toys", default=",".join(TYPES), help="types of the vendor's table")
        add(
            "--callback-to",
            default="",
            metavar="URL",
            help="where scans and heartbeats go, e.g. http://127.0.0.1:8000/api/webhooks/lovense",
        )
        add("--heartbeat-seconds", type=float, default=10)
        add("--latency-ms", type=float, default=40, help="of every call")
        add("--jitter-ms", type=float, default=20, help="the latency is so much more or less")
        add("--drain", type=float, default=0, help="percent of battery for a minute of movement")
        add("--cors", choices=CORS, default=CORS[0], help="what the phone tells browsers")
        add("--dialect", choices=tuple(DIALECTS), default="android")
        add("--qr", choices=QR, default=QR[0], help="text: a pairing says its picture's words, too")
        add("--faults", default="", help="e.g. code:507*3,slow:3,stop-lost*2 (times 0: always)")
        add("--seed", type=int, default=None, help="the same ids, codes and latencies every time")
        add("--journal", type=Path, default=None, metavar="FILE", help="JSON lines are added to it")
        add("--developer-token", default=DEVELOPER_TOKEN, help="the one that the cloud accepts")

    def handle(self, *args: Any, **options: Any) -> None:
        simulator = self._made(options)
        for told in (signal.SIGTERM, signal.SIGINT):  # a shell's background has SIGINT ignored
            signal.signal(told, signal.default_int_handler)
        parent = os.getppid()
        with simulator:
            self.stdout.write(f"ready {simulator.url}")
            self.stdout.flush()
            try:
                while os.getppid() == parent:
                    simulator.stopping.wait(PARENT_SECONDS)
            except KeyboardInterrupt:
                return

    def _made(self, options: Json) -> VendorSimulator:
        try:
            planned = faults.parse(options["faults"])
            simulator = VendorSimulator(
                port=options["port"],
                phone_port=options["phone_port"],
                phone_https_port=options["phone_https_port"],
                has_https=not options["no_https"],
                manners=_manners(options),
                callback_to=options["callback_to"],
                journal=options["journal"],
                seed=options["seed"],
            )
        except (InvalidFault, NotThisMachine, NoCertificate) as error:
            raise CommandError(str(error)) from None
        except (OSError, OverflowError) as error:
            raise CommandError(f"cannot start: {error}") from None
        for fault in planned:
            simulator.faults.add(fault)
        return simulator


def _manners(options: Json) -> Manners:
    types = [word for word in (part.strip() for part in options["toys"].split(",")) if word]
    if not 0 < len(types) <= MAX_TOYS:
        raise CommandError(f"--toys names 1 to {MAX_TOYS} types.")
    for name in ("latency_ms", "jitter_ms", "drain"):
        if not 0 <= options[name] <= 60_000:
            raise CommandError(f"--{name.replace('_', '-')} is a number from 0 to 60000.")
    if not 0.1 <= options["heartbeat_seconds"] <= 86_400:
        raise CommandError("--heartbeat-seconds is a number from 0.1 to 86400.")
    return Manners(
        types=types,
        dialect=DIALECTS[options["dialect"]],
        cors=options["cors"],
        latency_ms=options["latency_ms"],
        jitter_ms=options["jitter_ms"],
        drain=options["drain"],
        heartbeat_seconds=options["heartbeat_seconds"],
        developer_token=options["developer_token"],
        qr=options["qr"],
    )
