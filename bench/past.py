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
    from lovense.sending.acknowledgement import Ack
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
    from config.seeds import bulk
    from ground.journal import trimming

    benchmark.prepare(performers=size.performers, viewers=messages.VIEWERS, now=now)
    past = _Past(size.performers)
    for entries in past.written(size, now):
        bulk.keep(entries)
        progress(sum(len(entry.document["events"]) for entry in entries))
    bulk.tell_consumers(now)
    while trimming.trim(now=now):
        pass


class _Past:
    def __init__(self, performers: int) -> None:
        from config.seeds.bulk import Bulk
        from lovense.deciding.rules import Rules

        self._ids = [messages.performer_id(number) for number in range(performers)]
        viewers = [messages.viewer_id(number) for number in range(messages.VIEWERS)]
        pairs = [(viewer, self._ids[0]) for viewer in viewers]
        self._bulk = Bulk([*pairs, *((viewers[0], performer) for performer in self._ids)])
        self._rules: Rules = Rules.read(self._ids)

    def written(self, size: Size, now: datetime) -> "Iterator[list[Entry]]":
        """The played ones, the oldest first; then those that wait."""
        from ground import clock

        entries = []
        total = size.tips + size.waiting
        bounds = [*range(0, size.tips, TIPS_PER_ENTRY), *range(size.tips, total, TIPS_PER_ENTRY)]
        for start in bounds:
            is_played = start < size.tips
            stop = min(start + TIPS_PER_ENTRY, size.tips if is_played else total)
            at = now - AGE * (1 - start / size.tips) if is_played else now
            numbers = range(start, stop)
            entries.append(self._entry(numbers, clock.truncated(at), is_played=is_played))
            if len(entries) == ENTRIES_AT_ONCE:
                yield entries
                entries = []
        if entries:
            yield entries

    def _entry(self, numbers: range, at: datetime, *, is_played: bool) -> "Entry":
        tips = [self._settled(number, at, is_played=is_played) for number in numbers]
        starts, ends = self._played(tips, at) if is_played else ([], [])
        return self._bulk.entry(tips, starts, ends, at=at, by="past")

    def _settled(self, number: int, at: datetime, *, is_played: bool) -> "Settled":
        from ground import clock

        offline = len(self._ids) - ONLINE
        lane = number % len(self._ids) if is_played else ONLINE + number % offline
        body = messages.tip_succeeded(
            tip_id=f"{TIP_IDS + number:024x}",
            number=number,
            performer=self._ids[lane],
            happened_at=clock.iso(at),
        )
        return self._bulk.settle(body, f"past_{number}", position=number, at=at)

    def _played(self, tips: "list[Settled]", at: datetime) -> "tuple[list[Any], list[Ack]]":
        """What the pages made of them, in the same entry."""
        from config.seeds import bulk
        from lovense.deciding.gates import decide
        from lovense.sending.acknowledgement import Ack

        starts, ends = [], []
        for tip in tips:
            request = bulk.claimed(tip.request, by="past", at=at)
            row = decide(request, self._rules, is_online=True, now=at)
            seconds = float(row["promised_seconds"])
            starts.append(row)
            ends.append(Ack(row["performer_id"], row["_id"], 1, "finished", at, seconds))
        return starts, ends


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
