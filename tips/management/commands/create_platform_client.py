"""`manage.py create_platform_client NAME`: prints the token for `POST /api/tips`, and nothing
else."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tips.intake import platforms


class Command(BaseCommand):
    help = "Creates a platform's account and prints its token; a repeat prints the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(platforms.enrol(name=options["name"]))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except platforms.NotAPlatform as error:
            raise CommandError(str(error)) from None
