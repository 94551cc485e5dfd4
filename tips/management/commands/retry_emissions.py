"""`manage.py retry_emissions`: hands dead emissions to their consumers once more; exits 1 when one
of them stays dead."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ground import clock
from tips.log import emission

BY = "manage.py"


class Command(BaseCommand):
    help = (
        "Retries events that a consumer could not take. What was delivered meanwhile is not "
        "delivered again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--consumer",
            default="",
            choices=sorted(emission.CONSUMERS),
            help="only those of this one",
        )
        parser.add_argument("--tip", default="", metavar="TIP_ID", help="only this tip's")
        parser.add_argument("--dry-run", action="store_true", help="only list them")

    def handle(self, *args: Any, **options: Any) -> None:
        which = {"consumer": options["consumer"], "tip_id": options["tip"]}
        count = emission.count_dead(**which)
        self.stdout.write(f"{count} dead emissions")
        if options["dry_run"]:
            self._list(which)
        elif count:
            self._retry(which, count)

    def _list(self, which: dict[str, str]) -> None:
        for row in emission.dead(**which):
            last = row["errors"][-1]
            self.stdout.write(
                f"{row['consumer']} {row['tip_id']} {len(row['errors'])} attempts, {last['at']} "
                f"{last['error']}"
            )

    def _retry(self, which: dict[str, str], count: int) -> None:
        delivered = tried = 0
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=count, unit=" events", disable=None, leave=False) as bar:
            for row in emission.dead(**which):
                tried += 1
                delivered += emission.retry(row["_id"], by=BY, now=clock.now())
                bar.update(1)
        self.stdout.write(f"{delivered} delivered, {tried - delivered} still dead")
        if delivered < tried:
            raise CommandError(
                "Some are still dead; their errors are on /staff/emissions.", returncode=1
            )
