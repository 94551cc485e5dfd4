"""Every name and message that goes over the channel layer, and the way a worker sends them.

Workers publish the pub/sub layer's own bytes with one Redis pipeline: ten times faster than one
`group_send` after another. The naming is the layer's private one, so
channels-redis is pinned and a test compares bytes."""

import logging
import time
from collections.abc import Iterable

import msgpack  # type: ignore[import-untyped]
import redis
from django.conf import settings

from ground.hops import doorbell
from ground.hops.soon import Soon
from lovense.rows import ActivationRow, LayerMessage

log = logging.getLogger(__name__)

# {type, id, attempt, lease, epoch, text}: a ready `lovense.activate` for the page that holds the
# devices
PAGE_ACTIVATE = "page.activate"
PAGE_STOP = "page.stop"  # {type, text}: a ready `lovense.stop` of some runs for the same page
# {type, at, epoch, by}: everything ends, on each page of a performer. `at`: when she pressed, in
# ms; None where nobody has. `epoch` None: it is not recorded yet. `by`: the process that has told
# its own pages already.
PAGE_HALT = "page.halt"
# {type, page}: this page of a performer wants her devices. Whoever holds them looks at the row, and
# so does that page itself.
PAGE_TAKE = "page.take"
# {type, topic, flows}: something her pages show has changed; it flows: nobody has pressed for it
PAGE_NEWS = "page.news"
# Pages re-fetch a region, they do not follow every row. "At once" still gathers what one write
# changed.
NEWS_SECONDS, NEWS_AT_ONCE = 0.5, 0.03


def activate(row: ActivationRow, text: str, lease: int) -> LayerMessage:
    about = {"id": row["_id"], "attempt": row["attempt"], "epoch": row["stop_epoch"]}
    return {"type": PAGE_ACTIVATE, **about, "lease": lease, "text": text}


def stop(text: str) -> LayerMessage:
    return {"type": PAGE_STOP, "text": text}


def halt(at: int | None, epoch: int | None, by: str) -> LayerMessage:
    return {"type": PAGE_HALT, "at": at, "epoch": epoch, "by": by}


def take(page_id: str) -> LayerMessage:
    return {"type": PAGE_TAKE, "page": page_id}


def performer_group(performer_id: str) -> str:
    return f"performer.{performer_id}"


def pages_of(performer_id: str) -> str:
    """The channel on which all her pages are reached, wherever they are."""
    return _layer_group(performer_group(performer_id))


def _layer_group(group: str) -> str:
    return f"{settings.CHANNEL_LAYER_PREFIX}__group__{group}"


def publish(messages: Iterable[tuple[str, LayerMessage]]) -> None:
    """Sends (channel name, message) pairs in one round trip. A lost message is healed by what the
    page asks on its own."""
    pipeline = doorbell.connection().pipeline(transaction=False)
    for channel, message in messages:
        pipeline.publish(channel, msgpack.packb(message))
    if not pipeline:
        return
    try:
        pipeline.execute()
    except (redis.RedisError, OSError):
        log.warning("publish_failed", extra={"count": len(pipeline)})


def is_reachable() -> bool:
    """Whether what is published now would be heard."""
    try:
        return bool(doorbell.connection().ping())
    except (redis.RedisError, OSError):
        return False


class News:
    """Collects what changed and tells the pages: the first change at once, further ones once per
    NEWS_SECONDS; and what a person did, at once."""

    def __init__(self) -> None:
        self.soon: Soon[tuple[str, str]] = Soon(self._tell, name="news", wait=self._wait)
        self._told_at = -NEWS_SECONDS

    def mark(self, performer_ids: Iterable[str], topic: str) -> None:
        self.soon.ask((performer_id, topic) for performer_id in performer_ids)

    def at_once(self, performer_ids: Iterable[str], topic: str) -> None:
        """Of what a person did, past the gathering: who has pressed looks at it on another page."""
        publish((pages_of(who), {"type": PAGE_NEWS, "topic": topic}) for who in performer_ids)

    def _wait(self) -> float:
        return max(NEWS_AT_ONCE, self._told_at + NEWS_SECONDS - time.monotonic())

    def _tell(self, changed: Iterable[tuple[str, str]]) -> None:
        self._told_at = time.monotonic()
        about = {"type": PAGE_NEWS, "flows": True}
        publish((pages_of(who), about | {"topic": topic}) for who, topic in changed)


news = News()


REPAIRS = "lovense.repairs"  # the hop that asks what is wrong


def devices_changed(performer_ids: Iterable[str]) -> None:
    """Her pages show it, and what is wrong with her devices is asked anew."""
    whose = list(performer_ids)
    if whose:
        news.mark(whose, "devices")
        doorbell.ring_soon(REPAIRS)
