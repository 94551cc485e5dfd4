"""The money side as one state machine: any facts in any order, overlapping drains, deaths in the middle;
beside a plain model.

After every step all that is stored must be what the model says; where drains overlap or a process died, what
one of the possible orders gives. `MONEY_EXAMPLES=2000` looks further than the fixed examples of every day, at
random."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from operator import itemgetter
from threading import Barrier

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pymongo.write_concern import WriteConcern

from ground import clock
from ground.inbox.inbox import waiting
from ground.inbox.models import WebhookDelivery
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from ledger import gateway
from ledger.books import reconcile, reversal
from ledger.models import Account, Posting
from ledger.rrr.simulator.books import RemoteBooks
from tests.factories import NOW
from tests.flows.nursery import SLOT, SURVIVED, opened
from tests.rrr import rrr
from tests.tips import calls
from tests.tips.calls import ANA, BOB, CAROL, COLLECTIONS, EVE, tip_id
from tests.tips.money import GRACE, ISSUER, Books, Bought, LookedAt, Said, Shown
from tips.intake import payloads
from tips.log import eventlog
from tips.models import QueueRequest, Tip, TipActivated
from tips.settlement import drift, polling, settlement

__all__ = ["rrr"]

RANDOM_EXAMPLES = int(os.environ.get("MONEY_EXAMPLES", "0"))
STEPS = 25
ALL = 200
DIED = -signal.SIGKILL
NUMBERS = st.integers(1, 4)  # few, so that facts meet: most of what can go wrong takes two about one tip
KNOWN = st.integers(0, 3)
LIMITS = st.sampled_from([1, 2, 3, ALL])
TOKENS = st.sampled_from([100, 100, 50, 130])
COMMISSIONS = st.sampled_from([None, 0, 25, 100])
PEOPLE = st.sampled_from([BOB, BOB, BOB, EVE])
KINDS = st.sampled_from(["tip.succeeded", "tip.succeeded", "tip.cancelled", "tip.failed"])
# The delivery's id: one for each fact, one of its own, one that many facts share; or the process dies before
# it answers.
IDS = st.sampled_from(["own", "new", "shared", "dies"])
THEN = st.sampled_from(["settle", "nothing"])
LAST = st.integers(1, 12)  # writes; a settlement makes at most ten
WAITS = st.sampled_from([10, 30, 60, 1000])
LATER = timedelta(days=3)
_pool = ThreadPoolExecutor(2)


def stored():
    """What is to be compared with `Model.seen()`."""
    rows = collection(Tip).find().sort("created_at", 1)
    fields = (
        *("status", "settlement_status", "failure_reason", "needs_reconciliation"),
        "funding_until",
        "looks",
        "next_look_at",
    )
    return {
        "tips": {int(row["_id"], 16): tuple(row[name] for name in fields) for row in rows},
        "balances": {row["_id"]: row["balance"] for row in collection(Account).find() if row["balance"]},
        "settled": {int(row["_id"], 16) for row in collection(TipActivated).find({}, {"_id": 1})},
        "waiting": [fact(row) for row in waiting(payloads.SOURCES, now=NOW, limit=ALL)],
    }


def fact(row):
    order = payloads.parse(bytes(row["body"])).order
    number = int(order.tip_id, 16) if row["event_type"].startswith("tip.") else int(order.purchase_id[1:])
    return f"{row['event_type']}/{number}"


def data_of(content):
    if isinstance(content, Bought):
        return calls.purchase(content.number, content.tokens, user=content.user)
    more = {"sourceRef": content.ref, "commission": content.commission}
    return calls.tip(
        content.number, content.tokens, tipper=content.tipper, performer=content.performer, **more
    )


class Money(RuleBasedStateMachine):
    """What both ledgers have in common. A step ends with `expect`, which names the worlds that may be."""

    nursery = None

    def __init__(self):
        super().__init__()
        self.now, self.contents, self.ids, self.is_true = NOW, {}, 0, True

    # --- what the platform says ----------------------------------------------------------------------------

    @rule(
        kind=KINDS,
        changed_mind=st.sampled_from([None, None, "tip.cancelled", "tip.failed"]),
        number=NUMBERS,
        tokens=TOKENS,
        commission=COMMISSIONS,
        tipper=PEOPLE,
        odd=st.booleans(),
        identity=IDS,
        then=THEN,
    )
    def tell(self, kind, changed_mind, number, tokens, commission, tipper, odd, identity, then):
        """A tip keeps the content of its first mention, so that most calls are repeats; an odd one has
        another amount."""
        ref = f"TIP_{tip_id(number)}" if number < 3 else "SHARED"
        first = Said(number, tokens, commission, tipper, ANA if number % 2 else CAROL, ref)
        content = self.contents.setdefault(number, first)
        if odd and number == 1:
            content = Said(
                number, content.tokens + 1, content.commission, content.tipper, content.performer, content.ref
            )
        self.send(kind, content, identity, then)
        if changed_mind:
            self.send(changed_mind, content, "own", then)

    @rule(
        number=st.integers(1, 3), tokens=st.sampled_from([60, 100, 500]), user=PEOPLE, identity=IDS, then=THEN
    )
    def buy(self, number, tokens, user, identity, then):
        self.send("tokens.purchased", Bought(number, tokens, user), identity, then)

    def send(self, kind, content, identity, then):
        self.ids += 1
        names = {"own": f"msg_{kind}_{content.number}", "shared": "msg_shared"}
        body = calls.body(kind, data_of(content))
        headers = calls.signed(body, names.get(identity, f"msg_new_{self.ids}"))
        if identity == "dies":
            before = collection(WebhookDelivery).count_documents({})
            assert self.nursery("accept", last=2, body=body.decode(), headers=headers)[0] == DIED
            if collection(WebhookDelivery).count_documents({}) > before:  # else only its keys are taken
                self.model.accept(kind, content, self.now)
            headers = calls.signed(body, headers["webhook-id"])  # nobody answered: the sender calls again
        assert calls.post(body, headers)[0] == self.model.accept(kind, content, self.now)
        # The doors have no clock but the real one.
        came = {"status": "received", "received_at": {"$gt": self.now}}
        collection(WebhookDelivery).update_many(came, {"$set": {"received_at": self.now}})
        self.expect(self.model)
        if then == "settle":
            self.settle(ALL)

    # --- what we do about it -------------------------------------------------------------------------------

    @rule(limit=LIMITS)
    def settle(self, limit):
        settlement.drain(now=self.now, limit=limit)
        self.expect(self.after_settle(self.model, limit))

    @rule(limit=LIMITS, last=LAST)
    def die_settling(self, limit, last):
        self.die("settle", limit, last, self.after_settle(self.model, limit))

    @rule(first=LIMITS, second=LIMITS)
    def settle_twice_at_once(self, first, second):
        self.at_once(
            *(lambda limit=limit: settlement.drain(now=self.now, limit=limit) for limit in (first, second))
        )
        least, most = sorted((first, second))
        rounds = [(most, 0), (least, most), (most, least), (least, most - least)]
        self.expect(*(self.after_settle(self.after_settle(self.model, one), other) for one, other in rounds))

    def after_settle(self, model, limit):
        world = model.fork()
        world.settle(self.now, limit)
        return world

    def at_once(self, *works):
        barrier = Barrier(len(works))

        def run(work):
            barrier.wait(10)
            work()

        list(_pool.map(run, works))

    def die(self, hop, limit, last, survived):
        """Then a successor ends what the dead one left open, as every worker does first; its drain is any
        later step."""
        status, _ = self.nursery(hop, last=last, now=clock.iso(self.now), limit=limit)
        assert status in (SURVIVED, DIED)
        abandoned.end(SLOT)
        self.expect(*([survived] if status == SURVIVED else [self.model, survived]))

    def expect(self, *worlds):
        """What is stored is one of these, and the machine goes on from there."""
        self.is_true = False
        found = stored()
        self.model = next((world for world in worlds if world.seen() == found), worlds[0])
        for part, value in self.model.seen().items():
            assert found[part] == value, part
        self.is_true = True

    def known(self, which):
        """A tip that the platform has spoken of."""
        return self.contents[sorted(self.contents)[which % len(self.contents)]]

    # --- what is always true -------------------------------------------------------------------------------

    @invariant()
    def money_is_conserved_and_never_owed(self):
        accounts = {row["_id"]: row["balance"] for row in collection(Account).find()}
        assert sum(accounts.values()) == 0
        assert all(balance >= 0 for account, balance in accounts.items() if account != ISSUER)
        folded = dict.fromkeys(accounts, 0)
        legs = [leg for row in collection(Posting).find() for leg in row["legs"]]
        for leg in sorted(legs, key=itemgetter("account", "version")):
            folded[leg["account"]] += leg["delta"]
            assert folded[leg["account"]] == leg["balance"]
        assert folded == accounts

    @invariant()
    def every_settled_tip_has_one_event_and_one_request_and_no_other_tip_has_any(self):
        rows = list(collection(TipActivated).find().sort("sequence", 1))
        assert all(before["sequence"] + 1 == after["sequence"] for before, after in pairwise(rows))
        assert eventlog.verify() == len(rows) == len(self.model.settled)
        requests = {row["idempotency_key"]: row for row in collection(QueueRequest).find()}
        assert len(requests) == collection(QueueRequest).count_documents({}) == len(rows)
        for row in rows:
            said = self.model.tips[int(row["_id"], 16)].said
            payload = row["payload"]
            assert (payload["amount"], payload["netPrice"]) == (said.tokens, said.tokens - said.cut)
            assert (payload["userId"], payload["performerId"]) == (said.tipper, said.performer)
            assert requests[row["_id"]]["payload"] == payload

    # --- the end -------------------------------------------------------------------------------------------

    def teardown(self):
        try:
            if self.is_true:
                self.end()
                assert [str(found) for found in reconcile.findings()] == []
        finally:
            self.clean()

    def clean(self):
        """Explicitly: the database is real, and other processes wrote too. The last write waits for the
        others."""
        for model in COLLECTIONS[:-1]:
            collection(model, WriteConcern(1)).delete_many({})
        collection(COLLECTIONS[-1]).delete_many({})

    def settle_the_rest(self):
        while self.model.inbox:
            self.settle(ALL)
        assert settlement.drain(now=self.now, limit=ALL).handled == 0


class OurBooks(Money):
    """The embedded ledger: tokens are bought, tips move them, mistakes are taken back."""

    def __init__(self):
        super().__init__()
        self.model = Books()

    @rule(seconds=WAITS)
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(limit=LIMITS)
    def end_grace(self, limit):
        settlement.end_grace(now=self.now, limit=limit)
        self.expect(self.after_grace(self.model, limit))

    @rule(limit=LIMITS, last=LAST)
    def die_ending_grace(self, limit, last):
        self.die("end_grace", limit, last, self.after_grace(self.model, limit))

    @rule(first=LIMITS, second=LIMITS)
    def settle_and_end_grace_at_once(self, first, second):
        self.at_once(
            lambda: settlement.drain(now=self.now, limit=first),
            lambda: settlement.end_grace(now=self.now, limit=second),
        )
        settled = self.after_settle(self.model, first)
        worlds = [
            self.after_settle(self.after_grace(self.model, second), first),
            self.after_grace(settled, second),
        ]
        found = self.model.late(self.now, second)
        found_later = settled.late(self.now, second, unread=self.model.unread)
        self.expect(*worlds, *(self.after_grace(settled, late=late) for late in (found, found_later)))

    def after_grace(self, model, limit=0, late=None):
        world = model.fork()
        world.end_grace(model.late(self.now, limit) if late is None else late, self.now)
        return world

    @precondition(lambda self: self.model.settled)
    @rule(which=st.integers(0, 5), whole=st.booleans(), twice=st.booleans())
    def take_back_a_tip(self, which, whole, twice):
        settled = sorted(self.model.settled)
        said = self.model.tips[settled[which % len(settled)]].said
        keys = [f"{said.ref}_COMMISSION"] if whole and said.cut else []
        for _ in range(1 + twice):
            self.reverse([*keys, said.ref])

    @rule(number=st.integers(1, 3))
    def take_back_a_purchase(self, number):
        self.reverse([f"PURCHASE_p{number}"])

    def reverse(self, keys):
        is_done = self.model.reverse(keys)
        try:
            reversal.reverse(keys, reason="A mistake", now=self.now)
        except reversal.NotReversed:
            assert not is_done
        else:
            assert is_done
        self.expect(self.model)

    def end(self):
        self.settle_the_rest()
        self.now += LATER
        while self.model.late(self.now, ALL):
            self.end_grace(2)
        assert {tip.settlement for tip in self.model.tips.values()} <= {"settled", "cancelled", "failed"}
        transfers = sum(len(row["legs"]) // 2 for row in collection(Posting).find())
        assert transfers == len(self.model.posted) + len(self.model.reversed)
        refs = {
            tip.said.ref: number for number, tip in self.model.tips.items() if tip.settlement == "settled"
        }
        drifted = {int(found.tip_id, 16) for found in drift.findings(gateway.current())}
        assert drifted == {number for ref, number in refs.items() if ref in self.model.reversed}


def in_seconds(delay):
    """On the ledger's clock; never within five seconds of a moment at which the machine looks."""
    return delay + 5 if delay else 0


class TheirLedger(Money):
    """RedRoomRewards over HTTP: the platform posts, late or in parts or wrongly, and takes back; we look."""

    rrr = None

    def __init__(self):
        super().__init__()
        self.model = LookedAt()

    @initialize()
    def open_the_ledger(self):
        self.rrr.books = self.books = RemoteBooks(client_id=self.rrr.client_id)
        for member in (BOB, EVE):
            self.books.add(member, 10**9, source_ref=None, kind="EARN")
        for member in (ANA, CAROL):
            self.books.add(member, 10**6, source_ref=None, kind="EARN")

    @rule(seconds=WAITS)
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.books.advance(seconds)
        self.model.clock += seconds

    # --- what happens there --------------------------------------------------------------------------------

    @precondition(lambda self: self.contents)
    @rule(
        which=KNOWN,
        shape=st.sampled_from(
            ["whole", "whole", "whole", "kept back", "alone", "her alone", "two debits", "one token less"]
        ),
        delays=st.tuples(st.sampled_from([0, 0, 30]), st.sampled_from([0, 0, 60])),
        payer=st.sampled_from([None, None, None, EVE]),
    )
    def post(self, which, shape, delays, payer):
        said = self.known(which)
        paid, hers, total = payer or said.tipper, said.performer, said.tokens
        moves = {
            "whole": [(paid, -total), (hers, total)],
            "kept back": [(paid, -total), (hers, total - 1)],
            "alone": [(paid, -total)],
            "her alone": [(hers, total - said.cut)],
            "two debits": [(paid, -total), (hers, -1)],
            "one token less": [(paid, 1 - total), (hers, total - 1)],
        }[shape]
        entries = []
        for (member, delta), delay in zip(moves, delays, strict=False):
            if not delta:
                continue
            kind = "TRANSFER_OUT" if delta < 0 else "TRANSFER_IN"
            self.books.add(member, delta, source_ref=said.ref, kind=kind, delay_seconds=in_seconds(delay))
            account = f"user:{member}" if member in (BOB, EVE) else f"performer:{member}"
            entries.append(Shown(account, delta, self.model.clock + in_seconds(delay)))
        self.model.post(said.ref, *entries)

    @precondition(lambda self: self.contents)
    @rule(which=KNOWN, delay=st.sampled_from([0, 30]))
    def take_back(self, which, delay):
        said = self.known(which)
        if self.model.take_back(said.ref, self.model.clock + in_seconds(delay)):
            self.books.reverse(said.ref, delay_seconds=in_seconds(delay))

    @precondition(lambda self: self.contents)
    @rule(which=KNOWN, settled_too=st.booleans())
    def hear(self, which, settled_too):
        said = self.known(which)
        polling.look_again([said.ref], now=self.now, settled_too=settled_too)
        self.model.news(said.ref, self.now, settled_too=settled_too)
        self.expect(self.model)

    # --- what we do about it -------------------------------------------------------------------------------

    @rule(limit=LIMITS)
    def look(self, limit):
        polling.drain(now=self.now, limit=limit)
        self.expect(self.after_look(self.model, self.model.due(self.now, limit)))

    @rule(limit=LIMITS, last=st.integers(1, 6))
    def die_looking(self, limit, last):
        self.die("look", limit, last, self.after_look(self.model, self.model.due(self.now, limit)))

    @precondition(lambda self: self.model.tips)
    @rule(first=LIMITS, second=LIMITS)
    def look_twice_at_once(self, first, second):
        self.at_once(
            *(lambda limit=limit: polling.drain(now=self.now, limit=limit) for limit in (first, second))
        )
        worlds = []
        for one, other in ((first, second), (second, first)):
            due = [self.model.due(self.now, limit) for limit in (one, other)]
            once = self.after_look(self.model, due[0])
            worlds += [self.after_look(once, once.due(self.now, other)), self.after_look(once, due[1])]
        self.expect(*worlds)

    @rule(first=LIMITS, second=LIMITS)
    def settle_and_look_at_once(self, first, second):
        self.at_once(
            lambda: settlement.drain(now=self.now, limit=first),
            lambda: polling.drain(now=self.now, limit=second),
        )
        due = self.model.due(self.now, second)
        settled = self.after_settle(self.model, first)
        worlds = [self.after_look(settled, settled.due(self.now, second)), self.after_look(settled, due)]
        self.expect(*worlds, self.after_settle(self.after_look(self.model, due), first))

    def after_look(self, model, asked):
        world = model.fork()
        world.conclude(asked, self.now)
        return world

    def end(self):
        self.settle_the_rest()
        self.wait(LATER.total_seconds())
        while self.model.due(self.now, ALL):
            self.look(2)
        assert all(tip.doubt or not tip.is_open for tip in self.model.tips.values())
        assert all(tip.next_look is None for tip in self.model.tips.values())
        numbers = {
            number for number in self.model.settled if self.model.read(self.model.tips[number]) != "proof"
        }
        assert {int(found.tip_id, 16) for found in drift.findings(gateway.current())} == numbers


def run(machine, bear, examples):
    machine.nursery = staticmethod(bear)
    machine.TestCase.settings = settings(
        max_examples=RANDOM_EXAMPLES or examples,
        stateful_step_count=STEPS,
        derandomize=not RANDOM_EXAMPLES,
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase("runTest").runTest()


def test_whatever_happens_to_our_books(db, nursery, settings):
    assert GRACE.total_seconds() == settings.TIP_FUNDING_GRACE_SECONDS
    run(OurBooks, nursery, 14)


@pytest.mark.usefixtures("db")
def test_whatever_happens_in_a_ledger_that_we_look_at(rrr):
    where = {"LEDGER_GATEWAY": "rrr", "RRR_API_BASE_URL": rrr.url}
    with opened(connection.settings_dict["NAME"], **where) as bear:
        TheirLedger.rrr = rrr
        run(TheirLedger, bear, 16)
