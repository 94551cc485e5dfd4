"""What she publishes binds the pen: the tip after it is answered by the new version, and by no draft."""

import pytest
from asgiref.sync import sync_to_async

from ground import clock
from ground.json.fields import Fields
from lovense.menus import drafts, versions, wishes
from lovense.menus.drafts import Writing
from lovense.menus.versions import Publication
from lovense.sending.acknowledgement import acknowledge
from tests.pen.conftest import finished, post, running, tip

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


def limited(performer_id, **terms):
    """All items of her menu have these terms; what no item answers, her default reaction does."""
    for item in drafts.of(performer_id).items:
        drafts.change(
            writing(performer_id), item["itemId"], wishes.read(Fields({"title": "Rare"} | terms, ""), item)
        )
    reaction = {"active": True, "pattern": "level", "intensity": 3, "durationSec": 2}
    drafts.react(writing(performer_id), reaction)
    versions.publish(Publication(writing(performer_id), f"{terms}"))


@pytest.mark.parametrize("terms", [{"stock": 1}, {"cooldownSec": 3600}])
async def test_a_menu_with_terms_is_answered_by_the_rows_and_a_plain_one_by_memory_again(stage, bob, terms):
    async with running(stage.performer_id) as (pen, page):

        async def answered():
            await post(pen, tip(stage.performer_id, bob)[1])
            said = await page.next()
            if not page.finish(said):  # its lane is not in memory: it is recorded with care
                await sync_to_async(acknowledge)([finished(stage.performer_id, said, 2.0)])
                pen.read_again([stage.performer_id])
            return said["item"]["itemName"]

        await sync_to_async(limited)(stage.performer_id, **terms)
        assert [await answered() for _ in range(3)] == ["Rare", "Default reaction", "Default reaction"]
        await sync_to_async(limited)(stage.performer_id, stock=None, cooldownSec=0)
        assert await answered() == "Rare"
