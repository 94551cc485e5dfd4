"""A past of any size: settled and played tips, and tips that wait, as the system itself would have
left them.

Written in bulk: entries of the journal, worked out by the pen's own rules and unfolded by its own
sections, so that books, log, queue and activations agree. Nobody else may write meanwhile."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench import messages

if TYPE_CHECKING:
    from ground.journal.journal import Entry
    from tips.settlement.rounds import Settled

ONLINE = 50  # the performers whose pages the load opens: nothing waits for them
TIPS_PER_ENTRY, ENTRIES_AT_ONCE = 200, 10
AGE = timedelta(days=60)  # of the first tip; the archive takes nothing yet
SAMPLES, SAMPLE = 20, 500  # parts of the log that are verified, and their rows
TIP_IDS = 0x5EED << 80

Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Size:
    tips: int  # settled and played
    performers: int
    waiting: int

    def __post_init__(self) -> None:
        if self.tips < 1 or self.waiting < 0:
            raise ValueError("at least one tip was played, and none or more wait")
        if self.performers <= ONLINE:
            raise ValueError(f"more than {ONLINE} performers: only the others' tips may wait")


def write(size: Size, *, now: datetime, progress: Progress) -> None:
    from config import benchmark
    from ground.journal import journal, trimming

    benchmark.prepare(performers=size.performers, viewers=messages.VIEWERS, now=now)
    journal.catch_up()
    past = _Past(size.performers)
    for entries in past.written(size, now):
        _keep(entries)
        progress(sum(len(entry.document["events"]) for entry in entries))
    _catch_up_with_the_log(now)
    while trimming.trim(now=now):
        pass


def _keep(entries: "list[Entry]") -> None:
    from ground.journal import journal
    from ground.journal.models import JournalEntry
    from ground.mongodb.collections import collection

    collection(JournalEntry).insert_many([entry.document for entry in entries])
    journal.unfold(entries)


def _catch_up_with_the_log(now: datetime) -> None:
    """Consumers have heard of it all, and every day has its head: nothing of it is still to do."""
    from ground.mongodb.collections import collection
    from tips.log import daily_heads, emission, eventlog
    from tips.models import EventConsumer

    standing = {"position": eventlog.length(), "errors": [], "retry_at": None, "updated_at": now}
    for name in emission.CONSUMERS:
        collection(EventConsumer).update_one({"_id": name}, {"$set": standing}, upsert=True)
    daily_heads.keep(now=now)


class _Past:
    def __init__(self, performers: int) -> None:
        from ground.journal import journal
        from ledger.books import posting
        from ledger.books.memory import Books
        from lovense.deciding.rules import Rules
        from tips.log import eventlog
        from tips.settlement import record
        from tips.settlement.rounds import Head

        self._ids = [messages.performer_id(number) for number in range(performers)]
        self._viewers = [messages.viewer_id(number) for number in range(messages.VIEWERS)]
        pairs = [(viewer, self._ids[0]) for viewer in self._viewers]
        pairs += [(self._viewers[0], performer) for performer in self._ids]
        self._books = Books()
        self._books.learn(
            posting.states({name for pair in pairs for name in record.accounts_of(*pair)})
        )
        self._rules: Rules = Rules.read(self._ids)
        end = eventlog.head()
        self._head = Head(end["sequence"], end["digest"])
        self._number = journal.last()

    def written(self, size: Size, now: datetime) -> "Iterator[list[Entry]]":
        """The played ones, the oldest first; then those that wait."""
        entries = []
        total = size.tips + size.waiting
        bounds = [*range(0, size.tips, TIPS_PER_ENTRY), *range(size.tips, total, TIPS_PER_ENTRY)]
        for start in bounds:
            is_played = start < size.tips
            stop = min(start + TIPS_PER_ENTRY, size.tips if is_played else total)
            at = now - AGE * (1 - start / size.tips) if is_played else now
            entries.append(self._entry(range(start, stop), _whole(at), is_played=is_played))
            if len(entries) == ENTRIES_AT_ONCE:
                yield entries
                entries = []
        if entries:
            yield entries

    def _entry(self, numbers: range, at: datetime, *, is_played: bool) -> "Entry":
        from ground.journal.journal import Entry
        from tips.settlement import projection, rounds

        tips = [self._settled(number, at, is_played=is_played) for number in numbers]
        self._number += 1
        document = {"_id": self._number, "by": "past", "at": at, **rounds.written(tips)}
        if is_played:
            document |= self._played(tips, at)
        return Entry(document, {projection.SETTLED: tips})

    def _settled(self, number: int, at: datetime, *, is_played: bool) -> "Settled":
        from ground import clock
        from ledger.books import posting
        from tips.intake import payloads
        from tips.settlement import rounds

        offline = len(self._ids) - ONLINE
        lane = number % len(self._ids) if is_played else ONLINE + number % offline
        body = messages.tip_succeeded(
            tip_id=f"{TIP_IDS + number:024x}",
            number=number,
            performer=self._ids[lane],
            happened_at=clock.iso(at),
        )
        message = payloads.parse(body)
        call = payloads.as_call(
            payloads.PAYMENTS, f"past_{number}", body, message, position=number, received_at=at
        )

        def move(group: Any, moment: datetime) -> Any:
            row = self._books.move(group, now=moment)
            return row, posting.entries(row)

        order = message.order
        assert isinstance(order, payloads.TipOrder)
        return rounds.settle(call, order, move, self._head, now=at)

    def _played(self, tips: "list[Settled]", at: datetime) -> dict[str, Any]:
        """What the pages made of them, in the same entry."""
        from lovense.deciding.gates import decide
        from lovense.lane import projection
        from lovense.sending.acknowledgement import Ack

        mark = {"status": "claimed", "claimed_by": "past", "lease_until": at, "claimed_at": at}
        starts, ends = [], []
        for tip in tips:
            claimed: Any = {**tip.request, **mark, "attempts": 1}
            row = decide(claimed, self._rules, is_online=True, now=at)
            seconds = float(row["promised_seconds"])
            ack = Ack(row["performer_id"], row["_id"], 1, "finished", at, seconds)
            starts.append(row)
            ends.append(projection.end(ack))
        return {"mark": mark, "starts": starts, "ends": ends}


def _whole(moment: datetime) -> datetime:
    from ground import clock

    return clock.truncated(moment)


def problems(*, progress: Progress = lambda rows: None) -> list[str]:
    """What is wrong with the books, all of them, and with parts of the log, drawn by chance."""
    from ledger.books import reconcile
    from tips.log import eventlog, events

    found = [str(finding) for finding in reconcile.findings(progress=progress)]
    length = eventlog.length()
    starts = {0, max(0, length - SAMPLE), *(random.randrange(length) for _ in range(SAMPLES))}
    for start in sorted(starts) if length else ():
        end = min(length, start + SAMPLE)
        try:
            events.verify(
                eventlog.after(start, limit=SAMPLE),
                after=start,
                previous=eventlog.digest_of(start),
                head_sequence=end,
                head_digest=eventlog.digest_of(end),
            )
        except events.BrokenChain as broken:
            found.append(str(broken))
    return found
