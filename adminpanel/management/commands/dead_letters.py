"""`manage.py dead_letters list|show|review|replay`: what was given up, and its way back. Exit 0
done, 1 refused, 2 misused."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from adminpanel.api.schema import group_json, letter_json
from ground import clock
from ground.hops import doorbell
from ground.json.errors import Refusal
from lovense.lane import deadletters, decisions
from lovense.lane.decisions import GroupCountChanged
from lovense.lane.letter import Letter, Resolution

MISUSED = 2
OPERATOR = "operator"  # whom the audit log names, unless --by does


class Command(BaseCommand):
    help = "Lists, shows, reviews and sends back requests that were given up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser(
            "list", help="the causes, then the letters, those that died last first"
        )
        listing.add_argument("--cause", default="", help="only this one's")
        show = actions.add_parser("show", help="one letter with its whole history")
        review = actions.add_parser("review", help="note what was decided about it")
        review.add_argument(
            "--resolution", required=True, choices=[one.value for one in Resolution]
        )
        review.add_argument("--note", default="")
        replay = actions.add_parser(
            "replay", help="send it back into the queue; or a group, with the count you were shown"
        )
        for action in (show, review):
            action.add_argument("key", metavar="ID", help="a request id or a tip id")
        replay.add_argument(
            "key", metavar="ID", nargs="?", default="", help="a request id or a tip id"
        )
        replay.add_argument("--cause", default="", help="with --all: only this one's")
        replay.add_argument("--all", action="store_true", help="all that may be sent back")
        replay.add_argument(
            "--expect",
            type=int,
            metavar="N",
            help="with --all: how many they are; otherwise nothing happens",
        )
        for action in (listing, show, review, replay):
            action.add_argument("--json", action="store_true", help="for programs")
        for action in (review, replay):
            action.add_argument(
                "--by", default=OPERATOR, metavar="NAME", help="whom the audit log names"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except Refusal as why:
            raise CommandError(str(why), returncode=1) from None

    def _list(self, options: dict[str, Any]) -> None:
        found = deadletters.groups()
        groups = [group for group in found if options["cause"] in ("", group.cause)]
        if options["json"]:
            letters = [letter_json(letter) for letter in _all(options["cause"])]
            self._say_json({"groups": [group_json(group) for group in groups], "items": letters})
            return
        for group in groups:
            times = f"{clock.iso(group.oldest)} to {clock.iso(group.newest)}"
            self.stdout.write(
                f"{group.count} {group.cause}, {group.replayable} may be sent back, {times}"
            )
        for letter in _all(options["cause"]):
            self.stdout.write(f"  {_line(letter)}")
        if not groups:
            self.stdout.write("no dead letters")
        if deadletters.are_cut(found):
            self.stdout.write(f"groups of the {deadletters.LOOKED_AT} that died last")

    def _show(self, options: dict[str, Any]) -> None:
        letter = deadletters.find(options["key"])
        if options["json"]:
            self._say_json(letter_json(letter))
            return
        self.stdout.write(_line(letter))
        for told in letter.history:
            self.stdout.write(f"  {clock.iso(told.at)} {told.text}")
        for gate in letter.gates:
            self.stdout.write(
                f"  gate {gate['gate']}: {'passed' if gate['passed'] else 'said no'}, saw "
                f"{gate['saw']}"
            )
        if letter.refusal:
            self.stdout.write(f"  {letter.refusal}")

    def _review(self, options: dict[str, Any]) -> None:
        decided = {
            "resolution": Resolution(options["resolution"]),
            "note": options["note"],
            "by": options["by"],
        }
        self._tell(decisions.review(options["key"], **decided, now=clock.now()), options)

    def _replay(self, options: dict[str, Any]) -> None:
        if bool(options["key"]) == options["all"]:
            raise CommandError("Say either an ID or --all.", returncode=MISUSED)
        if options["all"]:
            self._replay_all(options)
            return
        letter = decisions.replay(options["key"], by=options["by"], now=clock.now())
        doorbell.ring("lovense.dispatch")
        self._tell(letter, options)

    def _replay_all(self, options: dict[str, Any]) -> None:
        cause, expect = options["cause"], options["expect"]
        if expect is None:
            there = deadletters.count(cause=cause)
            raise CommandError(
                f"There are {there}. Say --expect {there} to send them back.", returncode=MISUSED
            )
        gone, left = 0, expect
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=expect, unit=" letters", disable=None, leave=False) as bar:
            while gone < expect and left:
                try:
                    more, left = self._some(cause, left, options["by"], bar)
                except GroupCountChanged as changed:
                    raise self._stopped(gone, changed) from None
                gone += more
        if options["json"]:
            self._say_json({"replayed": gone, "left": left})
        else:
            self.stdout.write(f"{gone} sent back, {left} left")
        if gone < expect:
            raise CommandError(
                f"{expect - gone} did not go back: somebody else decided about them.", returncode=1
            )

    def _some(self, cause: str, expect: int, by: str, bar: Any) -> tuple[int, int]:
        found = decisions.replay_group(
            cause=cause, expect=expect, by=by, now=clock.now(), progress=bar.update
        )
        doorbell.ring("lovense.dispatch")
        return found

    def _stopped(self, gone: int, changed: GroupCountChanged) -> CommandError:
        words = (
            f"{gone} were sent back; then others died or were decided about: {changed.actual} are "
            f"left."
            if gone
            else changed
        )
        return CommandError(str(words), returncode=1)

    def _tell(self, letter: Letter, options: dict[str, Any]) -> None:
        if options["json"]:
            self._say_json(letter_json(letter))
        else:
            self.stdout.write(_line(letter))

    def _say_json(self, said: Any) -> None:
        self.stdout.write(json.dumps(said, indent=2))


def _all(cause: str) -> Iterator[Letter]:
    after = ""
    while True:
        letters, after = deadletters.slice_of(cause=cause, after=after)
        yield from letters
        if not after:
            return


def _line(letter: Letter) -> str:
    what = f"tip {letter.tip_id}" if letter.tip_id else letter.request["type"]
    review = (
        f", reviewed as {letter.review['resolution']} by {letter.review['by']}"
        if letter.review
        else ""
    )
    cause = f" ({letter.cause})" if letter.cause else ""
    return f"{letter.request_id} {letter.status}{cause}: {what}, {letter.amount} tokens{review}"
