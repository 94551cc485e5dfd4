"""`manage.py set_platform KEY VALUE`: one platform setting, with what it was before. Rings for what
may start or end now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ground import clock
from lovense.deciding import platform
from lovense.lane import controls


class Command(BaseCommand):
    help = f"Sets one of: {', '.join(platform.SETTINGS)}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key")
        parser.add_argument("value")
        parser.add_argument("--by", default="operator", help="your account, for the audit log")
        parser.add_argument("--why", default="", help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = {"by": options["by"], "why": options["why"], "now": clock.now()}
            made = controls.set_platform(key=options["key"], value=options["value"], **told)
        except (platform.UnknownSetting, platform.InvalidSetting) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{made.key}: {_shown(made.before)} -> {_shown(made.after)}")


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'
