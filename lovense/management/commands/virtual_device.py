"""`manage.py virtual_device`: a performer's devices without a real toy, for rehearsals and for
watching the chain work."""

import asyncio
import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lovense.rows import Json
from lovense.simulator.device import VirtualDevice, WrongPerformer
from lovense.simulator.toys import MAX_TOYS


class Command(BaseCommand):
    help = "Connects a virtual device to the performer socket and runs until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--performer-id", required=True)
        parser.add_argument("--token", required=True)
        parser.add_argument("--url", default="http://127.0.0.1:8000")
        parser.add_argument(
            "--memory",
            type=Path,
            help="file of the activations already run; keeps them over a restart",
        )
        parser.add_argument(
            "--toys", default="", help="types of the vendor's table, e.g. lush,nora,max"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON line per run, and nothing else"
        )
        parser.add_argument(
            "--speed", type=float, default=1.0, help="10 plays a 5 s reaction in 0.5 s"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["url"].startswith(("http://", "https://")):
            raise CommandError("--url must start with http:// or https://")
        if options["speed"] <= 0:
            raise CommandError("--speed must be above 0")
        if len(_types(options["toys"])) > MAX_TOYS:
            raise CommandError(f"--toys names at most {MAX_TOYS}")
        try:
            asyncio.run(self._run(options))
        except KeyboardInterrupt:
            return
        except WrongPerformer as error:
            raise CommandError(str(error)) from None

    async def _run(self, options: Mapping[str, Any]) -> None:
        device = VirtualDevice(
            url=options["url"],
            performer_id=options["performer_id"],
            token=options["token"],
            memory=options["memory"],
            speed=options["speed"],
            report=self._print_json if options["json"] else self._print_line,
            toys=_types(options["toys"]),
        )
        await device.run()

    def _print_json(self, message: Json) -> None:
        if message["event"] == "ran":
            self._print(json.dumps(message))
        elif message["event"] == "refused":
            self.stderr.write(json.dumps(message))

    def _print_line(self, message: Json) -> None:
        facts = " ".join(
            f"{key}={value}" for key, value in message.items() if key not in ("event", "at")
        )
        self._print(f"{message['event']} {facts}".rstrip())

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _types(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]
