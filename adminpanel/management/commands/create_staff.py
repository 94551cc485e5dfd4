"""`manage.py create_staff`: a staff account with a role and a token, printed as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from adminpanel import staff
from adminpanel.people import members
from adminpanel.people.deeds import Deed
from ground import clock
from ground.people import Role


class Command(BaseCommand):
    help = "Creates a staff account; a repeat prints the same and sets the role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument(
            "--password", default="", help="without one the account cannot log in; its token works"
        )
        parser.add_argument("--by", default="operator", help="your account, for the audit log")
        parser.add_argument("--why", default="", help="a reason, for the audit log; name nobody")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = members.enrol_at_shell(
                username=options["username"],
                role=Role(options["role"]),
                password=options["password"],
                deed=Deed("", options["by"], options["why"], clock.now()),
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except staff.NotStaff as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps({"username": made.user.username, "token": made.token}))
