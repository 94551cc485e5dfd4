"""The process that holds the pen, as another web process sees it: calls are handed on to it, and so
are the plain ends that pages report; it says what starts on the pages of this process.

Everything here may be lost. A call that is not answered goes into the inbox, under its keys, as if
there were nobody to hand it to; an end that is not answered is written into its row."""

import asyncio
import time
from collections.abc import Collection, Iterable
from itertools import count
from typing import Any

from config.peers import frames
from config.peers.frames import Frame
from config.peers.post import FROM, Post, one_by_one
from ground.hops.groupcommit import Overloaded
from ground.inbox.inbox import Acceptance, Call
from lovense.sending.acknowledgement import Ack
from lovense.sending.writer import Holding
from tips.intake.payloads import Order

FRESH_SECONDS = 1.5
"""After so long a silence it is not believed to be there."""
ANSWER_SECONDS = 5.0
"""So long its answer is waited for."""
MOST_ASKED = 20_000
MOST_OVER = 50_000  # activations remembered, whose rows may be behind
ENDS_SECONDS = 10.0  # after so long an end that it has taken is in its row
ALL_PAGES_TICKS = 10  # so often the whole list of pages is said again
OVERLOADED, AWAY = "overloaded", "away"
OUTCOMES = {outcome.value: outcome for outcome in Acceptance}


def said(page: Holding) -> tuple[str, str, int]:
    return page.performer_id, page.channel, page.lease


class Upstream:
    """`holder` is its name, empty where there is none, or where it is this process itself."""

    def __init__(self, post: Post) -> None:
        self.holder = ""
        self._post = post
        self._is_ready = False
        self._heard_at = 0.0
        self._ticks = 0
        self._numbers = count(1)
        self._asked: dict[int, tuple[float, asyncio.Future[Any]]] = {}
        self._over: dict[str, None] = {}
        self._ends: dict[str, tuple[float, str, Ack]] = {}  # when it was taken, and by whom

    @property
    def is_up(self) -> bool:
        return self._is_ready and time.monotonic() - self._heard_at < FRESH_SECONDS

    # --- what it is asked ------------------------------------------------------------------------

    async def accept(self, call: Call, order: Order | None) -> Acceptance | None:
        """What became of the call; None where that is not known, or nothing."""
        if len(self._asked) >= MOST_ASKED:
            raise Overloaded
        answer = await self._ask("calls", frames.packed_call(call, order))
        if answer == OVERLOADED:
            raise Overloaded
        return OUTCOMES.get(answer)

    async def finished(self, ack: Ack) -> bool:
        """Whether it takes this for the plain end of what runs on a page of ours."""
        if not (self.is_up and ack.is_plain_end):
            return False
        holder = self.holder  # another one may be followed by the time of its answer
        is_taken = await self._ask("acks", frames.packed_ack(ack)) is True
        if is_taken:
            self._remember(ack, holder)
        return is_taken

    async def caught_up(self) -> bool:
        """Whether its rows are the last word now."""
        return self.is_up and await self._ask("rests") is True

    async def _ask(self, kind: str, *about: Any) -> Any:
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._asked[number] = time.monotonic(), answer
        self._post.say(self.holder, kind, [number, *about])
        return await answer

    def _remember(self, ack: Ack, holder: str) -> None:
        self._ends[ack.activation_id] = time.monotonic(), holder, ack
        self._over[ack.activation_id] = None
        if len(self._over) > MOST_OVER:
            self._over = dict.fromkeys(list(self._over)[MOST_OVER // 2 :])

    def is_over(self, activation_id: str) -> bool:
        return activation_id in self._over

    def ends(self) -> list[Ack]:
        """What it has taken and, were it gone now, may have told nobody."""
        return [ack for _, _, ack in self._ends.values()]

    @property
    def has_orphans(self) -> bool:
        """Whether somebody has taken ends who may be gone: however soon the next holder is heard,
        it knows nothing of these."""
        return any(not self.is_up or by != self.holder for _, by, _ in self._ends.values())

    def are_written(self, ends: Iterable[Ack]) -> None:
        for ack in ends:
            self._ends.pop(ack.activation_id, None)

    def _forget_old_ends(self) -> None:
        before = time.monotonic() - ENDS_SECONDS
        its = [(at, ack) for at, by, ack in self._ends.values() if by == self.holder]
        self.are_written([ack for at, ack in its if at < before])

    # --- what it is told -------------------------------------------------------------------------

    def attached(self, page: Holding) -> None:
        self._say("attached", said(page))

    def detached(self, performer_id: str, channel: str) -> None:
        self._say("detached", (performer_id, channel))

    def changed(self, performer_ids: Collection[str]) -> None:
        """The rows of these lanes."""
        self._say("changed", *performer_ids)

    def _say(self, kind: str, *items: Any) -> None:
        if self.holder:
            self._post.say(self.holder, kind, *items)

    # --- whether it is there ---------------------------------------------------------------------

    def follow(self, holder: str) -> bool:
        """With the name of whoever holds the pen; whether that is another one now."""
        if holder == self.holder:
            return False
        self.lost()
        self.holder = holder
        self._over.clear()
        return True

    def tick(self, pages: Iterable[Holding]) -> None:
        """Twice a second."""
        self._give_up_old()
        if self.is_up:
            self._forget_old_ends()
        if self._ticks % ALL_PAGES_TICKS == 0:
            self._say("pages", [said(page) for page in pages if page.may_run()])
        else:
            self._say("here", 1)
        self._ticks += 1

    def _give_up_old(self) -> None:
        if not self.is_up:
            self.lost()
        before = time.monotonic() - ANSWER_SECONDS
        for number in [number for number, (at, _) in self._asked.items() if at < before]:
            self._answered(number, None)

    def lost(self) -> None:
        """Whoever waits for an answer does without, and it is told all again."""
        self._is_ready, self._ticks = False, 0
        for number in list(self._asked):
            self._answered(number, None)

    def hear(self, frame: Frame) -> None:
        if frame[FROM][0] != self.holder:
            return
        self._heard_at = time.monotonic()
        one_by_one(frame.get("answers", ()), lambda said: self._answered(*said))
        one_by_one(frame.get("beat", ()), self._beaten)
        if "who" in frame:
            self.lost()

    def _beaten(self, said: Any) -> None:
        if self._is_ready and not said:
            self.lost()
        self._is_ready = bool(said)

    def _answered(self, number: int, answer: Any) -> None:
        _, waiting = self._asked.pop(number, (0.0, None))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
