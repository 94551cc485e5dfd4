"""The history of a crowd, written in slices: each is worked out by the rules of the product while
the one before it is written.

The tips of a slice are one entry of the journal, so all of them are there or none; what is tested
has no money and no event, so its rows follow one another, and the audit entries come last. Whoever
is there stays as it is: a slice that was broken off is written again."""

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from config.seeds import bulk, trail
from config.seeds.bulk import Bulk
from config.seeds.crowd import CrowdStep
from config.seeds.past import BY, PLAYS_AFTER, Progress, body_of
from config.seeds.script import SECOND
from ground import clock, ids
from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.journal.journal import Entry
from ground.mongodb import unique
from ground.mongodb.collections import Document, collection
from lovense.deciding.activation import activation_id, new_row
from lovense.deciding.gates import decide
from lovense.deciding.rules import Rules
from lovense.lane import projection as lane_projection
from lovense.lane import submissions
from lovense.lane.submissions import Submission
from lovense.models import Activation
from lovense.rows import ActivationRow
from lovense.sending.acknowledgement import Ack
from tips.models import Priority, QueueRequest, RequestType, Tip
from tips.queue.requests import TURNS_PER_EVENT
from tips.rows import RequestRow
from tips.settlement.rounds import Settled

AT_ONCE = 500  # activations of a slice
TEST = RequestType.TEST
_OWN = ("_id", "tip_id", "event_id", "request_id", "position", "created_at")  # of an activation


@dataclass(slots=True)
class SliceRows:
    """What a slice writes, in this order."""

    activations: int
    entries: list[Entry] = field(default_factory=list)
    requests: list[RequestRow] = field(default_factory=list)
    tested: list[Document] = field(default_factory=list)
    audit: list[Document] = field(default_factory=list)

    def keep(self) -> int:
        """How many activations and audit entries there are now."""
        if self.entries:
            bulk.keep(self.entries)
        unique.insert(QueueRequest, self.requests)
        unique.insert(Activation, self.tested)
        audit_log.keep_past(self.audit)
        return self.activations + len(self.audit)


class SliceWriter:
    """Writes slices in their order. `audit` entries belong to `steps` activations."""

    def __init__(self, rules: Rules, made: Bulk, *, seed: int, audit: int, steps: int) -> None:
        self._rules, self._bulk, self._seed = rules, made, seed
        self._audit, self._steps = audit, steps
        self._done = 0  # activations of earlier slices
        self._alike: dict[tuple[str, int], ActivationRow] = {}  # tests: of whom, of how much

    def write(self, steps: Iterable[CrowdStep], progress: Progress) -> None:
        with ThreadPoolExecutor(1) as pool:
            writing: Future[int] | None = None
            for rows in self._slices(iter(steps), progress):
                if writing is not None:
                    progress(writing.result())
                writing = pool.submit(rows.keep)
            if writing is not None:
                progress(writing.result())

    def _slices(self, steps: Iterator[CrowdStep], progress: Progress) -> Iterator[SliceRows]:
        number = 0
        while some := list(islice(steps, AT_ONCE)):
            with ids.drawn_from(random.Random(f"slice/{self._seed}/{number}")):
                audit = self._trail(some, number)
                if self._is_there(some, audit):
                    progress(len(some) + len(audit))
                else:
                    yield self._rows(some, audit)
            self._done += len(some)
            number += 1

    # --- what is there -----------------------------------------------------------------------

    def _is_there(self, some: Sequence[CrowdStep], audit: Sequence[Document]) -> bool:
        """Its last row is."""
        tests = [step for step in some if step.tip is None]
        if audit:
            return _has(AuditEntry, audit[-1]["_id"])
        return _has(Activation, activation_id(_test_key(tests[-1]))) if tests else _has_tips(some)

    # --- its rows ----------------------------------------------------------------------------

    def _rows(self, some: Sequence[CrowdStep], audit: list[Document]) -> SliceRows:
        rows = SliceRows(len(some), audit=audit)
        is_settled = _has_tips(some)
        tips = sum(step.tip is not None for step in some)
        sequence = self._bulk.sequence - (tips if is_settled else 0)
        settled: list[Settled] = []
        starts: list[ActivationRow] = []
        ends: list[Ack] = []
        for place, step in enumerate(some, self._done + 1):
            if step.tip is None:
                self._test(step, sequence, sequence * TURNS_PER_EVENT + place, rows)
                continue
            sequence += 1
            if not is_settled:
                settled.append(self._tip(step, starts, ends))
        if settled:
            rows.entries = [self._bulk.entry(settled, starts, ends, at=some[-1].at, by=BY)]
        return rows

    def _tip(self, step: CrowdStep, starts: list[ActivationRow], ends: list[Ack]) -> Settled:
        tip = step.tip
        assert tip is not None
        key = f"{step.her.prefix}-{tip.number}"
        position = clock.nanoseconds(step.at) + tip.number
        body = body_of(step.her, tip)
        settled = self._bulk.settle(body, key, position=position, at=step.at)
        at = step.at + PLAYS_AFTER
        request = bulk.claimed(settled.request, by=BY, at=at)
        row = decide(request, self._rules, is_online=tip.story != "offline", now=at)
        starts.append(row)
        if row["status"] == "dispatched":
            share = 0.4 if tip.story == "shortened" else 1
            ends.append(_end(row, round(row["promised_seconds"] * share, 1)))
        return settled

    def _test(self, step: CrowdStep, sequence: int, turn: int, rows: SliceRows) -> None:
        """As a person submits it, and as her free lane starts it at once."""
        asked = Submission(TEST, step.amount, None, Priority.NORMAL)
        lane, at = step.her.performer_id, step.at + PLAYS_AFTER
        request = submissions.row_of(asked, lane, _test_key(step), step.her.name, step.at)
        request["position"], request["turn"] = sequence, turn
        claimed = bulk.claimed(request, by=BY, at=at)
        row = self._decided(claimed, step.amount, at)
        ended = lane_projection.with_end(dict(row), _end(row, float(row["promised_seconds"])))
        rows.requests.append(claimed | lane_projection.request_of(ended, bulk.mark(BY, at)))
        rows.tested.append(ended)

    def _decided(self, request: Any, amount: int, now: datetime) -> ActivationRow:
        """By the rules once, and alike for all tests of this performer and amount, which differ in
        what they are called and when they are: nothing is drawn, nothing waits."""
        like = self._alike.get((request["lane"], amount))
        if like is None:
            like = self._alike[request["lane"], amount] = decide(
                request, self._rules, is_online=True, now=now
            )
            return like
        said = new_row(request, now)
        own: Any = {name: said[name] for name in _OWN}  # type: ignore[literal-required]
        told = clock.iso(now)
        own["gates"] = [gate | {"at": told} for gate in like["gates"]]
        own["attempts"] = [each | {"at": now} for each in like["attempts"]]
        alike: ActivationRow = like | own | {"dispatched_at": now}
        return alike

    def _trail(self, some: list[CrowdStep], number: int) -> list[Document]:
        done, total = self._done, self._steps
        first, last = (self._audit * n // total for n in (done, done + len(some)))
        told = trail.entries(some, random.Random(f"trail/{self._seed}/{number}"))
        return [
            entry | {"_id": trail.key(self._seed, n, entry["at"])}
            for n, entry in zip(range(first, last), told, strict=False)
        ]


def _end(row: ActivationRow, seconds: float) -> Ack:
    at: datetime = row["created_at"] + PLAYS_AFTER + seconds * SECOND
    return Ack(row["performer_id"], row["_id"], 1, "finished", at, seconds)


def _test_key(step: CrowdStep) -> str:
    return submissions.own_key(TEST, account=step.her.prefix, key=str(step.number))


def _has_tips(some: Sequence[CrowdStep]) -> bool:
    """All of them are there, or none."""
    first = next((step for step in some if step.tip is not None), None)
    return (
        first is not None
        and first.tip is not None
        and _has(Tip, first.her.tip_id(first.tip.number))
    )


def _has(model: Any, key: object) -> bool:
    return collection(model).find_one({"_id": key}, {"_id": 1}) is not None
