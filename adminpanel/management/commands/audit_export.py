"""`manage.py audit_export [--q QUERY] [--format csv|jsonl] [--output FILE]`: the audit log as a
file. Exit 0 done, 2 misused."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from adminpanel.asking.grammar import NotUnderstood
from adminpanel.lists import audit, export
from ground import clock
from ground.people import Role

MISUSED = 2
OPERATOR = "operator"  # whom the audit log names, unless --by does


class Command(BaseCommand):
    help = "Writes the audit log, or what a query finds in it, and records that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--q", default="", help="as /staff/audit takes it; the last 90 days")
        forms = [form.value for form in export.Form]
        parser.add_argument("--format", default=export.Form.JSONL.value, choices=forms)
        parser.add_argument("--output", type=Path, help="a new file; else it is printed")
        parser.add_argument("--by", default=OPERATOR, help="whom the audit log names")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = export.Export(
            records=audit.RECORDS,
            query=options["q"],
            form=export.Form(options["format"]),
            by=options["by"],
            role=Role.ADMIN,
            now=clock.now(),
        )
        to: Path | None = options["output"]
        if to and to.exists():
            raise CommandError(f"{to} is there already.", returncode=MISUSED)
        try:
            lines = export.lines(asked)
        except NotUnderstood as wrong:
            raise CommandError(str(wrong), returncode=MISUSED) from None
        self._write(lines, to)

    def _write(self, lines: Iterator[str], to: Path | None) -> None:
        opened = to.open("x", encoding="utf-8", newline="") if to else nullcontext(self.stdout)
        with opened as file:
            for part in tqdm(lines, unit="k rows", disable=not sys.stderr.isatty()):
                file.write(part.removesuffix("\n") if to is None else part)
