"""`manage.py seed_history`: long histories, of a few performers or, with --tips, of many, in bulk;
said again, it goes on where it was broken off."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from config.management.commands.seed_show import REFUSED, moment
from config.seeds import history, refusals
from config.seeds.crowd import CrowdSize
from config.seeds.history import HistorySize
from config.seeds.refusals import NotSeeded
from ground import clock


class Command(BaseCommand):
    help = "Writes long histories of performers named history-1, history-2 and so on; resumable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        numbers = {
            "--performers": (1, "default: 1"),
            "--tips": (None, "of all of them together; the other activations are tests"),
            "--activations": (10_000, "of all of them together; default: 10000"),
            "--audit": (0, "entries of the audit log beside; only with --tips"),
            "--days": (90, "default: 90"),
            "--seed": (7, "default: 7"),
        }
        for name, (usual, words) in numbers.items():
            parser.add_argument(name, type=int, default=usual, help=words)
        parser.add_argument(
            "--now", type=moment, metavar="ISO", help="as 2026-01-03T21:00:00Z; default: now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = options["now"] or clock.now()
        try:
            size = _size(options)
            size.check()
            refusals.check(now=now, clock=clock.now())
        except (NotSeeded, ValueError) as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from None
        about = {"seed": options["seed"], "now": now}
        with tqdm(total=_total(size), unit=" rows", disable=None, leave=False) as bar:
            if isinstance(size, CrowdSize):
                names = history.make_crowd(size, **about, progress=bar.update)
            else:
                names = history.make(size, **about, progress=bar.update)
        self.stdout.write(f"{options['activations']} activations of {', '.join(names)}")


def _size(options: dict[str, Any]) -> HistorySize | CrowdSize:
    performers, activations = options["performers"], options["activations"]
    if options["tips"] is not None:
        return CrowdSize(
            performers, options["tips"], activations, options["audit"], options["days"]
        )
    if options["audit"]:
        raise ValueError("--audit needs --tips.")
    if performers < 1 or activations % performers:
        raise ValueError("Without --tips each performer has as many activations as another.")
    return HistorySize(performers, activations // performers, options["days"])


def _total(size: HistorySize | CrowdSize) -> int:
    """Activations, and audit entries."""
    if isinstance(size, CrowdSize):
        return size.activations + size.audit
    return size.performers * size.activations
