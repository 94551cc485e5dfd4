"""What a round becomes: one entry, durable or refused, and whoever is told of it.

Nobody is answered and nothing is sent before the entry is durable. One that is refused leaves
nothing behind: its calls wait for the next round, or go the careful way. This stands apart because
it is the one moment at which something has happened."""

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from config.peers.others import Others
from config.peers.post import Post
from config.pen.arrivals import Arrivals
from config.pen.memory import LiveMemory
from config.pen.roof import Messages, Roof, on
from config.pen.round import Round
from config.pen.rows import Rows
from ground import clock
from ground.inbox.inbox import Acceptance
from ground.journal import journal
from ground.journal.journal import Entry, KeyTaken
from ground.journal.writing import EntryWriter
from lovense.lane import live, projection
from lovense.lane.live import LaneStart
from lovense.sending import groups
from tips.settlement import projection as tips_projection
from tips.settlement import rounds

log = logging.getLogger(__name__)


class Entries:
    """Whoever has them closes them."""

    def __init__(
        self,
        pen: Roof,
        arrivals: Arrivals,
        memory: LiveMemory,
        rows: Rows,
        *,
        post: Post,
        others: Others,
    ) -> None:
        self._pen, self._arrivals, self._memory, self._rows = pen, arrivals, memory, rows
        self._post, self._others = post, others
        self._writer = EntryWriter(pen.threads.writer)

    def close(self) -> None:
        self._writer.close()

    def begin(self, made: Round) -> "asyncio.Task[None]":
        """Its entry is on its way. Raises NumberTaken or KeyTaken where it is refused, else what
        the database raises: then it is not known whether it is durable."""
        made.document = self._document(made)
        return asyncio.create_task(self._writer.append(made.document))

    def _document(self, made: Round) -> dict[str, Any]:
        rules, rows = self._memory.lanes.rules, self._rows
        ends = rows.ends[rows.carried_here :]
        made.carries = rows.ends_kept + len(rows.ends)
        return {
            "_id": self._memory.number + 1,
            "by": self._pen.holder,
            "at": clock.now(),
            **rounds.written(made.tips),
            **live.written(made.starts, made.mark),
            **({"ends": [projection.end(ack) for ack in ends]} if ends else {}),
            **(
                {projection.PACED: rules.paced(start.row["performer_id"] for start in made.starts)}
                if rules
                else {}
            ),
        }

    async def begin_again(self, made: Round, refused: Exception) -> None:
        """Nothing of this round happened. Who repeats something goes the careful way, the others
        are worked out anew."""
        log.info("round_refused", extra={"error_code": type(refused).__name__})
        known: set[str] = set()
        if isinstance(refused, KeyTaken):
            known = await on(self._pen.threads.reader, partial(journal.known, made.keys))
        for arrival in reversed(made.arrivals):
            if any(key in known for key in arrival.call.keys):
                self._arrivals.remember(arrival.call.keys)
                self._arrivals.hand_over([arrival])
            else:
                self._arrivals.cold.appendleft(arrival)
        made.arrivals = []
        self._memory.forget()
        await self._memory.read_again()
        self._pen.awake.set()

    def tell(self, made: Round) -> None:
        """It is durable: whatever fails from here on, its callers hear of it."""
        arrivals, memory, rows = self._arrivals, self._memory, self._rows
        memory.number, rows.carried = made.document["_id"], made.carries
        rows.behind.append(Entry(made.document, {tips_projection.SETTLED: made.tips}))
        rows.soon.set()
        arrivals.remember(made.keys)
        memory.free.update(start.row["performer_id"] for start in made.starts if start.text is None)
        commands = self._others.deliver(_commands(made.starts))
        self._post.flush()  # theirs have the longer way
        for arrival in made.arrivals:
            arrivals.release(arrival)
            arrival.answered(Acceptance.NEW)
        made.arrivals = []
        self._pen.deliver(commands)


def _commands(starts: Iterable[LaneStart]) -> Messages:
    return [
        (start.page.channel, groups.activate(start.row, start.text, start.page.lease))
        for start in starts
        if start.text is not None
    ]
