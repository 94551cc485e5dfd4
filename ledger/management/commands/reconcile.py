"""`manage.py reconcile`: proves the books, or names what does not agree and exits 1. It changes nothing."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ledger import reconcile

MOST = 1000  # findings printed; broken books show the same cause many times


class Command(BaseCommand):
    help = "Recomputes every balance from the entries and reports what does not agree; fixes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=reconcile.size(), unit=" rows", disable=None, leave=False) as bar:
            found = list(islice(reconcile.findings(progress=bar.update), MOST + 1))
            rows = reconcile.size()
        for finding in found[:MOST]:
            self.stdout.write(str(finding))
        if found:
            more = "more than " if len(found) > MOST else ""
            raise CommandError(f"The books do not agree: {more}{min(len(found), MOST)} findings.", returncode=1)
        self.stdout.write(f"{rows} rows read, the books agree")
