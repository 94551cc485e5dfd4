"""The performer's socket, `/ws/performer`: commands to the page that holds her devices,
acknowledgements from it, news to all.

Messages are written down in docs/sockets.md. Sockets carry news and commands, never HTML.
Everything that touches the database goes through a group commit or a thread; the event loop only
parses and forwards."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer

from ground import clock
from ground.hops import doorbell
from ground.json.errors import Refusal
from ground.json.fields import Malformed
from lovense.bridges import extensionreport
from lovense.bridges.extensionreport import ExtensionReport
from lovense.devices import register
from lovense.performers import identity
from lovense.rows import Json, LayerMessage
from lovense.sending import groups, handover
from lovense.sockets import allowance, protocol
from lovense.sockets.openpage import OpenPage, in_thread
from lovense.sockets.outbox import Outbox
from lovense.sockets.pressing import pressing
from lovense.sockets.process import TOO_MANY_PAGES, UNAUTHENTICATED, sockets
from lovense.stopping import presses
from lovense.stopping.presses import Still

log = logging.getLogger(__name__)

TRY_LATER = 1013
# Words of a page that were read and are not handled yet; what is beyond waits in its connection.
READ_AHEAD = 64


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It runs as long as the block does."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class PerformerConsumer(AsyncConsumer):
    """The door of one page."""

    page: OpenPage

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One loop for the page and one for the layer, where Channels makes two tasks for every
        message. However it ends, nothing here takes it for an open page any more."""
        self.scope, self.base_send = scope, send
        self.channel_layer = get_channel_layer()
        self.channel_name = await self.channel_layer.new_channel()
        is_connected = asyncio.Event()
        try:
            async with beside(self._hear_layer(is_connected)):
                await self.dispatch(await receive())
                is_connected.set()  # it has its snapshot
                await self._hear_page(receive)
        except StopConsumer:
            pass
        finally:
            if hasattr(self, "page"):
                self.page.outbox.forget()
                sockets.remove(self.page)

    async def _hear_page(self, receive: Any) -> None:
        """In its order, one after the other; only a stop waits for nothing."""
        words: asyncio.Queue[LayerMessage] = asyncio.Queue(READ_AHEAD)
        async with beside(self._read(receive, words)):
            while True:
                await self.dispatch(await words.get())

    async def _read(self, receive: Any, words: "asyncio.Queue[LayerMessage]") -> None:
        while True:
            message = await receive()
            if protocol.is_stop(message.get("text")):
                pressing.press(self.page.performer_id, by=self.page.opener.username)
            else:
                await words.put(message)

    async def _hear_layer(self, is_connected: asyncio.Event) -> None:
        """The layer forgets a channel when a receive is cancelled, so it begins with one."""
        while True:
            message = await self.channel_layer.receive(self.channel_name)
            await is_connected.wait()
            try:
                await self.dispatch(message)
            except Exception as error:  # of one message; what it said is asked for again
                log.warning("socket_failed", extra={"error_code": type(error).__name__})

    async def dispatch(self, message: LayerMessage) -> None:
        # Channels closes old ORM connections before every message, a thread hop each; there is none
        # to close here.
        handler = getattr(self, message["type"].replace(".", "_"))
        await handler(message)

    async def websocket_connect(self, message: LayerMessage) -> None:
        opener = await in_thread(identity.opener_of, self.scope)
        if opener is None:
            await self._turn_away()
        page = self._page(opener)
        await self.send({"type": "websocket.accept"})
        if not sockets.has_room_for(page):
            await self._refuse(TOO_MANY_PAGES)
        self.page = page
        sockets.add(page)
        group = groups.performer_group(page.performer_id)
        await self.channel_layer.group_add(group, self.channel_name)
        if not (page.wants_devices and await page.try_to_hold(has_returned=True)):
            await page.snapshot()
            sockets.stand_by(page)

    async def _turn_away(self) -> NoReturn:
        """A script is never told why a door did not open: a page of ours, whose session has ended,
        would try again and again. It is let in to be told."""
        if identity.is_own_page(self.scope):
            await self.send({"type": "websocket.accept"})
        await self._refuse(UNAUTHENTICATED)

    async def _refuse(self, code: int) -> NoReturn:
        await self.send({"type": "websocket.close", "code": code})
        raise StopConsumer

    def _page(self, opener: identity.Opener) -> OpenPage:
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        peer = self.scope.get("extensions", {}).get("peer")
        self._allowance = allowance.Allowance(asyncio.get_running_loop().time())
        return OpenPage(
            opener,
            page_id=query.get("page", [""])[0][:64] or secrets.token_hex(8),
            channel=self.channel_name,
            wants_devices=query.get("watch") != ["1"],
            wants_beats=query.get("beats") == ["1"],
            outbox=Outbox(self.send, peer),
            peer=peer,
        )

    # --- from the channel layer ------------------------------------------------------------------

    async def page_activate(self, message: LayerMessage) -> None:
        sockets.pass_on(self.page, message)

    page_stop = page_halt = page_take = page_news = page_activate

    # --- from the page ---------------------------------------------------------------------------

    async def websocket_receive(self, message: LayerMessage) -> None:
        if self.page.outbox.is_refused:
            return
        cost = allowance.OTHER
        try:
            data = protocol.parsed(message.get("text"))
            cost = allowance.ACK if data["type"] == "ack" else allowance.OTHER
            await self._heard(data)
        except protocol.MessageRefused as refused:
            self.page.say(protocol.refusal(refused, refused.field, refused.rule))
        except Malformed as refused:
            self.page.say(protocol.refusal(refused, refused.field, refused.rule))
        except Refusal as why:
            self.page.say(protocol.refused(why))
        except Exception as error:
            # The page keeps its memory and says it again after the reconnect.
            log.warning("socket_failed", extra={"error_code": type(error).__name__})
            self.page.outbox.close(TRY_LATER)
        if wait := self._allowance.take(cost, asyncio.get_running_loop().time()):
            await asyncio.sleep(wait)

    async def _heard(self, data: Json) -> None:
        page = self.page
        if data["type"] == "ack":
            await sockets.acknowledge(protocol.ack(data, page.performer_id, page.forwarded[0]))
        elif data["type"] == "devices":
            await self._devices(data)
        elif data["type"] == "stopped":
            await self._still(protocol.stopped(data))
        elif data["type"] == "extension":
            await self._extension(protocol.extension(data))
        elif data["type"] == "take":
            await self._take()
        elif data["type"] == "released":
            await page.let_go(protocol.released(data))
        else:
            words = "must be ack, devices, extension, released, stop, stopped or take"
            raise protocol.MessageRefused("type", words)

    async def _take(self) -> None:
        """It wants the devices that another page of hers holds."""
        page = self.page
        await page.stand_by()
        about = {"page_id": page.page_id, "now": clock.now()}
        await in_thread(handover.take, page.performer_id, **about)

    async def _still(self, said: Still) -> None:
        """It is told again and again, and answers each time."""
        page = self.page
        if said.is_confirmed:
            page.halt.confirmed(said.epoch)
        if not page.is_new(said):
            return
        about = {"performer_id": page.performer_id, "page_id": page.page_id, "now": clock.now()}
        if await in_thread(presses.answered, said, **about):
            groups.news.mark([page.performer_id], "devices")

    async def _devices(self, data: Json) -> None:
        """A tip may have waited for one of them."""
        whose = self.page.performer_id
        if await in_thread(register.report, whose, data.get("toys"), now=clock.now()):
            groups.devices_changed([whose])
            await in_thread(doorbell.ring, "lovense.dispatch")

    async def _extension(self, said: ExtensionReport) -> None:
        """Of the page that holds her devices alone; a tip may have waited for one of its toys."""
        page = self.page
        if not page.is_holder:
            return
        if await in_thread(extensionreport.report, page.performer_id, said, now=clock.now()):
            groups.devices_changed([page.performer_id])
            await in_thread(doorbell.ring, "lovense.dispatch")

    async def websocket_disconnect(self, message: LayerMessage) -> None:
        sockets.remove(self.page)
        self.page.outbox.forget()  # what still waits to stand by sees that it has gone
        await self.page.release()
        group = groups.performer_group(self.page.performer_id)
        await self.channel_layer.group_discard(group, self.channel_name)
        raise StopConsumer
