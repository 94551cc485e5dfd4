"""`manage.py demo`: a thin door to `config.demo`, which must learn where the databases are before
Django reads its settings."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.demo.options import DESCRIPTION, add_arguments
from config.stack.processes import BASE_DIR, PYTHON


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = ["--port", str(options["port"]), "--speed", str(options["speed"])]
        chosen += [f"--{name}" for name in ("once", "keep") if options[name]]
        chosen += ["--days", str(options["days"])]
        chosen += ["--state", options["state"]] if options["state"] else []
        chosen += ["--data", str(options["data"])] if options["data"] else []
        os.chdir(BASE_DIR)
        os.execv(PYTHON, [PYTHON, "-m", "config.demo", *chosen])
