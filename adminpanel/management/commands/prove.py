"""`manage.py prove [books|log|proof|seconds|replay]`: one proof, or all five. Says what does
not agree and exits 1; it changes nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adminpanel.watch.provers import (
    MOST,
    PROOFS,
    NotForThis,
    NotProven,
    Untried,
    head,
    sample,
)
from ledger import gateway

# Whose each option is: said with another proof it would be a slip that nobody notices.
OPTION_OF = {"noted": "log", "gateway": "proof", "sample": "proof", "into": "replay"}


class Command(BaseCommand):
    help = (
        "Proves the books, the event log, the proofs of the settled tips, that the seconds of "
        "every activation add up, and that all follows from what was sent; fixes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("proof", nargs="?", choices=[*PROOFS], help="default: all five")
        parser.add_argument(
            "--noted",
            type=head,
            action="append",
            default=[],
            metavar="HEAD",
            help="log: a head that was printed earlier, NUMBER:DIGEST; may be repeated",
        )
        parser.add_argument(
            "--gateway",
            choices=sorted(gateway.GATEWAYS),
            metavar="NAME",
            help="proof: the ledger to ask (default: the one that LEDGER_GATEWAY names)",
        )
        parser.add_argument(
            "--sample",
            type=sample,
            metavar="N",
            help="proof: ask about so many tips, drawn at random; else about all",
        )
        parser.add_argument(
            "--into",
            default="",
            metavar="MONGODB_URI",
            help="replay: an empty database, named in the address's path, which stays (default: "
            "one beside this one, which is gone afterwards)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked = [options["proof"]] if options["proof"] else [*PROOFS]
        for name, owner in OPTION_OF.items():
            if options[name] and owner not in asked:
                raise CommandError(f"--{name} belongs to the proof {owner!r}.")
        failed = [name for name in asked if not self._holds(name, options)]
        if failed:
            raise CommandError(f"Not proven: {', '.join(failed)}.", returncode=1)

    def _holds(self, name: str, options: dict[str, Any]) -> bool:
        """Says at once what came of it; the next proof may take long."""
        try:
            self._say(name, *PROOFS[name](options).splitlines())
        except NotProven as why:
            self._say(name, *why.findings[:MOST], str(why))
            return False
        except NotForThis as why:
            self._say(name, f"left out: {why}")
            return options["proof"] is None
        except Untried as why:
            self._say(name, str(why))
            return False
        return True

    def _say(self, name: str, *lines: str) -> None:
        self.stdout.writelines(f"{name}: {line}\n" for line in lines)
        self.stdout.flush()
