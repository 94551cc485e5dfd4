"""`manage.py create_performer`: a performer's account, record and token, printed as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from ground import clock
from lovense.performers import enrolment


class Command(BaseCommand):
    help = "Creates a performer with her log-in and token; a repeat prints the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--performer-id", required=True, help="24 hex digits, as the platform names her"
        )
        parser.add_argument("--username", required=True)
        parser.add_argument(
            "--password", default="", help="without one she cannot log in; her token works"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = enrolment.enrol(
                performer_id=options["performer_id"].lower(),
                username=options["username"],
                password=options["password"],
                now=clock.now(),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except (
            enrolment.InvalidPerformerId,
            enrolment.UsernameTaken,
            enrolment.PerformerRenamed,
        ) as error:
            raise CommandError(str(error)) from None
        found = {
            "performerId": made.performer.pk,
            "username": options["username"],
            "token": made.token,
        }
        self.stdout.write(json.dumps(found))
