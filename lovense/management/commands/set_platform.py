"""`manage.py set_platform KEY VALUE`: one platform setting, with what it was before."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lovense import platform


class Command(BaseCommand):
    help = f"Sets one of: {', '.join(platform.SETTINGS)}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key")
        parser.add_argument("value")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = platform.change(key=options["key"], value=options["value"])
        except (platform.UnknownSetting, platform.InvalidSetting) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.key}: {str(made.before).lower()} -> {str(made.after).lower()}")
