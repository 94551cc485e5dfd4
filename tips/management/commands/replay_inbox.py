"""`manage.py replay_inbox --into MONGODB_URI`: what was sent, sent again, must give the same. Says
what differs and exits 1."""

from argparse import ArgumentParser
from itertools import chain
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from pymongo.errors import InvalidURI
from tqdm import tqdm

from ground.inbox import inbox
from ground.mongodb import collections
from tips.settlement import replay

MOST = 1000  # differences printed; one cause shows many times


class Command(BaseCommand):
    help = (
        "Feeds the stored inbox into an empty database and compares tips, balances, entries "
        "and events."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--into",
            required=True,
            metavar="MONGODB_URI",
            help="an empty database, named in the address's path",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        original = collections.current()
        try:
            with collections.pointed_at(options["into"]) as replayed:
                replay.check(replayed)
                self._replay(original, replayed)
        except (
            collections.NoDatabaseNamed,
            InvalidURI,
            replay.NotEmpty,
            replay.NotOurs,
        ) as refusal:
            raise CommandError(str(refusal)) from None

    def _replay(self, original: Any, replayed: Any) -> None:
        call_command("migrate", verbosity=0)  # the indexes are the rules' definition of "once"
        before, shown, count = replay.standing(original), [], 0
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=replay.size(original), unit=" rows", disable=None, leave=False) as bar:
            fed = replay.feed(original, progress=bar.update)
            for difference in chain(
                fed, replay.differences(original, replayed, progress=bar.update)
            ):
                count += 1
                if count <= MOST:
                    shown.append(str(difference))
        self.stdout.writelines(f"{line}\n" for line in shown)
        if replay.standing(original) != before:
            raise CommandError(
                "The original worked on meanwhile, so this proves nothing: replay a copy of it.",
                returncode=1,
            )
        if count:
            raise CommandError(f"The replay differs in {count} places.", returncode=1)
        self.stdout.write(f"{inbox.size(original)} deliveries replayed, everything is the same")
