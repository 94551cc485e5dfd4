"""`manage.py find TEXT`: which row a text names, a line each; exit 1 when there is none."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adminpanel import find as rule


class Command(BaseCommand):
    help = "Which row a text names: an id, a reference of a ledger, a name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text")

    def handle(self, *args: Any, **options: Any) -> None:
        found = rule.find(options["text"])
        for hit in found.hits:
            self.stdout.write(f"{hit.kind}: {hit.title} ({hit.words}), {hit.key}")
        if not found.hits:
            tried = ", ".join(dict.fromkeys(found.tried)) or "nothing: no id or name has this shape"
            raise CommandError(f"Not found. Tried as: {tried}.")
