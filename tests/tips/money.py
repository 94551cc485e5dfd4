"""What should become of tips and tokens, in plain Python: one model for our own books, one for a ledger that
we only look at.

A model knows nothing of databases, batches that fail, threads or processes. `seen()` is all that may be
compared with what is stored. Drains that overlap are two-phased here too: what one found due, and what it did
about it."""

from collections import defaultdict
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta

from tips.settlement.polling import INTERVALS, PATIENCE

GRACE = timedelta(seconds=60)
DEFAULT_COMMISSION = 25
ISSUER, PLATFORM = "issuer:tokens", "platform:commission"
TIP_KINDS = ("tip.succeeded", "tip.cancelled", "tip.failed")
ENDS = {"tip.cancelled": "cancelled", "tip.failed": "failed"}


@dataclass(frozen=True)
class Said:
    """The content of a tip as the platform says it."""

    number: int
    tokens: int
    commission: int | None
    tipper: str
    performer: str
    ref: str

    @property
    def cut(self):
        return self.tokens * (DEFAULT_COMMISSION if self.commission is None else self.commission) // 100


@dataclass(frozen=True)
class Bought:
    number: int
    tokens: int
    user: str


@dataclass
class Tip:
    said: Said
    order: int
    created_at: object
    status: str = "success"
    settlement: str = "pending"
    reason: str = ""
    doubt: str = ""
    funding_until: object = None
    looks: int | None = None
    next_look: object = None

    def end(self, status, reason):
        self.status = self.settlement = status
        self.reason, self.doubt, self.funding_until = reason, "", None

    def settle(self):
        self.settlement, self.doubt, self.funding_until, self.next_look = "settled", "", None, None

    @property
    def is_open(self):
        return self.settlement == "pending"

    def seen(self):
        return (
            self.status,
            self.settlement,
            self.reason,
            self.doubt,
            self.funding_until,
            self.looks,
            self.next_look,
        )


@dataclass
class Model:
    """Both kinds: what the inbox counts, and what a platform's word does to a tip."""

    counted: dict = field(default_factory=dict)  # business fact -> the content that counts
    inbox: list = field(default_factory=list)  # business facts in order of their arrival
    received: dict = field(default_factory=dict)  # business fact -> when it came
    tips: dict = field(default_factory=dict)
    balances: dict = field(default_factory=lambda: defaultdict(int))
    posted: dict = field(default_factory=dict)  # transfer -> (debit, credit, amount)
    reversed: set = field(default_factory=set)

    def fork(self):
        """Another possible world."""
        other = copy(self)
        other.counted, other.inbox = dict(self.counted), list(self.inbox)
        other.received = dict(self.received)
        other.tips = {number: copy(tip) for number, tip in self.tips.items()}
        other.balances, other.posted = self.balances.copy(), dict(self.posted)
        other.reversed = set(self.reversed)
        return other

    def seen(self):
        return {
            "tips": {number: tip.seen() for number, tip in self.tips.items()},
            "balances": {account: balance for account, balance in self.balances.items() if balance},
            "settled": self.settled,
            "waiting": self.inbox,
        }

    @property
    def settled(self):
        return {number for number, tip in self.tips.items() if tip.settlement == "settled"}

    def accept(self, kind, content, now):
        """The answer's status."""
        fact = f"{kind}/{content.number}"
        if fact not in self.counted and self._contradicts(kind, content):
            return 409
        if fact not in self.counted:
            self.counted[fact], self.received[fact] = content, now
            self.inbox.append(fact)
            return 202
        return 200 if self.counted[fact] == content else 409

    def _contradicts(self, kind, content):
        """What counts about the same tip under another word."""
        others = (self.counted.get(f"{other}/{content.number}") for other in TIP_KINDS if other != kind)
        return kind in TIP_KINDS and any(other and other.tokens != content.tokens for other in others)

    def settle(self, now, limit):
        batch, self.inbox = self.inbox[:limit], self.inbox[limit:]
        said = [(fact.partition("/")[0], self.counted[fact]) for fact in batch]
        bought = [content for _, content in said if isinstance(content, Bought)]
        waited = self.fund(bought)
        fresh = []
        for kind, content in said:
            if isinstance(content, Said):
                fresh += self._record(kind, content, now)
        for tip in [*waited, *fresh]:
            if tip.is_open:
                self.begin(tip, now)

    def _record(self, kind, content, now):
        tip = self.tips.get(content.number)
        if tip is None:
            tip = self.tips[content.number] = Tip(content, len(self.tips), now)
            if kind in ENDS:
                tip.end(ENDS[kind], "by_platform")
                return []
            self.recorded(tip, now)
            return [tip]
        if kind in ENDS and tip.is_open:
            tip.end(ENDS[kind], "by_platform")
        elif kind in ENDS and tip.settlement == "settled":
            tip.doubt = f"{ENDS[kind]}_after_settlement"
        return []

    def fund(self, bought):
        """Purchases, before anything else of a round; the tips that waited for them."""
        return []

    def recorded(self, tip, now):
        """A tip that succeeded was recorded."""

    def begin(self, tip, now, *, is_last=False):
        """Its tokens should move now; it ends if it is the last time that this is tried."""


class Books(Model):
    """Our own."""

    def fund(self, bought):
        for content in bought:
            self._move(f"PURCHASE_p{content.number}", ISSUER, f"user:{content.user}", content.tokens)
        users = {content.user for content in bought}
        return self.longest_waiting(
            tip for tip in self.tips.values() if tip.is_open and tip.said.tipper in users
        )

    @staticmethod
    def longest_waiting(tips):
        return sorted(tips, key=lambda tip: (tip.created_at, tip.order))

    def begin(self, tip, now, *, is_last=False):
        said = tip.said
        payer, payee = f"user:{said.tipper}", f"performer:{said.performer}"
        if {said.ref, f"{said.ref}_COMMISSION"} & self.posted.keys():
            tip.end("failed", "source_ref_reused")
        elif self.balances[payer] < said.tokens:
            if tip.funding_until is None:
                tip.funding_until = now + GRACE
            elif is_last:
                tip.end("failed", "insufficient_funds")
        else:
            self._move(said.ref, payer, payee, said.tokens)
            if said.cut:
                self._move(f"{said.ref}_COMMISSION", payee, PLATFORM, said.cut)
            tip.settle()

    def _move(self, key, debit, credit, amount):
        self.posted[key] = (debit, credit, amount)
        self.balances[debit] -= amount
        self.balances[credit] += amount

    @property
    def unread(self):
        """Since when something waits for the next round."""
        return min((self.received[fact] for fact in self.inbox), default=None)

    def late(self, now, limit, unread=None):
        """Not before all is processed that came before the end of their grace."""
        until = min(now, unread or self.unread or now)
        due = (tip for tip in self.tips.values() if tip.is_open and tip.funding_until <= until)
        return [
            tip.said.number for tip in sorted(due, key=lambda tip: (tip.funding_until, tip.order))[:limit]
        ]

    def end_grace(self, late, now):
        for tip in self.longest_waiting(self.tips[number] for number in late):
            if tip.is_open:
                self.begin(tip, now, is_last=True)

    def reverse(self, keys):
        """Whether it was done; all of them, or none."""
        balances = self.balances.copy()
        for key in keys:
            if key not in self.posted:
                break
            debit, credit, amount = self.posted[key]
            if key not in self.reversed:
                balances[credit] -= amount
                balances[debit] += amount
            if balances[credit] < 0:
                break
        else:
            self.balances = balances
            self.reversed |= set(keys)
            return True
        return False


@dataclass(frozen=True)
class Shown:
    """An entry of somebody else's ledger. `due` is on its clock."""

    account: str
    delta: int
    due: float
    is_reversal: bool = False


class LookedAt(Model):
    """Somebody else's ledger; `entries` by reference, `clock` in seconds since the beginning."""

    entries: dict
    clock = 0.0

    def __init__(self):
        super().__init__()
        self.entries = {}

    def recorded(self, tip, now):
        if any(other.looks is not None and other.said.ref == tip.said.ref for other in self.tips.values()):
            tip.end("failed", "source_ref_reused")
        else:
            tip.looks, tip.next_look = 0, now

    def post(self, ref, *entries):
        self.entries = self.entries | {ref: (*self.entries.get(ref, ()), *entries)}

    def take_back(self, ref, due):
        back = [
            Shown(shown.account, -shown.delta, due, True)
            for shown in self.entries.get(ref, ())
            if not shown.is_reversal
        ]
        self.post(ref, *back)
        return bool(back)

    def news(self, ref, now, *, settled_too):
        for tip in self.tips.values():
            if tip.said.ref == ref and tip.looks is not None and (settled_too or tip.settlement != "settled"):
                tip.next_look = now

    def visible(self, tip):
        """We only ask about the tip's two people."""
        accounts = (f"user:{tip.said.tipper}", f"performer:{tip.said.performer}")
        return [
            shown
            for account in accounts
            for shown in self.entries.get(tip.said.ref, ())
            if shown.account == account
        ]

    def read(self, tip):
        """ "" without a proof, "proof", or why not."""
        shown = self.visible(tip)
        if any(entry.is_reversal for entry in shown):
            return "reversed"
        if not shown or any(entry.due > self.clock for entry in shown):
            return ""
        if len(shown) > 2:
            return "too_many_entries"
        if len(shown) == 2 and not min(entry.delta for entry in shown) < 0 < max(
            entry.delta for entry in shown
        ):
            return "same_sign"
        return (
            "proof"
            if all(self._fits(tip.said, entry, alone=len(shown) == 1) for entry in shown)
            else "other_amount"
        )

    @staticmethod
    def _fits(said, entry, *, alone):
        if entry.account == f"user:{said.tipper}":
            return entry.delta == -said.tokens
        return max(1, said.tokens - said.cut if alone else 1) <= entry.delta <= said.tokens

    def due(self, now, limit):
        """Which tips are asked about, and the appointment that each look keeps."""
        waiting = [tip for tip in self.tips.values() if tip.next_look is not None and tip.next_look <= now]
        waiting.sort(key=lambda tip: (tip.next_look, tip.order))
        return [(tip.said.number, tip.next_look) for tip in waiting[:limit]]

    def conclude(self, asked, now):
        for number, appointment in asked:
            self._weigh(self.tips[number], appointment, now)

    def _weigh(self, tip, appointment, now):
        """Whatever follows, an appointment made since the look began is kept."""
        made = tip.next_look
        self._conclude(tip, self.read(tip), now)
        if made != appointment:
            tip.next_look = made

    def _conclude(self, tip, answer, now):
        is_young = now - tip.created_at < PATIENCE
        if answer == "reversed" and tip.settlement in ENDS.values():
            self._agree(tip)
        elif answer not in ("", "proof"):
            self._give_up(tip, answer)
        elif tip.is_open and answer:
            tip.settle()
        elif answer and tip.settlement != "settled":
            self._give_up(tip, f"posted_although_{tip.status}")
        elif tip.is_open and not is_young:
            self._give_up(tip, "not_posted")
        elif tip.is_open or (tip.settlement != "settled" and self.visible(tip) and is_young):
            self._appoint(tip, now)
        elif answer or tip.settlement != "settled":
            self._agree(tip)
        else:
            tip.next_look = None

    @staticmethod
    def _agree(tip):
        """The ledger says nothing against it, any more; what the platform said after the settlement
        stands."""
        tip.next_look = None
        if not tip.doubt.endswith("_after_settlement"):
            tip.doubt = ""

    def _appoint(self, tip, now):
        tip.looks += 1
        wait = timedelta(seconds=INTERVALS[min(tip.looks, len(INTERVALS)) - 1])
        tip.next_look = min(now + wait, tip.created_at + PATIENCE)

    @staticmethod
    def _give_up(tip, reason):
        tip.doubt, tip.next_look = reason, None
        tip.looks += 1
