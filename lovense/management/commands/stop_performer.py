"""`manage.py stop_performer ID [--why WHY]`: a performer's stop, pressed for her; she alone lifts
it."""

import asyncio
import contextlib
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ground import clock
from lovense.bridges.cloud import Cloud
from lovense.performers.preferences import NoSuchPerformer
from lovense.runner import stopper
from lovense.stopping import stop


class Command(BaseCommand):
    help = "Stops all devices of a performer at once, and lets nothing start until she resumes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("performer_id", help="24 hex digits")
        parser.add_argument("--why", default="", help="for the audit log")
        parser.add_argument("--by", default="operator", help="your account, for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        told = {name: options[name] for name in ("performer_id", "why", "by")}
        try:
            state = stop.press(**told, through="command", now=clock.now())
        except NoSuchPerformer as error:
            raise CommandError(str(error)) from None
        asyncio.run(self._stop_at_the_vendor(options["performer_id"]))
        self.stdout.write(f"stopped under epoch {state.epoch}; she alone resumes")

    async def _stop_at_the_vendor(self, performer_id: str) -> None:
        """Once: this process does not live long enough to repeat it, as a web process does."""
        async with contextlib.aclosing(Cloud()) as cloud:
            await stopper.stop_once(performer_id, cloud)
