"""`manage.py reconcile`: proves the books, or names what does not agree and exits 1. It changes
nothing.

With --against-gateway it also asks the ledger about settled tips, and compares its answers with the
event log."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from pymongo.errors import OperationFailure
from tqdm import tqdm

from ledger import gateway
from ledger.books import reconcile
from tips.settlement import drift

MOST = 1000  # findings printed; broken books show the same cause many times
MOST_SAMPLED = 1_000_000
SNAPSHOT_TOO_OLD = 239


def _sample(written: str) -> int:
    if not (written.isascii() and written.isdigit() and 0 < int(written) <= MOST_SAMPLED):
        raise ArgumentTypeError(f"must be a whole number from 1 to {MOST_SAMPLED}")
    return int(written)


class Command(BaseCommand):
    help = (
        "Recomputes every balance from the entries and reports what does not agree; fixes nothing."
    )
    _asked = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--against-gateway",
            nargs="?",
            const=settings.LEDGER_GATEWAY,
            choices=sorted(gateway.GATEWAYS),
            metavar="NAME",
            help="also ask this ledger about the settled tips (default: the one that "
            "LEDGER_GATEWAY names)",
        )
        parser.add_argument(
            "--sample",
            type=_sample,
            metavar="N",
            help="ask about so many tips, drawn at random; else about all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, sample = options["against_gateway"], options["sample"]
        if sample and not name:
            raise CommandError(
                "--sample says how many tips to ask about: it needs --against-gateway."
            )
        found = self._proof()
        rows = reconcile.size()
        if name and len(found) <= MOST:
            found += islice(self._drift(name, sample), MOST + 1 - len(found))
        for finding in found[:MOST]:
            self.stdout.write(finding)
        if found:
            more = "more than " if len(found) > MOST else ""
            raise CommandError(
                f"The books do not agree: {more}{min(len(found), MOST)} findings.", returncode=1
            )
        asked = f"; {self._asked} settled tips agree with the ledger" if name else ""
        self.stdout.write(f"{rows} rows read, the books agree{asked}")

    def _proof(self) -> list[str]:
        try:
            return list(islice(self._books(), MOST + 1))
        except OperationFailure as error:
            if error.code != SNAPSHOT_TOO_OLD:
                raise
            longer = "give mongod a larger minSnapshotHistoryWindowInSeconds"
            raise CommandError(
                f"The books take longer to read than the server keeps one moment of them: {longer}."
            ) from None

    def _books(self) -> Iterator[str]:
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=reconcile.size(), unit=" rows", disable=None, leave=False) as bar:
            yield from map(str, reconcile.findings(progress=bar.update))

    def _drift(self, name: str, sample: int | None) -> Iterator[str]:
        with tqdm(
            total=min(drift.size(), sample or drift.size()), unit=" tips", disable=None, leave=False
        ) as bar:

            def count(tips: int) -> None:
                self._asked += tips
                bar.update(tips)

            is_own = name == settings.LEDGER_GATEWAY
            asked = gateway.current() if is_own else gateway.named(name)
            yield from map(str, drift.findings(asked, sample=sample, is_own=is_own, progress=count))
