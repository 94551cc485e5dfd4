"""`manage.py reconcile`: the older name of `prove books`, with the words that programs know; with
--against-gateway also of `prove proof`."""

from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from adminpanel.watch import provers
from adminpanel.watch.provers import MOST, NotProven, Untried, counted, sample
from ledger import gateway


class Command(BaseCommand):
    help = (
        "Recomputes every balance from the entries and reports what does not agree; fixes nothing."
    )

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
            type=sample,
            metavar="N",
            help="ask about so many tips, drawn at random; else about all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, drawn = options["against_gateway"], options["sample"]
        if drawn and not name:
            raise CommandError(
                "--sample says how many tips to ask about: it needs --against-gateway."
            )
        proofs: list[Callable[[], str]] = [
            provers.books,
            *([partial(provers.proof, name, drawn)] if name else []),
        ]
        said, found = [], []
        for proof in proofs:
            try:
                said.append(proof())
            except NotProven as why:
                found += why.findings
            except Untried as why:
                raise CommandError(str(why)) from None
            if len(found) > MOST:
                break
        self.stdout.writelines(f"{finding}\n" for finding in found[:MOST])
        if found:
            raise CommandError(f"The books do not agree: {counted(found)}.", returncode=1)
        self.stdout.write("; ".join(said))
