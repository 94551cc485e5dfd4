"""Chapter 2: the tip is recorded, and its tokens move.

A worker drains the inbox: `settlement.drain(now=…, limit=…)` takes what is stored, in order, up to 200 at a
time. A *doorbell* makes it sooner and the *beat*, once a second, makes it certain; both run this function.

For bob's 50 tokens it writes a tip and one posting of four legs: bob to ana, then a quarter from ana to the
platform. One account pays what another receives, so the books cannot be out of balance; the posting's key is
derived from the tip (`TIP_<id>`; the commission is read under `TIP_<id>_COMMISSION`), so it cannot be posted
twice; and it moves a balance only where the funds suffice, so nobody spends what is not there.

All of a round is one transaction. A worker that dies in the middle leaves an open transaction and nothing
else; the worker that starts in its place ends it, and the next round begins as if nothing had been.

To read: `tips/settlement/settlement.py` (the round), `tips/settlement/batch.py` (its transaction),
`ledger/books/posting.py`, `tips/settlement/commission.py`."""

from datetime import timedelta

from ground.mongodb.collections import collection
from ledger.books import reconcile
from ledger.models import Account, Posting
from tests.flows.nursery import SURVIVED
from tests.tour.conftest import MOMENT
from tips.models import Tip


def balances(*accounts):
    found = {row["_id"]: row["balance"] for row in collection(Account).find()}
    return tuple(found.get(account, 0) for account in accounts)


def who(chain, bob):
    return bob.account, f"performer:{chain.performer_id}", "platform:commission"


def test_once_bob_pays_ana_gets_three_quarters_and_the_platform_the_rest(chain, bob):
    tip_id = chain.deliver(bob, 50, commission=25)
    chain.settle()
    tip = collection(Tip).find_one({"_id": tip_id})
    assert (tip["total"], tip["net"], tip["settlement_status"]) == (50, 38, "settled")
    assert balances(*who(chain, bob)) == (10_000 - 50, 38, 12)
    legs = collection(Posting).find_one({"_id": f"TIP_{tip_id}"})["legs"]
    assert [leg["delta"] for leg in legs] == [-50, 50, -12, 12]
    assert list(reconcile.findings()) == []


def test_repeated_however_often_the_inbox_is_drained_the_tokens_move_once(chain, bob):
    chain.deliver(bob, 50, commission=25)
    for _ in range(3):
        chain.settle()
    assert balances(*who(chain, bob)) == (10_000 - 50, 38, 12)


def test_killed_in_the_middle_nothing_has_moved_and_the_next_round_moves_it(chain, bob, nursery, successor):
    tip_id = chain.deliver(bob, 50, commission=25)
    assert nursery("settle", last=1, now=MOMENT)[0] != SURVIVED
    assert collection(Tip).find_one({"_id": tip_id}) is None
    assert balances(*who(chain, bob)) == (10_000, 0, 0)
    successor(later=timedelta())
    chain.settle()
    assert balances(*who(chain, bob)) == (10_000 - 50, 38, 12)
    assert list(reconcile.findings()) == []
