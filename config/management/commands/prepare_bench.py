"""`manage.py prepare_bench`: the performers, viewers and tokens of a load test; prints the
performers' tokens as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import benchmark
from ground import clock


class Command(BaseCommand):
    help = (
        "Prepares a load test: performers with an all-answering menu, funded viewers, no rate "
        "limit. Repeatable."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--performers", type=int, required=True)
        parser.add_argument("--viewers", type=int, required=True)
        parser.add_argument("--menu", choices=tuple(benchmark.MENUS), default="plain")

    def handle(self, *args: Any, **options: Any) -> None:
        performers, viewers = options["performers"], options["viewers"]
        if not 0 < performers <= benchmark.MAXIMUM_PERFORMERS:
            raise CommandError(f"--performers must be from 1 to {benchmark.MAXIMUM_PERFORMERS}")
        if not 0 < viewers <= benchmark.MAXIMUM_VIEWERS:
            raise CommandError(f"--viewers must be from 1 to {benchmark.MAXIMUM_VIEWERS}")
        tokens = benchmark.prepare(
            performers=performers, viewers=viewers, menu=options["menu"], now=clock.now()
        )
        self.stdout.write(json.dumps({"tokens": tokens}))
