"""The queue against a world: any order of arrivals, rounds, words of the pages, deaths, pauses and changes,
in each mode.

One clock, turned by the steps and passed to every rule. The pages are models of what `docs/sockets.md` asks
of a page: an id is played once, and remembered with all that played in its run. A round is drained by one,
two or eight threads at once, or by a process that dies after its n-th write. After every step the rows must
say what they may always be relied on to say."""

import itertools
import json
import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding import batch, platform
from lovense.deciding.activation import FINAL, S
from lovense.menus import publishing
from lovense.models import Activation, Performer
from lovense.sending import acknowledgement, dispatch, leases, pages, resume
from lovense.sending.acknowledgement import TEMPORARY, Ack
from tests.chain import MENU
from tests.factories import NOW, PerformerFactory
from tests.lovense.page_model import Page
from tips.models import Mode, Priority, QueueRequest, RequestType
from tips.queue import ordering
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

LANES, CAP = 2, 30
ROUNDS = 150  # until everything is over, when all goes well again
LIMIT = 100
UNDER_WAY = frozenset({S.DISPATCHED, S.ACTIVATED})
# For a deeper look: MACHINE_EXAMPLES=200.
EXAMPLES, STEPS = int(os.environ.get("MACHINE_EXAMPLES", "3")), 30
BELIEVED_LATE = frozenset({S.TIMEOUT, S.DEAD})


MISHAPS = (
    "the page goes",
    "refusals",
    "stopped early",
    "another mode",
    "a pause",
    "another limit",
    "a death in dispatch",
    "a death in healing",
    "a death in hearing",
)
lanes = st.integers(0, LANES - 1)
worlds = itertools.count(1)


class World(RuleBasedStateMachine):
    """`mode`, `workers` and `nursery` are set by the test."""

    mode = Mode.FIFO
    workers = 1
    nursery = None

    @initialize()
    def open(self):
        self.number, self.now, self.sequence = next(worlds), NOW, 0
        self.verdicts, self.orders, self.merged = {}, {}, set()
        self.limit, self.starts = 0, defaultdict(dict)
        collection(Activation).delete_many({})
        collection(QueueRequest).delete_many({})
        platform.change(key="rate_limit_per_minute", value="0", by="dina", now=NOW)
        self.pages = [Page(PerformerFactory.create(queue_mode=self.mode).pk) for _ in range(LANES)]
        for page in self.pages:
            publishing.publish(page.performer_id, MENU, NOW)
        self.hold()

    # --- what happens --------------------------------------------------------------------------------------

    @rule(
        lane=lanes,
        tipper=st.sampled_from("ab"),
        amount=st.sampled_from([5, 50, 100, 100, 100]),
        count=st.integers(1, 3),
    )
    def settle(self, lane, tipper, amount, count):
        for _ in range(count):
            self.sequence += 1
            event = {"_id": f"{self.number:012x}{self.sequence:012x}", "sequence": self.sequence}
            payload = self.payload(lane, event["_id"], tipper * 24, amount)
            collection(QueueRequest).insert_one(queue.of_event(event | {"payload": payload}, self.now))

    def payload(self, lane, tip_id, tipper, amount):
        moment = clock.iso(self.now)
        ledger = dict.fromkeys(("ledgerId", "sourceRef", "debitRef", "creditRef"), "x") | {
            "status": "SETTLED"
        }
        return {
            "performerId": self.pages[lane].performer_id,
            "tipId": tip_id,
            "eventId": tip_id,
            "userId": tipper,
            "amount": amount,
            "tipper": {"username": tipper},
            "ledger": ledger | {"postedAt": moment},
            "eventTimestamp": moment,
            "createdAt": moment,
        }

    @rule(
        lane=lanes,
        priority=st.sampled_from([Priority.LOW, Priority.CRITICAL]),
        who=st.sampled_from(["ana", "dina"]),
    )
    def submit(self, lane, priority, who):
        self.sequence += 1
        payload = {"amount": 100, "tipper": {"username": who}, "userId": ""}
        place = {
            "lane": self.pages[lane].performer_id,
            "position": self.sequence,
            "priority": priority,
            "now": self.now,
        }
        row = queue.new_row(f"{self.number}.{self.sequence}", RequestType.MANUAL, payload, **place)
        collection(QueueRequest).insert_one(row | {"submitted_by": who})

    @rule(seconds=st.sampled_from([0.3, 1, 5, 11, 11, 35]), looks=st.booleans())
    def beat(self, seconds, looks):
        """What the clock rings, together."""
        self.turn_clock(seconds)
        self.heal()
        self.drain()
        if looks:
            self.look()

    def turn_clock(self, seconds):
        self.now += timedelta(seconds=seconds)
        for page in self.pages:
            page.pass_time(self.now)
            if page.returns and page.returns <= self.now:
                page.gone_since = page.returns = None
        self.hold()

    def hold(self):
        for page in self.pages:
            if page.gone_since is None:
                self.take(page)

    def take(self, page):
        pages.take(
            page.performer_id,
            page_id=page.performer_id,
            channel=page.performer_id,
            slot="web-0",
            now=self.now,
        )

    def lose_the_page(self, lane, seconds):
        page = self.pages[lane]
        if page.gone_since is None:
            page.gone_since, page.returns = self.now, self.now + timedelta(seconds=seconds)
            page.said.clear()
            pages.release(page.performer_id, channel=page.performer_id, now=self.now)

    @rule()
    def drain(self):
        before = self.requests()
        self.at_once(lambda: dispatch.drain(now=self.now, limit=LIMIT))
        self.judge_order(before)

    def at_once(self, work):
        if self.workers == 1:
            work()
            return
        with ThreadPoolExecutor(self.workers) as pool:
            for done in [pool.submit(work) for _ in range(self.workers)]:
                done.result()

    def look(self):
        """As the process of the pages does once a second."""
        here = {page.performer_id: page for page in self.pages if page.gone_since is None}
        for command in resume.in_flight(here, before=self.now):
            here[command.performer_id].obey(command.text, self.now)

    @rule(
        lane=lanes,
        fate=st.sampled_from(["told", "told", "twice", "lost", "late", "backwards"]),
        freed=st.booleans(),
    )
    def talk(self, lane, fate, freed):
        self.look()
        self.hear(self.pages[lane], fate, freed)

    def hear(self, page, fate, freed):
        heard, page.said = page.said, list(page.said) if fate == "late" else []
        if fate == "lost" or not heard:
            return
        heard = {"twice": heard * 2, "backwards": heard[::-1]}.get(fate, heard)
        over = acknowledgement.acknowledge([self.ack(page, word) for word in heard])
        if freed and any(over):
            dispatch.drain_freed([page.performer_id], now=self.now, deliver=list)

    def ack(self, page, word):
        return Ack(performer_id=page.performer_id, at=self.now, is_answer=True, **word)

    def refuse_the_next(self, lane, codes):
        self.pages[lane].refusals = codes

    def stop_early(self, lane):
        self.pages[lane].stop(self.now)

    def heal(self):
        self.at_once(self.sweep)

    def sweep(self):
        leases.expire(now=self.now, limit=LIMIT)
        batch.heal(now=self.now, limit=LIMIT)
        leases.expire_offline(now=self.now, limit=LIMIT)

    def change_mode(self, lane, mode):
        collection(Performer).update_one(
            {"_id": self.pages[lane].performer_id}, {"$set": {"queue_mode": mode}}
        )

    def pause(self, lane, paused):
        changes = {"$set": {"paused_at": self.now if paused else None}}
        collection(Performer).update_one({"_id": self.pages[lane].performer_id}, changes)

    def change_limit(self, limit):
        self.limit = limit
        platform.change(key="rate_limit_per_minute", value=str(limit), by="dina", now=NOW)

    def die(self, hop, writes):
        """A real process does it, and is killed the moment its n-th write is made."""
        self.nursery(hop, last=writes, now=clock.iso(self.now))

    def die_hearing(self, lane, writes):
        page = self.pages[lane]
        if page.said:
            given = {"now": clock.iso(self.now), "performer_id": page.performer_id} | page.said.pop(0)
            self.nursery("acknowledge", last=writes, **given)

    @rule(kind=st.sampled_from(MISHAPS), lane=lanes, number=st.integers(0, 5))
    def mishap(self, kind, lane, number):
        {
            "the page goes": lambda: self.lose_the_page(lane, (1, 60)[number % 2]),
            "refusals": lambda: self.refuse_the_next(
                lane, [("busy", "app_offline", "no_toy")[number % 3]] * (1 + number)
            ),
            "stopped early": lambda: self.stop_early(lane),
            "another mode": lambda: self.change_mode(lane, list(Mode)[number % 3]),
            "a pause": lambda: self.pause(lane, number > 2),
            "another limit": lambda: self.change_limit((0, 2, 5)[number % 3]),
            "a death in dispatch": lambda: self.die("send", 1 + number),
            "a death in healing": lambda: self.die("heal", 1 + number),
            "a death in hearing": lambda: self.die_hearing(lane, 1 + number),
        }[kind]()

    # --- what is always so ---------------------------------------------------------------------------------

    def requests(self):
        return {row["_id"]: row for row in collection(QueueRequest).find()}

    def activations(self):
        return {row["_id"]: row for row in collection(Activation).find()}

    def judge_order(self, before):
        """What has just been sent was the next of its lane's heads, as they were. What plays nothing
        overtakes nobody."""
        after = self.requests()
        silent = {row["request_id"] for row in collection(Activation).find({"status": S.SKIPPED.value})}
        modes = {row["_id"]: Mode(row["queue_mode"]) for row in collection(Performer).find()}
        for row in after.values():
            was = before[row["_id"]]
            if (
                was["status"] == "pending"
                and row["attempts"] > was["attempts"]
                and row["status"] != "joined"
                and row["_id"] not in silent
            ):
                left = [
                    was,
                    *(
                        other
                        for other in after.values()
                        if self.still_waits(other, before) and other["lane"] == row["lane"]
                    ),
                ]
                chosen = ordering.next_of(ordering.candidates(left), modes[row["lane"]])
                assert chosen["_id"] == row["_id"]
                self.judge_ageing(was, left[1:], modes[row["lane"]])

    def still_waits(self, row, before):
        return row["status"] == "pending" and row["attempts"] == before[row["_id"]]["attempts"]

    def judge_ageing(self, row, others, mode):
        for other in others:
            if mode is Mode.PRIORITY and not ordering.is_tried(row) and not ordering.is_tried(other):
                lead = ordering.AGEING * (ordering.priority_of(row) - ordering.priority_of(other))
                assert row["waiting_since"] - other["waiting_since"] <= lead, "it had waited long enough"

    @invariant()
    def everything_holds(self):
        requests, activations = self.requests(), self.activations()
        self.one_at_a_time(requests.values(), activations.values())
        self.one_verdict(activations)
        self.lines_in_order(requests.values(), activations)
        self.merged_what_it_may(requests, activations)
        self.within_the_pace(activations.values())

    def one_at_a_time(self, requests, activations):
        for page in self.pages:
            claimed = [
                row["_id"]
                for row in requests
                if row["lane"] == page.performer_id and row["status"] == "claimed"
            ]
            assert len(claimed) <= 1
            running = [
                row
                for row in activations
                if row["performer_id"] == page.performer_id
                and row["status"] in UNDER_WAY
                and not row.get("leader")
            ]
            assert len(running) <= 1, [row["_id"] for row in running]
            if claimed and running:
                assert running[0]["request_id"] == claimed[0]

    def one_verdict(self, activations):
        for key, row in activations.items():
            was = self.verdicts.get(key)
            if was in FINAL and was != row["status"]:
                assert (was in BELIEVED_LATE, row["status"]) == (True, S.COMPLETED), (key, was)
            self.verdicts[key] = S(row["status"])

    def lines_in_order(self, requests, activations):
        """First come, first served within a line; what plays in the run of another one may be before its
        turn."""
        lines = defaultdict(list)
        for row in sorted(requests, key=ordering.in_order):
            lines[row["line"]].append(row)
            if row["status"] == "joined":
                self.merged.add(row["_id"])
        for rows in lines.values():
            begun = [
                row["_id"] in self.merged or row["status"] != "pending" or row["attempts"] > 0 for row in rows
            ]
            alone = [
                position
                for position, row in enumerate(rows)
                if begun[position] and row["_id"] not in self.merged
            ]
            assert all(begun[: alone[-1] if alone else 0])

    def merged_what_it_may(self, requests, activations):
        for leader in activations.values():
            members = [activations[key] for key in leader.get("members") or ()]
            if not members or leader["_id"] in self.orders:
                continue
            self.orders[leader["_id"]] = leader["members"]
            all_of_it = [leader, *members]
            whose = [requests[row["request_id"]] for row in all_of_it]
            assert (
                len({(row["type"], row["payload"]["userId"], row.get("submitted_by")) for row in whose}) == 1
            )
            assert len({json.dumps(row["item"]) for row in all_of_it}) == 1
            assert leader["run_seconds"] == sum(row["promised_seconds"] for row in all_of_it) <= CAP
            assert {row["attempts"] for row in whose[1:]} == {1}

    def within_the_pace(self, activations):
        for row in activations:
            if row["attempts"] and not row.get("leader") and row["request_id"] not in self.merged:
                self.starts[row["performer_id"]].setdefault(
                    row["_id"], (row["attempts"][0]["at"], self.limit)
                )
        for starts in self.starts.values():
            moments = [at for at, limit in starts.values() if limit]  # without one nothing is counted
            for at, limit in starts.values():
                assert (
                    not limit or sum(at - timedelta(seconds=60) < other <= at for other in moments) <= limit
                )

    def teardown(self):
        if not hasattr(self, "pages"):
            return
        self.change_limit(0)
        for lane, page in enumerate(self.pages):
            page.gone_since = page.returns = None
            page.refusals = []
            self.pause(lane, False)
        for _ in range(ROUNDS):
            self.turn_clock(5)
            self.sweep()
            self.drain()
            self.look()
            for page in self.pages:
                self.hear(page, "told", False)
            self.everything_holds()
            if all(row["status"] not in ("pending", "claimed", "joined") for row in self.requests().values()):
                break
        self.nothing_lost()

    def nothing_lost(self):
        requests, activations = self.requests(), self.activations()
        assert {row["request_id"] for row in activations.values()} == set(requests)
        assert {S(row["status"]) for row in activations.values()} <= FINAL, [
            row["status"] for row in requests.values()
        ]
        for page in self.pages:
            for key, run in page.memory.items():
                self.told_truly(run, [activations[each] for each in (key, *run.message.get("members", ()))])
            refused = [
                row["_id"]
                for row in activations.values()
                if row["status"] == S.DEAD and row["reason"] in TEMPORARY
            ]
            assert not page.played & set(refused)

    def told_truly(self, run, rows):
        """What the run gave is what its activations say, second for second; no end is told as another."""
        if {S(row["status"]) for row in rows} == {S.COMPLETED} and rows[0]["delivered_seconds"] is not None:
            assert sum(row["delivered_seconds"] for row in rows) == pytest.approx(run.delivered, abs=1e-3)
            assert all(row["delivered_seconds"] <= row["promised_seconds"] for row in rows)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("mode", Mode)
def test_whatever_happens_the_queue_keeps_its_promises(mode, workers, nursery, db, written_elsewhere):
    case = type(
        "Case", (World,), {"mode": mode, "workers": workers, "nursery": staticmethod(nursery)}
    ).TestCase
    case.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()
