"""`manage.py dead_letters list|show|review|replay`: what was given up, and its way back. Exit 0
done, 1 refused, 2 misused."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from adminpanel.api.schema import group_json, letter_json
from adminpanel.people.deeds import WrongField, reason_of
from ground import clock
from ground.hops import doorbell
from ground.json.errors import Refusal
from lovense.lane import deadletters, decisions
from lovense.lane.deadletters import NotCounted
from lovense.lane.decisions import GroupCountChanged
from lovense.lane.letter import Letter, Resolution

MISUSED = 2
ID_HELP = "a request id or a tip id"
OPERATOR = "operator"  # whom the audit log names, unless --by does


class Many(NamedTuple):
    """What is done to a group, some at a time: how many it was, and how many are left."""

    act: Callable[..., tuple[int, int]]
    count: Callable[..., int]
    words: str
    done: str
    key: str  # of the number in JSON


class Command(BaseCommand):
    help = "Lists, shows, reviews and sends back requests that were given up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser(
            "list", help="the causes, then the letters, those that died last first"
        )
        listing.add_argument("--cause", default="", help="only this one's")
        show = actions.add_parser("show", help="one letter with its whole history")
        review = actions.add_parser(
            "review",
            help="note what was decided about it; or about a group, with the count you were shown",
        )
        review.add_argument(
            "--resolution", required=True, choices=[one.value for one in Resolution]
        )
        review.add_argument("--note", default="", help="why; with --all 3 to 200 characters")
        replay = actions.add_parser(
            "replay", help="send it back into the queue; or a group, with the count you were shown"
        )
        show.add_argument("key", metavar="ID", help=ID_HELP)
        _add_group(review, "all about which nobody has decided")
        _add_group(replay, "all that may be sent back")
        for action in (listing, show, review, replay):
            action.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options)
        except Refusal as why:
            raise CommandError(str(why), returncode=1) from None

    def _list(self, options: dict[str, Any]) -> None:
        found = deadletters.whole_groups()
        groups = [group for group in found if options["cause"] in ("", group.cause)]
        if options["json"]:
            letters = [letter_json(letter) for letter in _all(options["cause"])]
            self._say_json({"groups": [group_json(group) for group in groups], "items": letters})
            return
        for group in groups:
            times = f"{clock.iso(group.oldest)} to {clock.iso(group.newest)}"
            able = "too many to count" if group.replayable is None else group.replayable
            self.stdout.write(f"{group.count} {group.cause}, {able} may be sent back, {times}")
        for letter in _all(options["cause"]):
            self.stdout.write(f"  {_line(letter)}")
        if not groups:
            self.stdout.write("no dead letters")
        if any(group.replayable is None for group in found):
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
        _check_one_or_all(options)
        said = {"resolution": Resolution(options["resolution"]), "by": options["by"]}
        if options["all"]:
            act = partial(decisions.review_group, **said, note=_reason(options["note"]))
            many = Many(act, deadletters.count_unreviewed, "review them", "reviewed", "reviewed")
            self._all(many, options)
            return
        note = options["note"]
        self._tell(decisions.review(options["key"], **said, note=note, now=clock.now()), options)

    def _replay(self, options: dict[str, Any]) -> None:
        _check_one_or_all(options)
        if options["all"]:
            act = partial(_send_some_back, by=options["by"])
            many = Many(act, deadletters.count, "send them back", "sent back", "replayed")
            self._all(many, options)
            return
        letter = decisions.replay(options["key"], by=options["by"], now=clock.now())
        doorbell.ring("lovense.dispatch")
        self._tell(letter, options)

    def _all(self, many: Many, options: dict[str, Any]) -> None:
        cause, expect = options["cause"], options["expect"]
        if expect is None:
            there = many.count(cause=cause)
            raise CommandError(
                f"There are {there}. Say --expect {there} to {many.words}.", returncode=MISUSED
            )
        done, left = self._repeated(many, cause, expect)
        if options["json"]:
            self._say_json({many.key: done, "left": left})
        else:
            died = left - (expect - done)
            meanwhile = f": {died} more died meanwhile" if died > 0 else ""
            self.stdout.write(f"{done} {many.done}, {left} left{meanwhile}")
        if done < expect:
            raise CommandError(
                f"{expect - done} were not {many.done}: somebody else decided about them, or they "
                f"ended after all.",
                returncode=1,
            )

    def _repeated(self, many: Many, cause: str, expect: int) -> tuple[int, int]:
        """Until as many are done as were agreed to, or none of some was."""
        done, left, more = 0, expect, expect
        # disable=None: the bar is drawn on a terminal only
        with tqdm(total=expect, unit=" letters", disable=None, leave=False) as bar:
            said = {"cause": cause, "progress": bar.update}
            while more and left and done < expect:
                try:
                    most = expect - done
                    more, left = many.act(**said, expect=left, most=most, now=clock.now())
                except (GroupCountChanged, NotCounted) as why:
                    raise _stopped(many, done, why) from None
                done += more
        return done, left

    def _tell(self, letter: Letter, options: dict[str, Any]) -> None:
        if options["json"]:
            self._say_json(letter_json(letter))
        else:
            self.stdout.write(_line(letter))

    def _say_json(self, said: Any) -> None:
        self.stdout.write(json.dumps(said, indent=2))


def _add_group(action: ArgumentParser, which: str) -> None:
    action.add_argument("key", metavar="ID", nargs="?", default="", help=ID_HELP)
    action.add_argument("--cause", default="", help="with --all: only this one's")
    action.add_argument("--all", action="store_true", help=which)
    words = "with --all: how many they are; otherwise nothing happens"
    action.add_argument("--expect", type=int, metavar="N", help=words)
    words = "whom the audit log names"
    action.add_argument("--by", default=OPERATOR, metavar="NAME", help=words)


def _check_one_or_all(options: dict[str, Any]) -> None:
    if bool(options["key"]) == options["all"]:
        raise CommandError("Say either an ID or --all.", returncode=MISUSED)


def _reason(said: str) -> str:
    """As a page asks for one."""
    try:
        return reason_of(said)
    except WrongField as why:
        raise CommandError(f"--note: {why}", returncode=MISUSED) from None


def _send_some_back(**said: Any) -> tuple[int, int]:
    found = decisions.replay_group(**said)
    doorbell.ring("lovense.dispatch")
    return found


def _stopped(many: Many, done: int, why: GroupCountChanged | NotCounted) -> CommandError:
    if not done:
        return CommandError(str(why), returncode=1)
    left = "those that are left are too many to be counted in time"
    if isinstance(why, GroupCountChanged):
        left = f"then others died or were decided about: {why.actual} are left"
    return CommandError(f"{done} were {many.done}; {left}.", returncode=1)


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
