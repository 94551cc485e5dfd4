"""`manage.py verify_event_log`: says how many rows of the TipActivated log hold, or names the first
that does not and exits 1."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from tips.log import daily_heads, eventlog
from tips.log.events import BrokenChain


def _head(written: str) -> tuple[int, str]:
    sequence, _, digest = written.partition(":")
    if not (sequence.isascii() and sequence.isdigit() and len(digest) == 64):
        raise ArgumentTypeError("must be a head as this command prints it, NUMBER:DIGEST")
    return int(sequence), digest


class Command(BaseCommand):
    help = (
        "Verifies that no row of the TipActivated log was changed, removed or reordered, and "
        "prints its head."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        noted = "a head that was printed earlier, NUMBER:DIGEST; may be repeated"
        parser.add_argument(
            "--noted", type=_head, action="append", default=[], metavar="HEAD", help=noted
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            kept = daily_heads.kept(*options["noted"])
            # disable=None: the bar is drawn on a terminal only
            with tqdm(total=eventlog.length(), unit=" rows", disable=None, leave=False) as bar:
                rows = eventlog.verify(kept=kept, progress=bar.update)
        except BrokenChain as broken:
            raise CommandError(f"The event log is broken at {broken}.", returncode=1) from None
        except daily_heads.Contradiction as contradiction:
            raise CommandError(
                f"The heads that were kept contradict each other: {contradiction}.", returncode=1
            ) from None
        self.stdout.write(
            f"{rows} rows verified, {daily_heads.count()} daily heads agree\nhead "
            f"{rows}:{eventlog.digest_of(rows)}"
        )
