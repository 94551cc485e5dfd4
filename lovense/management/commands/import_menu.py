"""`manage.py import_menu FILE --performer ID [--dry-run]`: a menu from a file becomes a performer's
draft; nothing is published."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ground import clock
from ground.json import fields
from ground.json.errors import Refusal
from lovense.devices import naming
from lovense.menus import drafts, sheet, textmenu, transfer
from lovense.menus.drafts import Writing
from lovense.menus.matching import Item
from lovense.menus.report import REFUSED, ImportedLine, items_of
from lovense.models import Performer

LARGEST = 2 * 2**20  # bytes


class Command(BaseCommand):
    help = "Makes a menu file (.json, .csv, or text) a performer's draft. It is not published."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--performer", required=True, help="24 hex digits")
        parser.add_argument("--dry-run", action="store_true", help="only say what it would be")
        parser.add_argument("--by", default="operator", help="your account, for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        whose, file = options["performer"], options["file"]
        if not Performer.objects.filter(pk=whose).exists():
            raise CommandError(f"There is no performer {whose}.")
        try:
            items = self._read(file, whose)
            if not options["dry_run"]:
                seen = drafts.of(whose).revision
                drafts.replace(Writing(whose, seen, options["by"], clock.now()), items)
        except Refusal as wrong:
            raise CommandError(str(wrong)) from None
        done = "would be" if options["dry_run"] else "are"
        self.stdout.write(f"{len(items)} items {done} in the draft")

    def _read(self, file: Path, whose: str) -> list[Item]:
        if not file.is_file() or file.stat().st_size > LARGEST:
            raise CommandError(f"{file} is no file of at most {LARGEST} bytes.")
        kind, raw, toys = file.suffix.lower(), file.read_bytes(), naming.of(whose)
        if kind == ".json":
            return transfer.read(fields.read(raw), toys)
        text = sheet.decoded(raw)
        lines = sheet.read(text, toys) if kind == ".csv" else textmenu.read(text)
        self._report(lines)
        if not (items := items_of(lines)):
            raise CommandError("Not one line could be taken: nothing was done.")
        return items

    def _report(self, lines: list[ImportedLine]) -> None:
        for each in lines:
            out = self.stderr if each.outcome == REFUSED else self.stdout
            out.write(f"{each.number:>5} {each.outcome:8}{each.said}  {each.why}".rstrip())
