"""`manage.py remove_second_factor`: for an admin who has lost phone and recovery codes, where no
other admin is left to do it on the page."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from adminpanel.people import secondfactor
from adminpanel.people.deeds import Deed
from adminpanel.people.secondfactor import NotSetUp
from ground import clock


class Command(BaseCommand):
    help = "Takes the second factor of a staff account away; she sets up a new one at her log-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--by", default="operator", help="your account, for the audit log")
        parser.add_argument("--why", default="", help="for the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_staff=True).first()
        factor = secondfactor.of(str(user.pk)) if user else None
        if user is None or factor is None:
            raise CommandError(f"No account of staff {options['username']!r} has a second factor.")
        deed = Deed("", options["by"], options["why"], clock.now())
        try:
            secondfactor.remove(user, salt=factor.salt, deed=deed)
        except NotSetUp as why:
            raise CommandError(str(why)) from None
        self.stdout.write(f"{user.get_username()} has no second factor any more.")
