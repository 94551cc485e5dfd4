"""A ledger that somebody else keeps: it answers from what the test posted, or fails as the test says."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.conf import settings

from ledger import gateway
from ledger.gateway import TRANSFER_IN, TRANSFER_OUT, Posted, PostedEntry, performer_account, user_account
from tests.factories import NOW

SECOND = timedelta(seconds=1)


@dataclass
class World:
    """What the remote ledger holds."""

    entries: dict = field(default_factory=lambda: defaultdict(list))
    failures: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    when_asked: object = None
    placed: list = field(default_factory=list)
    refusal: object = None
    lost_answers: list = field(default_factory=list)

    def entry(self, source_ref, account, delta, *, posted_at=NOW, before=1000, kind="", entry_id=""):
        kind = kind or (TRANSFER_OUT if delta < 0 else TRANSFER_IN)
        entry_id = entry_id or f"rrr_entry_{source_ref}_{len(self.entries[source_ref])}"
        self.entries[source_ref].append(
            PostedEntry(entry_id, account, source_ref, delta, before + delta, posted_at, kind)
        )

    def post(self, source_ref, tipper, performer, total, *, net=None, posted_at=NOW):
        """What a platform causes: out of the tipper's wallet, into the performer's."""
        self.entry(source_ref, user_account(tipper), -total, posted_at=posted_at, before=500)
        self.entry(
            source_ref, performer_account(performer), total if net is None else net, posted_at=posted_at
        )


class RemoteLedger:
    world = World()
    joins_transactions = False

    @property
    def places_tips(self):
        return settings.LEDGER_PLACES_TIPS

    def transfer(self, groups, *, now, session=None):
        assert session is None, "a remote ledger is never asked inside a transaction"
        assert settings.LEDGER_PLACES_TIPS, "nothing is placed where we only look"
        return [self._transfer(group, now) for group in groups]

    def _transfer(self, group, now):
        world = self.world
        world.placed += [order.key for order in group]
        if world.refusal is not None:
            return world.refusal
        for order in group:
            for account, delta in ((order.debit, -order.amount), (order.credit, order.amount)):
                world.entry(order.key, account, delta, posted_at=now)
        if world.lost_answers:
            raise world.lost_answers.pop()
        return Posted([entry for order in group for entry in world.entries[order.key]])

    def entries_for(self, source_ref, *, accounts, since=None):
        world = self.world
        world.asked.append(source_ref)
        if world.when_asked:
            world.when_asked(source_ref)
        if source_ref in world.failures:
            raise world.failures[source_ref]
        return list(world.entries.get(source_ref, ()))

    def balance_of(self, account):
        return 0

    def health(self):
        return True


@pytest.fixture
def remote(monkeypatch, settings):
    """From here on the ledger is this one; the World that it answers from."""
    monkeypatch.setitem(gateway.GATEWAYS, "rrr", f"{__name__}.RemoteLedger")
    settings.LEDGER_GATEWAY, settings.LEDGER_PLACES_TIPS = "rrr", False
    RemoteLedger.world = World()
    gateway.current.cache_clear()
    yield RemoteLedger.world
    gateway.current.cache_clear()
