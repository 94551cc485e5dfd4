"""`manage.py seed_history`: long histories of a few performers, in bulk; said again, it goes on
where it was broken off."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from config.management.commands.seed_show import REFUSED, moment
from config.seeds import history, refusals
from config.seeds.history import HistorySize
from config.seeds.refusals import NotSeeded
from ground import clock


class Command(BaseCommand):
    help = "Writes long histories of performers named history-1, history-2 and so on; resumable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--performers", type=int, default=1, help="default: 1")
        parser.add_argument("--activations", type=int, default=10_000, help="default: 10000")
        parser.add_argument("--days", type=int, default=90, help="default: 90")
        parser.add_argument("--seed", type=int, default=7, help="default: 7")
        parser.add_argument(
            "--now", type=moment, metavar="ISO", help="as 2026-01-03T21:00:00Z; default: now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        size = HistorySize(options["performers"], options["activations"], options["days"])
        now = options["now"] or clock.now()
        try:
            size.check()
            refusals.check(now=now, clock=clock.now())
        except (NotSeeded, ValueError) as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from None
        total = size.performers * size.activations
        with tqdm(desc="tips", total=total, unit="tip", disable=None, leave=False) as bar:
            names = history.make(size, seed=options["seed"], now=now, progress=bar.update)
        self.stdout.write(f"{total} activations of {', '.join(names)}")
