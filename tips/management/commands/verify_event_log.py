"""`manage.py verify_event_log`: says how many rows of the TipActivated log hold, or names the first that does not and exits 1."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from tips import eventlog
from tips.events import BrokenChain


class Command(BaseCommand):
    help = "Verifies that no row of the TipActivated log was changed, removed or reordered."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # disable=None: the bar is drawn on a terminal only
            with tqdm(total=eventlog.length(), unit=" rows", disable=None, leave=False) as bar:
                rows = eventlog.verify(progress=bar.update)
        except BrokenChain as broken:
            raise CommandError(f"The event log is broken at {broken}.", returncode=1) from None
        self.stdout.write(f"{rows} rows verified")
