"""`manage.py verify_draws MENU`: whether what each tip got of a version is what had to be drawn for
it; nothing is changed, and the secret is not shown."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from lovense.deciding import revealing
from lovense.deciding.revealing import CheckedDraw, NoSuchDraws


class Command(BaseCommand):
    help = "Checks every random draw of a version of a menu; fails where one was altered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("menu", help="<performer id>.<version>")

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["menu"]
        try:
            version = revealing.sealed(key)
        except NoSuchDraws as why:
            raise CommandError(f"{key}: {why}") from None
        if not version.is_kept:
            self.stdout.write(f"{key}: the secret is not the one of the commitment")
            raise CommandError("The secret was altered: no draw can be checked.")
        count, wrong = 0, 0
        with tqdm(total=revealing.count(key), unit=" draws", disable=None, leave=False) as bar:
            for each in revealing.all_checked(version):
                bar.update()
                count += 1
                if not each.is_right:
                    wrong += 1
                    self.stdout.write(_line(each))
        self.stdout.write(f"{count} draws of {key} checked, {wrong} altered")
        if wrong:
            raise CommandError("Some draws were altered.")


def _line(draw: CheckedDraw) -> str:
    if draw.random is None:
        return f"{draw.tip}: the version leaves nothing of {draw.item_id!r} to chance"
    told = (
        f"{field} {draw.kept[field]!r}, not {value!r}"
        for field, value in draw.expected.items()
        if draw.kept[field] != value
    )
    return f"{draw.tip}: {draw.title!r} got {'; '.join(told)}"
