"""`manage.py stack`: a thin door to `config.stack`, which must not carry Django's weight or need a
database."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.stack.options import DESCRIPTION, add_arguments
from config.stack.processes import BASE_DIR, PYTHON


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        data = options["data"]
        chosen = ["--port", str(options["port"]), "--web", str(options["web"])]
        chosen += ["--workers", str(options["workers"]), "--beat", options["beat"]]
        chosen += [f"--{name}" for name in ("ephemeral", "vendor") if options[name]]
        chosen += ["--data", str(data.resolve())] if data else []
        os.chdir(BASE_DIR)
        os.execv(PYTHON, [PYTHON, "-m", "config.stack", *chosen])
