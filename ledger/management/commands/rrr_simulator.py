"""`manage.py rrr_simulator`: a RedRoomRewards of one's own on loopback, for development, the demo
and integrators' tests."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.rrr import signing
from ledger.rrr.simulator import Simulator, faults
from ledger.rrr.simulator.webhooks import ORDERS, Webhooks


class Command(BaseCommand):
    help = (
        "Plays RRR's token endpoint, ledger, transfers and signed webhooks until Ctrl-C; see "
        "docs/rrr.md."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8790)
        parser.add_argument(
            "--faults", default="", help="e.g. slow:0.5*10,answer:503*3,drop (times 0: always)"
        )
        parser.add_argument(
            "--delay-seconds", type=float, default=0.0, help="from creation to posting"
        )
        parser.add_argument(
            "--single", action="store_true", help="show one entry of a transfer instead of two"
        )
        parser.add_argument(
            "--webhooks-to",
            default="",
            help="where signed webhooks go, e.g. http://127.0.0.1:8000/api/webhooks/rrr",
        )
        parser.add_argument("--copies", type=int, default=1, help="how often each webhook is sent")
        parser.add_argument(
            "--order",
            choices=ORDERS,
            default="fifo",
            help="in which order waiting webhooks are sent",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ordered = faults.parse(options["faults"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        simulator = Simulator(
            port=options["port"],
            client_id=settings.RRR_CLIENT_ID,
            client_secret=settings.RRR_CLIENT_SECRET,
            webhooks=self._webhooks(options),
        )
        simulator.books.delay_seconds, simulator.books.single = (
            options["delay_seconds"],
            options["single"],
        )
        for fault in ordered:
            simulator.faults.add(fault)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with simulator:
            self.stdout.write(f"ready {simulator.url}")
            self.stdout.flush()
            try:
                simulator.run()
            except KeyboardInterrupt:
                return

    def _webhooks(self, options: dict[str, Any]) -> Webhooks:
        keys = signing.secrets_of(settings.RRR_WEBHOOK_SECRETS)
        if not keys and options["webhooks_to"]:
            raise CommandError("--webhooks-to needs RRR_WEBHOOK_SECRETS.")
        key_id, secret = next(iter(keys.items()), ("", b""))
        webhooks = Webhooks(url=options["webhooks_to"], key_id=key_id, secret=secret)
        webhooks.copies, webhooks.order = options["copies"], options["order"]
        return webhooks
