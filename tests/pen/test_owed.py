"""What the pen's plain ends owe: the entry says that a page delivered less, and its row follows."""

import pytest

from ground import clock
from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.models import Activation, Owed
from lovense.owed import keeping, listing
from tests.pen.conftest import post, running, tip, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_plain_end_that_is_short_owes_its_seconds(stage, bob, is_late):
    """Born finished, or finished when its start was in the rows already."""
    async with running(stage.performer_id) as (pen, page):
        played = []
        for seconds in (3.2, 10.0):
            tip_id, body = tip(stage.performer_id, bob)
            await post(pen, body)
            said = await page.next()
            if is_late:
                await until(lambda key=tip_id: collection(Activation).find_one({"tip_id": key}))
            assert page.finish(said, seconds)
            played.append(tip_id)
        for tip_id in played:
            ended = {"tip_id": tip_id, "status": "completed"}
            await until(lambda wanted=ended: collection(Activation).find_one(wanted))
    assert keeping.drain(now=clock.now(), limit=9) == 1
    (row,) = collection(Owed).find()
    assert (row["_id"], row["owed"], row["cause"]) == (activation_id(played[0]), 68, "disconnect")
    assert list(listing.differences()) == []
