"""The staff's socket, `/ws/admin`: news that something has changed, and never what.

Messages are written down in docs/sockets.md. Whoever hears the news asks again by GET."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from adminpanel.live import watchers
from adminpanel.live.sockets import StaffSocket, sockets
from adminpanel.live.watchers import Watcher
from ground import clock
from lovense.consumers import TRY_LATER
from lovense.performers import identity
from lovense.rows import LayerMessage
from lovense.sockets import allowance, protocol
from lovense.sockets.openpage import in_thread
from lovense.sockets.outbox import Outbox
from lovense.sockets.process import TOO_MANY_PAGES, UNAUTHENTICATED

Receive = Callable[[], Awaitable[LayerMessage]]
Send = Callable[[LayerMessage], Awaitable[None]]

log = logging.getLogger(__name__)


async def news(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One socket, from its opening to its end."""
    await receive()
    watcher = await _admitted(scope, send)
    if watcher is None:
        return
    peer = scope.get("extensions", {}).get("peer")
    one = StaffSocket(watcher, Outbox(send, peer))
    sockets.add(one)
    try:
        await _hear(one, receive)
    finally:
        one.outbox.forget()
        sockets.remove(one)


async def _admitted(scope: dict[str, Any], send: Send) -> Watcher | None:
    """A page of this site is let in to be told the code; a script of another is not."""
    watcher, code = None, UNAUTHENTICATED
    try:
        watcher = await in_thread(watchers.watcher_of, scope, now=clock.now())
    except Exception as error:  # it connects again
        log.warning("staff_socket_failed", extra={"error_code": type(error).__name__})
        code = TRY_LATER
    if watcher is not None and not sockets.has_room_for(watcher):
        watcher, code = None, TOO_MANY_PAGES
    if watcher is not None or identity.is_own_page(scope):
        await send({"type": "websocket.accept"})
    if watcher is None:
        await send({"type": "websocket.close", "code": code})
    return watcher


async def _hear(one: StaffSocket, receive: Receive) -> None:
    """Nothing is asked over this socket: whatever is said is refused, and read no faster than a
    performer's page."""
    loop = asyncio.get_running_loop()
    left = allowance.Allowance(loop.time())
    while (message := await receive())["type"] != "websocket.disconnect":
        try:
            protocol.parsed(message.get("text"))
            raise protocol.MessageRefused("type", "must not be sent: this socket only tells")
        except protocol.MessageRefused as refused:
            one.say(protocol.refusal(refused, refused.field, refused.rule))
        if wait := left.take(allowance.OTHER, loop.time()):
            await asyncio.sleep(wait)
