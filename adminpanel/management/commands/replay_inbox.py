"""`manage.py replay_inbox --into MONGODB_URI`: the older name of `prove replay --into`, with the
words that programs know."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adminpanel.watch import provers


class Command(BaseCommand):
    help = (
        "Feeds the stored inbox into an empty database and compares tips, balances, entries "
        "and events."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--into",
            required=True,
            metavar="MONGODB_URI",
            help="an empty database, named in the address's path",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(provers.replayed(options["into"]))
        except provers.NotProven as why:
            self.stdout.writelines(f"{line}\n" for line in why.findings)
            raise CommandError(str(why), returncode=1) from None
        except provers.Untried as why:
            raise CommandError(str(why)) from None
