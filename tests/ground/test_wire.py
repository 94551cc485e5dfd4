"""A connection of the driver's, spoken to by the event loop: what is written on it is as durable as any
write, and whatever goes wrong on it the driver mends."""

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvloop
from pymongo.errors import AutoReconnect, DocumentTooLarge

from ground.journal import journal
from ground.journal.journal import KeyTaken, NumberTaken
from ground.journal.models import JournalEntry
from ground.journal.writing import EntryWriter
from ground.mongodb import wire
from ground.mongodb.collections import client, collection
from ground.mongodb.wire import NoAnswer, Wire
from tests import commands
from tests.factories import NOW

pytestmark = pytest.mark.django_db
# More than the driver's pool holds: what is not given back is missed.
MANY = 40


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    return request.param


def entry(number, **more):
    return {"_id": number, "by": "web-0/a", "at": NOW, **more}


def written():
    return sorted(row["_id"] for row in collection(JournalEntry).find())


async def on_wire(use):
    lent = await asyncio.to_thread(wire.lend, client())
    opened = await Wire.over(lent)
    try:
        return await use(opened)
    finally:
        opened.close()
        await asyncio.sleep(0)


def inserted(opened, document):
    rows = collection(JournalEntry)
    concern = rows.write_concern.document
    return opened.insert(rows.name, document, database=rows.database.name, concern=concern)


async def as_writer(use):
    with ThreadPoolExecutor(1) as thread:
        writer = EntryWriter(thread)
        try:
            await writer.append(entry(1))  # by the driver, which lends its connection then
            assert writer._wire is not None
            return await use(writer)
        finally:
            writer.close()
            await asyncio.sleep(0)


# --- the connection ----------------------------------------------------------------------------------------


def test_what_was_answered_is_durable_and_what_the_server_refuses_is_told(run):
    async def use(opened):
        first = await inserted(opened, entry(1, keys=["a"]))
        number = await inserted(opened, entry(1, keys=["b"]))
        key = await inserted(opened, entry(2, keys=["a"]))
        return first, number, key

    first, number, key = run(on_wire(use))
    assert first["n"] == 1
    assert "writeErrors" not in first
    assert number["writeErrors"][0]["keyPattern"] == {"_id": 1}
    assert key["writeErrors"][0]["keyPattern"] == {"keys": 1}
    assert written() == [1]


def test_an_answer_may_come_in_pieces_and_a_document_be_large(run):
    async def use(opened):
        return [await inserted(opened, entry(number, pad="x" * 5_000_000)) for number in (1, 2)]

    assert [reply["ok"] for reply in run(on_wire(use))] == [1, 1]


def test_the_drivers_listeners_hear_of_it():
    commands.WRITES.take(client().address[0])
    asyncio.run(on_wire(lambda opened: inserted(opened, entry(1))))
    rows = collection(JournalEntry)
    assert (rows.database.name, rows.name) in commands.WRITES.seen


def test_every_connection_is_given_back(run):
    async def use(opened):
        await inserted(opened, entry(len(written()) + 1))

    async def many():
        for _ in range(MANY):
            await on_wire(use)

    run(asyncio.wait_for(many(), 30)) if run is uvloop.run else asyncio.run(many())
    assert len(written()) == MANY


def test_a_connection_that_ends_before_the_answer_leaves_it_open_what_happened(run, fail_command):
    fail_command("insert", closeConnection=True)

    async def use(opened):
        with pytest.raises(NoAnswer):
            await inserted(opened, entry(1))
        assert not opened.is_open
        with pytest.raises(NoAnswer):
            await inserted(opened, entry(1))

    run(on_wire(use))


def test_a_server_that_keeps_silent_is_not_waited_for(monkeypatch, fail_command):
    monkeypatch.setattr(wire, "SILENCE_SECONDS", 0.1)
    fail_command("insert", blockConnection=True, blockTimeMS=600)

    async def use(opened):
        with pytest.raises(NoAnswer):
            await inserted(opened, entry(1))

    asyncio.run(on_wire(use))


def test_who_gives_up_waiting_leaves_no_answer_to_the_next(run, fail_command):
    fail_command("insert", blockConnection=True, blockTimeMS=300)

    async def use(opened):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(inserted(opened, entry(1)), 0.05)
        assert not opened.is_open

    run(on_wire(use))


def test_there_is_none_over_anything_but_a_plain_socket():
    here, there = socket.socketpair()
    with here, there:
        assert wire.is_plain(here)
        with ssl.create_default_context().wrap_socket(
            here, do_handshake_on_connect=False, server_hostname="localhost"
        ) as wrapped:
            assert not wire.is_plain(wrapped)


# --- the journal's writer ----------------------------------------------------------------------------------


def test_an_entry_whose_number_or_key_is_taken_is_refused_as_the_journal_does(run):
    async def use(writer):
        await writer.append(entry(2, keys=["a"]))
        with pytest.raises(NumberTaken):
            await writer.append(entry(2, keys=["b"]))
        with pytest.raises(KeyTaken):
            await writer.append(entry(3, keys=["a"]))
        await writer.append(entry(3, keys=["b"]))

    run(as_writer(use))
    assert written() == [1, 2, 3]


@pytest.mark.parametrize(
    "fault", [{"closeConnection": True}, {"errorCode": 10107}, {"errorCode": 91}, {"errorCode": 8}], ids=str
)
def test_whatever_goes_wrong_on_the_way_the_driver_writes_it(run, fault, fail_command):
    async def use(writer):
        fail_command("insert", **fault)
        await writer.append(entry(2))
        await writer.append(entry(3))
        assert writer._wire is not None

    run(as_writer(use))
    assert written() == [1, 2, 3]


def test_an_entry_that_was_durable_when_its_answer_was_lost_is_known_by_its_writer(fail_command):
    async def use(writer):
        await asyncio.to_thread(journal.append, entry(2, keys=["a"]))  # it arrived, and then nothing more
        fail_command("insert", closeConnection=True)
        await writer.append(entry(2, keys=["a"]))

    asyncio.run(as_writer(use))
    assert written() == [1, 2]


def test_another_ones_entry_under_that_number_is_not_taken_for_it(fail_command):
    async def use(writer):
        await asyncio.to_thread(journal.append, entry(2) | {"by": "web-1/b"})
        fail_command("insert", closeConnection=True)
        with pytest.raises(NumberTaken):
            await writer.append(entry(2))

    asyncio.run(as_writer(use))


def test_where_the_driver_cannot_write_it_either_its_error_is_told(fail_command):
    async def use(writer):
        fail_command("insert", times=9, closeConnection=True)
        with pytest.raises(AutoReconnect):
            await writer.append(entry(2))

    asyncio.run(as_writer(use))


def test_what_no_document_may_be_is_said_by_the_driver():
    async def use(writer):
        with pytest.raises(DocumentTooLarge):
            await writer.append(entry(2, pad="x" * 17_000_000))
        await writer.append(entry(2))

    asyncio.run(as_writer(use))
    assert written() == [1, 2]
