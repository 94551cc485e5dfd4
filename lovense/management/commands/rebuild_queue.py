"""`manage.py rebuild_queue`: restores from the event log what is unfinished and has lost its place
in the queue."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from ground import clock
from ground.hops import doorbell
from lovense.lane import rebuild

WORDS = {
    "pending": "waiting",
    "claimed": "under way",
    "joined": "part of a run",
    "dead": "dead letters",
}


class Command(BaseCommand):
    help = (
        "Rebuilds the queue from the event log alone. May be stopped, repeated, and run while "
        "the stack works."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=rebuild.size(), unit=" events", disable=None, leave=False) as bar:
            found = rebuild.run(now=clock.now(), is_dry=is_dry, progress=bar.update)
        if found and not is_dry:
            doorbell.ring("lovense.heal")
            doorbell.ring("lovense.dispatch")
        parts = ", ".join(
            f"{found[status]} {words}" for status, words in WORDS.items() if found[status]
        )
        missing = (
            f"{found.total()} requests "
            f"{'are missing' if is_dry else 'restored'}{f': {parts}' if parts else ''}"
        )
        self.stdout.write(missing + ("; nothing was written" if is_dry else ""))
