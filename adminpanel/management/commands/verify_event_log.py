"""`manage.py verify_event_log`: the older name of `prove log`, with the words that programs
know."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adminpanel.watch import provers


class Command(BaseCommand):
    help = (
        "Verifies that no row of the TipActivated log was changed, removed or reordered, and "
        "prints its head."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        noted = "a head that was printed earlier, NUMBER:DIGEST; may be repeated"
        parser.add_argument(
            "--noted", type=provers.head, action="append", default=[], metavar="HEAD", help=noted
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(provers.log(options["noted"]))
        except provers.NotProven as why:
            raise CommandError(str(why), returncode=1) from None
