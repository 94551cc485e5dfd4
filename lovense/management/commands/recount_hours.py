"""`manage.py recount_hours [--performer ID] [--from DAY] [--to DAY]`: the hours of statistics,
counted anew from the activations, with their days, their shows and the sums of all performers;
what was right stays as it was."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ground import clock
from lovense.history import daysums, hours, platform
from lovense.models import Performer
from lovense.shows import sums

USUAL = timedelta(days=180)  # the longest period of a page, and the one before it


class Command(BaseCommand):
    help = "Counts the hours of statistics anew, of all performers and 180 days, or of others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--performer", default="", help="her id; without one, of all")
        parser.add_argument("--from", dest="first", type=_day, help="a day (UTC), as 2026-01-03")
        parser.add_argument("--to", dest="last", type=_day, help="a day (UTC), itself included")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        first, last = options["first"], options["last"]
        since = _begin(first) if first else hours.floor(now - USUAL)
        until = _begin(last) + timedelta(days=1) if last else hours.floor(now) + hours.HOUR
        if until <= since:
            raise CommandError("--to must not be before --from.")
        whose = _performers(options["performer"])
        counted, counted_in = 0, set[datetime]()
        with tqdm(total=len(whose), unit=" performers", disable=None, leave=False) as bar:
            for performer_id in whose:
                found = hours.with_rows(performer_id, since, until)
                for _, of_day in groupby(found, key=daysums.floor):
                    which = list(of_day)
                    daysums.count(performer_id, which, now=clock.now())
                    counted += len(which)
                    counted_in.update(which)
                sums.recount(performer_id, since, until, now=clock.now())
                bar.update()
        together = tqdm(sorted(counted_in), unit=" hours", disable=None, leave=False)
        platform.recount(together, now=clock.now())
        self.stdout.write(f"{counted} hours of {len(whose)} performers counted")


def _performers(performer_id: str) -> list[str]:
    if not performer_id:
        return list(_all())
    if not Performer.objects.filter(pk=performer_id).exists():
        raise CommandError(f"There is no performer {performer_id!r}.")
    return [performer_id]


def _all() -> Iterator[str]:
    yield from Performer.objects.order_by("pk").values_list("pk", flat=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("must be a day, as 2026-01-03") from None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
