"""Entries made durable for an event loop: over a connection of its own (`ground/mongodb/wire.py`),
and by the driver, in a thread, where there is none or where it did not answer plainly."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from pymongo.errors import PyMongoError

from ground.journal import journal
from ground.journal.journal import KeyTaken, NumberTaken
from ground.journal.models import JournalEntry
from ground.mongodb import unique, wire
from ground.mongodb.collections import Document, client, collection
from ground.mongodb.wire import Lent, NoAnswer, Wire


class EntryWriter:
    """One entry is on its way at a time. Whoever has a writer closes it."""

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread
        self._wire: Wire | None = None

    async def append(self, document: Document) -> None:
        """As `journal.append`."""
        if self._wire is None or not self._wire.is_open:
            await self._by_driver(partial(journal.append, document))
            return
        rows = collection(JournalEntry)
        name, concern = rows.database.name, rows.write_concern.document
        try:
            reply = await self._wire.insert(rows.name, document, database=name, concern=concern)
        except NoAnswer:
            reply = {}
        for failure in reply.get("writeErrors", ()):
            if failure["code"] == unique.DUPLICATE_KEY:
                raise journal.refusal_of(failure)
        if not reply.get("ok") or "writeErrors" in reply or "writeConcernError" in reply:
            self.close()
            await self._by_driver(partial(again, document))

    async def _by_driver(self, write: "partial[None]") -> None:
        loop = asyncio.get_running_loop()
        lent = await loop.run_in_executor(self._thread, _and_lend, write)
        if lent is not None:
            self._wire = await Wire.over(lent)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None


def _and_lend(write: "partial[None]") -> Lent | None:
    write()
    with suppress(PyMongoError):
        return wire.lend(client())
    return None


def again(document: Document) -> None:
    """After an answer that never came: when the number is there already and by the same writer, it
    is this very entry."""
    try:
        journal.append(document)
    except (NumberTaken, KeyTaken):
        row = journal.find(document["_id"])
        if row is None or row["by"] != document["by"]:
            raise
