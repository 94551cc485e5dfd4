"""The raw PyMongo collection behind a model, for the hot paths that write in bulk. No query lives
here.

Datetimes come back aware (UTC), as `clock.now()` gives them; the ORM has its own collections and is
not affected."""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from bson.codec_options import CodecOptions
from django.db import DEFAULT_DB_ALIAS, connections, models
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from ground.mongodb.base import wrapper

Document = dict[str, Any]
LONGEST_BESIDE = 40  # a name of a database has at most 63 bytes

_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True)
# Both are read on every call, so they are looked up once: the settings entry (tests rename the
# database in place) and the backend's table of clients (one per process, shared by every thread and
# by the ORM).
_settings = connections.settings[DEFAULT_DB_ALIAS]
_clients: dict[str, MongoClient[Document]] = wrapper()._connection_pools
# The collections of one client and one database; replaced as a whole when either changes.
_cache: tuple[MongoClient[Document] | None, str, dict[type[models.Model], Collection[Document]]] = (
    None,
    "",
    {},
)


def client() -> MongoClient[Document]:
    """The process's one MongoClient. Opening it does no I/O, so an event loop may call this too."""
    found = _clients.get(DEFAULT_DB_ALIAS)
    return found if found is not None else wrapper().open_client()


def answers() -> bool:
    """Whether the server answers."""
    try:
        return bool(client().admin.command("ping")["ok"])
    except PyMongoError:
        return False


def collection(
    model: type[models.Model], write_concern: WriteConcern | None = None
) -> Collection[Any]:
    """The model's collection. Without a write concern, the connection's own applies: majority."""
    opened = _collections()
    found = opened.get(model)
    if found is None:
        database = client().get_database(_settings["NAME"], codec_options=_AWARE)
        found = opened.setdefault(model, database[model._meta.db_table])
    return found if write_concern is None else found.with_options(write_concern=write_concern)


def _collections() -> dict[type[models.Model], Collection[Document]]:
    global _cache
    owner, name, opened = _cache
    current, database = client(), _settings["NAME"]
    if owner is not current or name != database:
        opened = {}
        _cache = (current, database, opened)
    return opened


def current() -> Database[Document]:
    """The database of this moment; the object goes on meaning it inside `pointed_at`."""
    return client().get_database(_settings["NAME"], codec_options=_AWARE)


class NoDatabaseNamed(ValueError):
    """An address of MongoDB must name the database in its path."""


def pointed_at(uri: str) -> AbstractContextManager[Database[Document]]:
    """For a command of one thread: inside, every model of this process lives in another
    database."""
    name = parse_uri(uri)["database"]
    if not name:
        raise NoDatabaseNamed("The address names no database: mongodb://host/NAME?…")
    return _pointed(uri, name)


@contextmanager
def scratch() -> Iterator[Database[Document]]:
    """As `pointed_at`: a new database beside this one, which is gone afterwards."""
    name = f"{current().name[:LONGEST_BESIDE]}_scratch_{uuid.uuid4().hex[:8]}"
    with _pointed(_settings["HOST"], name) as made:
        try:
            yield made
        finally:
            made.client.drop_database(name)


@contextmanager
def _pointed(uri: str, name: str) -> Iterator[Database[Document]]:
    kept, opened = (_settings["HOST"], _settings["NAME"]), _clients.get(DEFAULT_DB_ALIAS)
    _point(uri, name, None)
    try:
        yield current()
    finally:
        client().close()
        _point(*kept, opened)


def _point(uri: str, name: str, opened: MongoClient[Document] | None) -> None:
    """The ORM's connection of this thread holds the client and the database too, and must forget
    them."""
    connection = wrapper()
    connection.connection = None
    connection.__dict__.pop("database", None)
    _settings["HOST"], _settings["NAME"] = uri, name
    _clients.pop(DEFAULT_DB_ALIAS, None)
    if opened is not None:
        _clients[DEFAULT_DB_ALIAS] = opened
