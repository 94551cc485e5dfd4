"""One open page of one performer. It holds her devices or it watches.

Whatever it is told goes through its outbox, so nothing here waits for its socket."""

import asyncio
import functools
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

from ground import clock
from ground.hops import doorbell
from ground.journal import journal
from lovense.bridges import choosing
from lovense.deciding import platform
from lovense.performers import preferences
from lovense.performers.identity import Opener
from lovense.rows import Json, LayerMessage
from lovense.sending import groups, handover, pages, resume
from lovense.sending import writer as writers
from lovense.sending.envelope import RELEASE
from lovense.sending.resume import Command
from lovense.sending.writer import Holding
from lovense.sockets import limits
from lovense.sockets.halt import Halt
from lovense.sockets.outbox import Outbox, Peer
from lovense.stopping import halts, stop
from lovense.stopping.presses import Still
from lovense.stopping.stop import StopState

T = TypeVar("T")
FOR_EVER = float("inf")


async def in_thread(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Everything that touches the database; without the context, which asgiref would copy."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, functools.partial(work, *given, **named))


class OpenPage:
    """`lease` is the number of the lease it holds, 0 while it only watches. `is_ours`: no browser
    is behind it, but this server."""

    is_ours = False

    def __init__(
        self,
        opener: Opener,
        *,
        page_id: str,
        channel: str,
        wants_devices: bool,
        outbox: Outbox,
        peer: Peer | None,
        wants_beats: bool = False,
    ) -> None:
        self.opener, self.performer_id = opener, opener.performer_id
        self.page_id, self.channel = page_id, channel
        self.wants_devices, self.wants_beats = wants_devices, wants_beats
        self.outbox = outbox
        self.halt = Halt(self.say)
        self.lease = 0
        self.is_leaving = False  # another page wants the devices that it holds
        self.is_standing_by = False  # its row says that it may take them
        self.is_told = False  # what was in flight as it took the devices
        # By our own clock: until then no other page can have taken its lease.
        self.held_until = 0.0
        # The activation and attempt last forwarded: each is sent to this page once.
        self.forwarded = ("", 0)
        self._peer = peer
        self._limits: Json = {}  # as it was told them last
        self._still: tuple[int, frozenset[tuple[str, str]]] = (
            0,
            frozenset(),
        )  # what it said last of a stop

    @property
    def is_heard(self) -> bool:
        """It has given a sign of life lately, and may hold devices."""
        heard_at = FOR_EVER if self._peer is None else self._peer.heard_at
        return asyncio.get_running_loop().time() - heard_at <= pages.HEARD_SECONDS

    @property
    def is_holder(self) -> bool:
        return self.lease > 0

    @property
    def may_run(self) -> bool:
        """It holds the devices for certain, also if this process has just stood still, and goes
        on holding them."""
        is_certain = self.is_holder and time.monotonic() < self.held_until
        return is_certain and not self.is_leaving

    # --- the lease -------------------------------------------------------------------------------

    async def try_to_hold(self, *, has_returned: bool) -> bool:
        """Takes the lease if it is free, and hers is a path that runs in such a page; the holder
        gets a snapshot and then, again, what is in flight."""
        if not self.is_ours and not await in_thread(choosing.runs_in_pages, self.performer_id):
            return False
        asked_at = time.monotonic()
        me = {"page_id": self.page_id, "channel": self.channel, "slot": settings.STACK_SLOT}
        self.lease = await in_thread(
            pages.take,
            self.performer_id,
            **me,
            now=clock.now(),
            has_returned=has_returned,
            is_server=self.is_ours,
        )
        if self.outbox.is_closed:  # it has gone meanwhile
            await self.release()
        if not self.lease:
            return False
        self.renewed(asked_at)
        self.is_told = self.is_standing_by = False
        await self.snapshot()
        await in_thread(journal.catch_up)  # what is in flight may have no row yet
        await writers.writer.catch_up()
        given = {"now": clock.now(), "lease": self.lease}
        for command in await in_thread(resume.resume, self.performer_id, **given):
            self.tell(command)
        self.is_told = True
        writers.writer.attach(self.holding)
        await in_thread(doorbell.ring, "lovense.dispatch")
        groups.news.mark([self.performer_id], "devices")
        return True

    @property
    def holding(self) -> Holding:
        may_run = functools.partial(self._may_run_under, self.lease)
        return Holding(self.performer_id, self.channel, self.lease, may_run)

    def _may_run_under(self, lease: int) -> bool:
        return self.lease == lease and self.may_run and not self.halt.is_pressed

    def renewed(self, asked_at: float) -> None:
        self.held_until = asked_at + pages.LEASE_SECONDS
        self.is_leaving = False

    async def release(self, *, is_still: bool = False) -> None:
        """It holds nothing, and does not stand by. `is_still`: it has said so of its toys."""
        if self.is_holder:
            self.lost()
            who = {"channel": self.channel, "now": clock.now(), "is_still": is_still}
            await in_thread(pages.release, self.performer_id, **who)
            groups.news.mark([self.performer_id], "devices")
        elif self.is_standing_by:
            self.is_standing_by = False
            await in_thread(handover.stand_down, self.performer_id, channel=self.channel)

    def lost(self) -> None:
        """It only watches from now on."""
        self.lease, self.is_leaving = 0, False
        writers.writer.detach(self.performer_id, self.channel)

    # --- another page wants them -----------------------------------------------------------------

    async def stand_by(self) -> None:
        """It may take the devices from the page that holds them."""
        if self.wants_devices and not self.is_holder and not self.is_standing_by:
            me = {"page_id": self.page_id, "channel": self.channel}
            stands = await in_thread(handover.stand_by, self.performer_id, **me)
            self.is_standing_by = stands and not self.outbox.is_closed
            if stands and self.outbox.is_closed:  # it has gone meanwhile
                await in_thread(handover.stand_down, self.performer_id, channel=self.channel)

    def leave(self) -> None:
        """Its toys first, then it lets go; said again until it has. Nothing is handed over to it
        meanwhile."""
        self.is_leaving = True
        self.say({"type": RELEASE, "lease": self.lease})

    async def let_go(self, lease: int) -> None:
        """Its toys are still."""
        if lease and lease == self.lease:
            await self.release(is_still=True)
            await self.snapshot()
            await in_thread(handover.call, self.performer_id, now=clock.now())

    # --- what it is told -------------------------------------------------------------------------

    async def snapshot(self) -> None:
        state = await in_thread(stop.state_of, self.performer_id)
        told = await in_thread(platform.for_pages)
        told |= await in_thread(preferences.for_page, self.performer_id)
        self._limits = (await in_thread(limits.among, [self.performer_id]))[self.performer_id]
        told |= self._limits
        holds = {"holder": self.is_holder, "lease": self.lease}
        stops = {"stopEpoch": state.epoch, "isStopped": state.stopped_at is not None}
        self.say({"type": "snapshot", "performerId": self.performer_id, **holds, **stops, **told})
        self.hear_of_stop(state)  # it may have played on while it had no socket

    def limit(self, found: Json) -> None:
        """The caps that bind now, where it was told others; before its snapshot it needs none."""
        if self._limits and found != self._limits:
            self._limits = found
            self.say({"type": "limits", **found})

    def hear_of_stop(self, state: StopState) -> None:
        """As it stands in her row."""
        if state.stopped_at is not None:
            self.halt.stopped(halts.milliseconds(state.stopped_at), state.epoch)
        self.halt.heard_of(state.epoch)

    def tell(self, command: Command, *, again: bool = False) -> None:
        """What is in flight: each attempt once, and a stop as often as it is asked for, until the
        page has answered it."""
        if command.is_stop:
            self.outbox.say(command.text)
        elif self.halt.lets_pass(command.epoch):
            self._forward(command.activation_id, command.attempt, command.text, again=again)

    def pass_on(self, message: LayerMessage) -> bool:
        """A message of the channel layer, or of a thread of this process. A command that was made
        for another lease, or comes when this one may be over, is not for this page any more: what
        was in flight is told to the page that holds. False: a stop has kept it from the page."""
        if message["type"] == groups.PAGE_NEWS:
            flows = {"flows": True} if message.get("flows") else {}
            self.say({"type": "news", "topic": message["topic"], **flows})
        elif message["type"] == groups.PAGE_HALT:
            if message["by"] != halts.ME:
                self.halt.hear(message["at"], message["epoch"])
        elif message["type"] == groups.PAGE_STOP:
            self.outbox.say(message["text"])
        elif message["type"] == groups.PAGE_TAKE:
            return True  # the row is looked at, see `lovense/sockets/process.py`
        elif message["lease"] == self.lease and self.may_run:
            if not self.halt.lets_pass(message["epoch"]):
                return False
            self._forward(message["id"], message["attempt"], message["text"])
        return True

    def is_new(self, said: Still) -> bool:
        """It has not just said that the same toys were still after the same stop."""
        told = said.epoch, frozenset((toy.toy_id, toy.answer) for toy in said.toys)
        is_new, self._still = told != self._still, told
        return is_new

    def _forward(self, activation_id: str, attempt: int, text: str, *, again: bool = False) -> None:
        if again or (activation_id, attempt) != self.forwarded:
            self.forwarded = (activation_id, attempt)
            self.outbox.say(text)

    def say(self, message: Json) -> None:
        self.outbox.say(json.dumps(message))
