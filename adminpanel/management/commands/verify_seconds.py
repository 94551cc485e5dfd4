"""`manage.py verify_seconds`: the same as `prove seconds`, under the name that programs know."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from adminpanel.watch import provers


class Command(BaseCommand):
    help = (
        "Verifies of every activation that has ended: promised = delivered + owed + requeued + "
        "waived; prints those of which it is not so."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(provers.seconds())
        except provers.NotProven as why:
            self.stdout.writelines(f"{finding}\n" for finding in why.findings[: provers.MOST])
            raise CommandError(str(why), returncode=1) from None
