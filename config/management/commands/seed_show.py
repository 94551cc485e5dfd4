"""`manage.py seed_show`: a believable evening of one performer, in one of its states; the same for
the same --seed and --now. Prints her name and a new password."""

import secrets
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from config.demo.options import STATES
from config.seeds import refusals, show
from config.seeds.refusals import NotSeeded
from config.seeds.show import Evening, HasAPast
from ground import clock
from lovense.performers import enrolment

REFUSED = 2


class Command(BaseCommand):
    help = "Writes a believable evening of a performer: her past, and a show in the state named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--performer", default="ana", metavar="NAME", help="default: ana")
        parser.add_argument("--state", choices=STATES, default="busy", help="default: busy")
        parser.add_argument("--seed", type=int, default=7, help="default: 7")
        parser.add_argument(
            "--now", type=moment, metavar="ISO", help="as 2026-01-03T21:00:00Z; default: now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = options["now"] or clock.now()
        evening = Evening(options["performer"], options["state"], options["seed"], now)
        try:
            refusals.check(now=now, clock=clock.now())
            with tqdm(desc="tips", total=show.PAST_TIPS, disable=None, leave=False) as bar:
                performer_id = show.make(evening, progress=bar.update)
        except (NotSeeded, HasAPast) as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from None
        password = secrets.token_urlsafe(9)
        about = {"performer_id": performer_id, "username": evening.name}
        enrolment.enrol(**about, password=password, now=now)
        self.stdout.write(f"{evening.name} / {password}: {evening.state}")


def moment(written: str) -> datetime:
    try:
        return clock.parse(written)
    except ValueError as wrong:
        raise ArgumentTypeError(f"{wrong}, not {written[:40]!r}") from None
