"""What she publishes binds the pen: the tip after it is answered by the new version, and by no draft; and
items that cool down or run out are counted in memory, as exactly as by the rows."""

import asyncio
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.journal import journal
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.deciding import resets
from lovense.lane.live import LaneState
from lovense.menus import drafts, versions, wishes
from lovense.menus.drafts import Writing
from lovense.menus.versions import Publication
from lovense.models import ItemState, StockPiece
from lovense.sending import dispatch
from lovense.sending.acknowledgement import Ack, acknowledge
from tests.pen.conftest import finished, post, rows, running, tip

pytestmark = pytest.mark.django_db(transaction=True)


def writing(performer_id):
    return Writing(performer_id, None, "ana", clock.now())


def stronger(performer_id):
    """All items of her draft have the greatest strength."""
    for item in drafts.of(performer_id).items:
        wish = wishes.read(Fields({"intensity": 20, "title": "New"}, ""), item)
        drafts.change(writing(performer_id), item["itemId"], wish)


async def test_a_tip_is_answered_by_what_was_published_before_it(stage, bob):
    async with running(stage.performer_id) as (pen, page):

        async def answered():
            await post(pen, tip(stage.performer_id, bob)[1])
            said = await page.next()
            assert page.finish(said)
            return said["item"]["itemName"]

        first = await answered()
        await sync_to_async(stronger)(stage.performer_id)
        assert await answered() == first
        asked = Publication(writing(stage.performer_id), "key")
        assert (await sync_to_async(versions.publish)(asked)).is_new
        assert await answered() == "New"


def offered(performer_id, **terms):
    """All items of her menu have these terms; what no item answers, her default reaction does."""
    for item in drafts.of(performer_id).items:
        drafts.change(
            writing(performer_id), item["itemId"], wishes.read(Fields({"title": "Rare"} | terms, ""), item)
        )
    reaction = {"active": True, "pattern": "level", "intensity": 3, "durationSec": 2}
    drafts.react(writing(performer_id), reaction)
    versions.publish(Publication(writing(performer_id), f"{terms}"))


RARE, REACTION = "Rare", "Default reaction"


class Asked:
    """Tips of a viewer, each played to its end by what her page is sent; her lane is in memory throughout."""

    def __init__(self, stage, pen, page, viewer):
        self.stage, self.pen, self.page, self.viewer = stage, pen, page, viewer

    async def begins(self):
        await post(self.pen, tip(self.stage.performer_id, self.viewer)[1])
        return await self.page.next()

    async def titles(self, count, *, seconds=2.0):
        found = []
        for _ in range(count):
            said = await self.begins()
            assert self.page.finish(said, seconds), "it is not in memory"
            found.append(said["item"]["itemName"])
        return found

    async def does(self, work, *given, **named):
        """Something of hers, at a door; the lane has been read again after it."""
        found = await sync_to_async(work)(*given, **named)
        number = await sync_to_async(journal.last)()
        async with asyncio.timeout(10):
            while self.pen._memory.number < number or not self._is_ready():
                await asyncio.sleep(0.01)
        return found

    def _is_ready(self):
        lane = self.pen.lanes.get(self.stage.performer_id)
        return lane is not None and lane.state is LaneState.READY


@pytest.fixture
async def asked(stage, bob, limited):
    await limited(0)
    async with running(stage.performer_id) as (pen, page):
        yield Asked(stage, pen, page, bob)


def pieces():
    found = list(collection(StockPiece).find().sort("number", 1))
    return [(piece["number"], piece["state"]) for piece in found]


def item_id(stage):
    """Of the item that answers 100 tokens."""
    return drafts.of(stage.performer_id).items[-1]["itemId"]


async def test_stock_is_counted_in_memory_and_its_rows_follow(asked, stage, slow_rows):
    await asked.does(offered, stage.performer_id, stock=2)
    assert await asked.titles(3) == [RARE, RARE, REACTION]
    assert await sync_to_async(pieces)() == [], "no row was asked, and none was written yet"
    await asked.pen.catch_up()
    assert await sync_to_async(pieces)() == [(1, "played"), (2, "played")]
    who = {"by": "ana", "now": clock.now()}
    shelf = await asked.does(resets.restock, stage.performer_id, await sync_to_async(item_id)(stage), **who)
    assert (shelf.left, shelf.refill) == (2, 2)
    assert await asked.titles(3) == [RARE, RARE, REACTION]


async def test_a_cooldown_is_kept_in_memory_and_a_reset_ends_it(asked, stage, slow_rows):
    await asked.does(offered, stage.performer_id, cooldownSec=3600)
    assert await asked.titles(3) == [RARE, REACTION, REACTION]
    assert rows(ItemState) == 0
    reset = await asked.does(resets.cooldowns, stage.performer_id, by="ana", now=clock.now())
    assert len(reset) == 1, "what memory knows was in the rows before she was answered"
    assert await asked.titles(2) == [RARE, REACTION]
    await asked.pen.catch_up()
    state = await sync_to_async(collection(ItemState).find_one)({})
    assert len(state["runs"]) == 2


async def test_what_did_not_play_is_given_back_and_the_lane_goes_on_with_it(asked, stage):
    """The piece that was given back is taken from the rows, as nobody has had the others."""
    await asked.does(offered, stage.performer_id, stock=1)
    said = await asked.begins()
    refused = Ack(stage.performer_id, said["activationId"], said["attempt"], "failed", clock.now())
    await asked.pen.catch_up()
    await sync_to_async(acknowledge)([replace(refused, code="unsupported")])
    asked.pen.read_again([stage.performer_id])
    titles = []
    for _ in range(2):
        said = await asked.begins()
        titles.append(said["item"]["itemName"])
        if not asked.page.finish(said):
            await sync_to_async(acknowledge)([finished(stage.performer_id, said, 2.0)])
            asked.pen.read_again([stage.performer_id])
    assert titles == [RARE, REACTION]


async def test_a_start_that_did_not_know_of_a_refill_is_worked_out_again(asked, stage, slow_rows):
    """She fills up between the look and the entry: the entry's number is taken, so it never was."""
    await asked.does(offered, stage.performer_id, stock=1)
    assert await asked.titles(1) == [RARE]
    append, is_filled = asked.pen._entries._writer.append, []

    async def filled_up_before(document):
        if not is_filled:
            is_filled.append(document["starts"][0]["item"]["title"])
            who = {"by": "ana", "now": clock.now()}
            key = await sync_to_async(item_id)(stage)
            await sync_to_async(resets.restock)(stage.performer_id, key, **who)
        await append(document)

    asked.pen._entries._writer.append = filled_up_before
    assert await asked.titles(2) == [RARE, REACTION]
    assert is_filled == [REACTION]
    await asked.pen.catch_up()
    assert [number for number, _ in await sync_to_async(pieces)()] == [1, 1], "one of each refill"


async def test_a_worker_that_starts_from_the_rows_sees_what_memory_has_sold(asked, stage, bob, slow_rows):
    """Its look is a turn: before it all is in the rows, and what memory works out meanwhile is refused."""
    await asked.does(offered, stage.performer_id, stock=1)
    await asked.titles(1)
    number = asked.pen._memory.number
    tip_id, _ = tip(stage.performer_id, bob)

    def looked():
        request = {"idempotency_key": tip_id, "lane": stage.performer_id, "attempts": 1, "type": "tip"}
        payload = {"amount": 100, "createdAt": clock.iso(clock.now())}
        seen = dispatch.look([request | {"payload": payload}], now=clock.now())
        return next(iter(seen.rules.standings[stage.performer_id].values())).shelf.left

    assert await asked.does(looked) == 0
    assert await sync_to_async(journal.unfolded)() > number
    assert await asked.titles(1) == [REACTION]


async def test_a_menu_with_terms_and_a_plain_one_follow_each_other(asked, stage):
    await asked.does(offered, stage.performer_id, stock=1)
    assert await asked.titles(2) == [RARE, REACTION]
    await asked.does(offered, stage.performer_id, stock=None)
    assert await asked.titles(2) == [RARE, RARE]
    assert stage.performer_id not in asked.pen.lanes.rules.standings
    await asked.does(offered, stage.performer_id, stock=5, cooldownSec=3600)
    assert await asked.titles(2) == [RARE, REACTION]
