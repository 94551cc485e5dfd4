"""`manage.py drain on|off [--wait]`: nothing new starts, so that a deploy ends no run; what plays,
plays to its end."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ground import clock
from ground.hops import doorbell
from lovense.lane import controls

LOOK_SECONDS = 1.0
LOOKS = (
    2  # so many in a row must find nothing: a worker may be starting one that it had claimed before
)


class Command(BaseCommand):
    help = (
        "Lets nothing new start (on), or lets everything go on (off). Settled tips wait "
        "meanwhile; none is lost."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("state", choices=["on", "off"])
        parser.add_argument("--why", default="", help="for the audit log")
        parser.add_argument("--by", default="operator", help="your account, for the audit log")
        parser.add_argument(
            "--wait", action="store_true", help="on: return when nothing plays any more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_on = options["state"] == "on"
        controls.set_draining(is_on=is_on, by=options["by"], why=options["why"], now=clock.now())
        if not is_on:
            doorbell.ring("lovense.dispatch")
        self.stdout.write("nothing new starts" if is_on else "everything goes on")
        if is_on and options["wait"]:
            self._wait()

    def _wait(self) -> None:
        quiet, told = 0, -1
        while quiet < LOOKS:
            left = controls.under_way()
            quiet = 0 if left else quiet + 1
            if left and left != told:
                self._say(f"{left} still under way")
            told = left
            if quiet < LOOKS:
                time.sleep(LOOK_SECONDS)
        self._say("nothing is under way")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
