"""Ten pieces, many tips, and a process that dies after every write of the hop that takes them: ten play, and
the rest is passed over."""

import json
import signal
from datetime import timedelta

import pytest
from django.db import connection

from ground import clock
from ground.mongodb import abandoned
from ground.mongodb.collections import collection
from lovense.deciding import resets, stock
from lovense.menus import publishing
from lovense.models import Activation, StockPiece
from lovense.sending import acknowledgement, leases, pages, resume
from lovense.sending.acknowledgement import Ack
from tests.chain import Chain
from tests.factories import fund
from tests.flows import hops, nursery
from tests.flows.nursery import SLOT

DIED = -signal.SIGKILL
PIECES, TIPS, KILLS = 10, 16, 40
WRITES = 7  # of a round, as many as may be its last
MENU = [
    {"title": "Rare", "itemId": "rare", "minimum": 50, "maximum": 50, "stock": PIECES}
    | {"pattern": "level", "intensity": 5, "durationSec": 5},
    {"title": "Common", "itemId": "common", "minimum": 1, "maximum": None}
    | {"pattern": "level", "intensity": 5, "durationSec": 5},
]
ENDS = ("finished", "finished", "unsupported", "finished", "silent")


@pytest.fixture
def shop(transactional_db, ana, bob):
    chain = Chain(ana, now=clock.now())
    publishing.publish(chain.performer_id, MENU, chain.now)
    fund(bob, 10_000)
    for _ in range(TIPS):
        chain.settled(bob, 50)
    return chain


def accounted():
    """Taken is what played, what nobody knows, and what is under way."""
    taken = list(collection(StockPiece).find({"activation": {"$gt": ""}}))
    rows = {row["_id"]: row for row in collection(Activation).find()}
    fates = [stock.became(rows.get(piece["activation"]), "rare") for piece in taken]
    assert len({piece["activation"] for piece in taken}) == len(taken) <= PIECES + fates.count("nothing")
    return fates


def recover(chain):
    """What a restarted worker does, and the clock."""
    abandoned.end(SLOT)
    leases.recover(SLOT, now=chain.now)
    chain.now += timedelta(seconds=40)
    pages.take(chain.performer_id, page_id="page", channel="channel", slot="web-0", now=chain.now)
    hops.heal(clock.iso(chain.now))


def ended(chain, turn):
    """What its page says of whatever it was sent: most play, some are refused, one in five is silent."""
    for command in resume.in_flight([chain.performer_id], before=chain.now):
        said = ENDS[turn % len(ENDS)]
        seconds = float(json.loads(command.text)["durationSec"])
        who = chain.performer_id, command.activation_id, command.attempt
        if said == "silent":
            acknowledgement.acknowledge([Ack(*who, "received", chain.now)])
            chain.now += timedelta(seconds=120)
            hops.heal(clock.iso(chain.now))
        elif said == "finished":
            acknowledgement.acknowledge([Ack(*who, "finished", chain.now, seconds)])
        else:
            acknowledgement.acknowledge([Ack(*who, "failed", chain.now, None, said)])


def test_ten_pieces_are_ten_whatever_dies(shop):
    killed, turn, deaths = 0, 0, []
    with nursery.opened(connection.settings_dict["NAME"]) as birth:
        while killed < KILLS:
            recover(shop)
            status, writes = birth("send", last=1 + killed % WRITES, now=clock.iso(shop.now))
            killed += 1
            assert status in (DIED, nursery.SURVIVED), writes
            deaths += [writes[-1]] if status == DIED else []
            accounted()
            if killed % 2:
                continue  # its lane is taken over, and tried again
            recover(shop)
            hops.send(clock.iso(shop.now))
            accounted()
            ended(shop, turn)
            turn += 1
        for _ in range(4 * TIPS):
            recover(shop)
            hops.send(clock.iso(shop.now))
            ended(shop, 0)
    assert len(deaths) > KILLS / 2
    assert {"insert stock_pieces", "insert activations"} <= set(deaths)
    rows = list(collection(Activation).find())
    fates = accounted()
    assert len(rows) == TIPS
    assert fates.count("under_way") == 0
    assert fates.count("played") + fates.count("unknown") == PIECES
    assert sum(row["item"]["itemId"] == "common" for row in rows if row["item"]) > 0
    assert resets.shelf_of(shop.performer_id, "rare").left == 0
