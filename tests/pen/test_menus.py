"""What she publishes binds the pen: the tip after it is answered by the new version, and by no draft."""

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.json.fields import Fields
from lovense.menus import drafts, versions, wishes
from lovense.menus.drafts import Writing
from lovense.menus.versions import Publication
from tests.pen.conftest import post, running, tip

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
