"""`manage.py reverse_transfer KEY… --reason TEXT`: takes transfers back with reversing ones; the
originals stay as they are."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ground import clock
from ledger.books import reversal


class Command(BaseCommand):
    help = (
        "Reverses transfers of our own books, all or none. A tip is two: give "
        "<source_ref>_COMMISSION before <source_ref>."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "keys", nargs="+", metavar="KEY", help="the transfer's key: its source reference"
        )
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="kept with the reversal"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.LEDGER_GATEWAY != "embedded":
            raise CommandError("The books are kept by another ledger; reverse it there.")
        try:
            done = reversal.reverse(options["keys"], reason=options["reason"], now=clock.now())
        except reversal.NotReversed as refused:
            raise CommandError(str(refused)) from None
        for one in done:
            moved = f"{one.amount} tokens from {one.taken_from} back to {one.given_to}"
            self.stdout.write(
                f"{one.key} reversed: {moved}" if one.is_new else f"{one.key} was reversed before"
            )
