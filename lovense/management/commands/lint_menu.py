"""`manage.py lint_menu PERFORMER`: what of a performer's draft would surprise somebody; nothing is
changed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lovense.deciding.linting import Linter
from lovense.menus import drafts
from lovense.menus.lint import ERROR
from lovense.models import Performer


class Command(BaseCommand):
    help = (
        "Lists what the lint finds in a performer's draft; fails where it could not be published."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("performer_id", help="24 hex digits")

    def handle(self, *args: Any, **options: Any) -> None:
        whose = options["performer_id"]
        if not Performer.objects.filter(pk=whose).exists():
            raise CommandError(f"There is no performer {whose}.")
        found = Linter.read(whose).findings(drafts.of(whose))
        for each in found:
            self.stdout.write(f"{each.severity:8}{each.code:16}{each.amount:>8}  {each.text}")
        self.stdout.write(f"{len(found)} found")
        if any(each.severity == ERROR for each in found):
            raise CommandError("It cannot be published.")
