"""What a worker publishes is, byte for byte, what the pinned channel layer itself would; and news is
coalesced, never lost."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import msgpack
import pytest
from channels.layers import channel_layers
from django.conf import settings

from lovense.sending import groups
from tests import services
from tests.lovense.conftest import Wire

ANA, CAROL = "507f191e810c19729de860eb", "507f191e810c19729de860ec"
GROUP = f"{settings.CHANNEL_LAYER_PREFIX}__group__performer.{ANA}"
MESSAGES = [
    {"type": "page.news", "topic": "queue"},
    {"type": "page.activate", "id": "x.all", "attempt": 2, "text": '{"a":"\u00e9😀"}' * 100},
]


def layer():
    return channel_layers["default"]


# --- the layer's own bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["type"])
def test_our_bytes_to_one_page_are_the_layers(message):
    async def sent_by_the_layer():
        channel = await layer().new_channel()
        wire = Wire(channel)
        await layer().send(channel, message)
        found = await asyncio.to_thread(wire.raw)
        groups.publish([(channel, message)])
        ours = await asyncio.to_thread(wire.raw)
        wire.close()
        return found, ours

    found, ours = asyncio.run(sent_by_the_layer())
    assert len(found) == 1
    assert ours == found


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["type"])
def test_our_bytes_to_a_group_are_the_layers(message):
    wire = Wire(GROUP)
    asyncio.run(layer().group_send(groups.performer_group(ANA), message))
    found = wire.raw()
    groups.publish([(groups._layer_group(groups.performer_group(ANA)), message)])
    assert wire.raw() == found
    assert [channel for channel, _ in found] == [GROUP]
    wire.close()


def test_the_layer_understands_us():
    async def received():
        channel = await layer().new_channel()
        await layer().group_add(groups.performer_group(ANA), channel)
        while True:  # its SUBSCRIBE is sent and not awaited
            groups.publish([(GROUP, MESSAGES[0]), (channel, MESSAGES[1])])
            try:
                async with asyncio.timeout(0.2):
                    return [await layer().receive(channel) for _ in range(2)]
            except TimeoutError:
                continue

    async def bounded():
        async with asyncio.timeout(5):
            return await received()

    found = asyncio.run(bounded())
    assert sorted(message["type"] for message in found) == ["page.activate", "page.news"]


def test_many_messages_go_in_their_order():
    wire = Wire("one", "two")
    groups.publish((("one", "two")[number % 2], {"n": number}) for number in range(200))
    assert [msgpack.unpackb(data)["n"] for _, data in wire.raw()] == list(range(200))
    wire.close()


def test_without_redis_publishing_is_a_line_in_the_log(caplog):
    services.running.redis.stop()
    try:
        groups.publish([("one", {"n": 1})])
        groups.publish([])
    finally:
        services.running.redis.start()
    assert [record.msg for record in caplog.records] == ["publish_failed"]


# --- news --------------------------------------------------------------------------------------------------


@pytest.fixture
def news():
    return groups.News()


@pytest.fixture
def heard(news):
    """What ana's and carol's pages hear, once what was marked has been told: (performer, topic)."""
    names = {f"{settings.CHANNEL_LAYER_PREFIX}__group__performer.{who}": who for who in (ANA, CAROL)}
    wire = Wire(*names)

    def listen():
        news.soon.done().result(5)
        return sorted((names[channel], msgpack.unpackb(data)["topic"]) for channel, data in wire.raw())

    yield listen
    wire.close()


def test_what_happens_by_itself_is_marked_and_what_a_person_did_is_not(news):
    wire = Wire(groups.pages_of(ANA))
    news.mark([ANA], "queue")
    news.soon.done().result(5)
    news.at_once([ANA], "queue")
    assert [msgpack.unpackb(data).get("flows") for _, data in wire.raw()] == [True, None]


def test_many_changes_are_told_once(news, heard):
    for _ in range(50):
        news.mark([ANA], "queue")
    assert heard() == [(ANA, "queue")]


def test_each_performer_and_topic_is_told(news, heard):
    news.mark([ANA, CAROL], "queue")
    news.mark([ANA], "devices")
    assert heard() == [(ANA, "devices"), (ANA, "queue"), (CAROL, "queue")]


def test_nothing_is_told_when_nothing_changed(news, heard):
    news.mark([], "queue")
    assert heard() == []


def test_a_change_after_the_telling_is_told_again(news, heard):
    for _ in range(3):
        news.mark([ANA], "queue")
        assert heard() == [(ANA, "queue")]


def test_what_a_person_did_does_not_wait_for_what_is_being_gathered(news, heard, monkeypatch):
    monkeypatch.setattr(groups, "NEWS_SECONDS", 2.0)
    news.mark([ANA], "tips")
    assert heard() == [(ANA, "tips")]
    wire = Wire(GROUP)
    news.mark([ANA], "tips")  # two seconds after the one before
    news.at_once([ANA], "queue")
    assert [msgpack.unpackb(data)["topic"] for _, data in wire.raw()] == ["queue"]
    wire.close()
    news.soon.done().result(5)


def test_marks_of_many_threads_while_it_tells_are_all_told(news, heard, monkeypatch):
    monkeypatch.setattr(groups, "NEWS_SECONDS", 0.0)  # it tells all the time
    monkeypatch.setattr(groups, "NEWS_AT_ONCE", 0.0)
    topics = [f"topic {number}" for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda topic: news.mark([ANA], topic), topics))
    told = {topic for _, topic in heard()}
    assert told == set(topics)
