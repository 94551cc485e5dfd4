"""`manage.py archive_events`: moves old events and finished requests to the archive; --verify
proves what is there."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ground import clock
from tips.log import archive
from tips.log.events import BrokenChain

MOST_DAYS = 36_500


def _days(written: str) -> int:
    return _whole(written, 1, MOST_DAYS)


def _rows(written: str) -> int:
    return _whole(written, 1, 10**12)


def _whole(written: str, least: int, most: int) -> int:
    if not (written.isascii() and written.isdigit() and least <= int(written) <= most):
        raise ArgumentTypeError(f"must be a whole number from {least} to {most}")
    return int(written)


class Command(BaseCommand):
    help = (
        "Archives events and finished queue rows. May be stopped, killed and run again at any "
        "point."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than-days", type=_days, default=90, metavar="N", help="default 90"
        )
        parser.add_argument(
            "--limit", type=_rows, metavar="N", help="stop after so many rows; the next run goes on"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--dry-run", action="store_true", help="only say how many rows are old enough"
        )
        what.add_argument(
            "--verify",
            action="store_true",
            help="move nothing; prove every segment against its manifest",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["verify"]:
                return self._verify()
            self._archive(options["older_than_days"], options["limit"], is_dry=options["dry_run"])
        except BrokenChain as broken:
            raise CommandError(
                f"The event log is broken at {broken}; it is not archived from there on.",
                returncode=1,
            ) from None
        except archive.SegmentDamaged as damaged:
            raise CommandError(
                f"The archive is damaged: {damaged}. Nothing was deleted for it.", returncode=1
            ) from None
        except archive.AlreadyRunning:
            seconds = archive.LEASE.seconds
            raise CommandError(
                f"Another run is archiving. One that was killed is followed after {seconds} s."
            ) from None

    def _verify(self) -> None:
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=archive.segments(), unit=" segments", disable=None, leave=False) as bar:
            count = archive.verify(progress=bar.update)
        self.stdout.write(f"{count} segments verified")

    def _archive(self, days: int, limit: int | None, *, is_dry: bool) -> None:
        before = clock.now() - timedelta(days=days)
        found = archive.waiting(before=before)
        if is_dry:
            self.stdout.write(
                f"{found['events']} events and {found['requests']} requests are old enough; "
                f"nothing was moved"
            )
            return
        total = sum(found.values())
        with tqdm(total=min(total, limit or total), unit=" rows", disable=None, leave=False) as bar:
            report = archive.run(before=before, limit=limit, progress=bar.update)
        moved = f"{report.moved['events']} events and {report.moved['requests']} requests archived"
        resumed = f", {report.resumed} of an earlier run finished" if report.resumed else ""
        self.stdout.write(f"{moved} in {report.segments} segments{resumed}")
