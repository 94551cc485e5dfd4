"""The connection wrapper. Django loads it as ENGINE "ground.mongodb"; the database's name comes
from the URI in HOST."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import OperationalError
from django_mongodb_backend import base
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from ground.mongodb import lookups
from ground.mongodb.operations import DatabaseOperations
from ground.mongodb.schema import DatabaseSchemaEditor

lookups.register()
_opening = threading.Lock()
Hooks = list[Callable[[], object]]


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """django_mongodb_backend with its traps closed."""

    SchemaEditorClass = DatabaseSchemaEditor
    ops_class = DatabaseOperations
    # A "$" also matches before a final newline; "\\z" is the end and nothing else.
    mongo_operators = base.DatabaseWrapper.mongo_operators | {
        "iexact": lambda column, text: _pattern(column, f"^{text}\\z", "i"),
        "endswith": lambda column, text: _pattern(column, f"{text}\\z", ""),
        "iendswith": lambda column, text: _pattern(column, f"{text}\\z", "i"),
    }

    # --- one client per process ------------------------------------------------------------------
    def get_new_connection(self, conn_params: dict[str, Any]) -> MongoClient[dict[str, Any]]:
        return self.open_client()

    def open_client(self) -> MongoClient[dict[str, Any]]:
        """The process's one client. It connects in the background, so unlike upstream this is
        allowed in an event loop."""
        with _opening:
            if self.alias not in self._connection_pools:
                self._connection_pools[self.alias] = MongoClient(
                    **self.get_connection_params(), driver=self._driver_info()
                )
        client: MongoClient[dict[str, Any]] = self._connection_pools[self.alias]
        return client

    def connect(self) -> None:
        """An unreachable server is Django's OperationalError, as with any other database."""
        try:
            super().connect()
        except PyMongoError as error:
            raise OperationalError("MongoDB cannot be reached") from error

    # --- joining a transaction that `transactions` has opened -------------------------------
    session: ClientSession | None
    in_atomic_block_mongo: bool
    connection: MongoClient[dict[str, Any]] | None
    _connection_pools: dict[str, MongoClient[dict[str, Any]]]
    run_on_commit: list[Any]
    after_commit_hooks: Hooks

    def join_transaction(self, session: ClientSession, hooks: Hooks) -> None:
        """From here on the ORM of this thread writes inside the session's transaction, and collects
        hooks in the list."""
        self.session, self.in_atomic_block_mongo, self.after_commit_hooks, self.run_on_commit = (
            session,
            True,
            hooks,
            [],
        )

    def leave_transaction(self) -> None:
        self.session, self.in_atomic_block_mongo, self.after_commit_hooks, self.run_on_commit = (
            None,
            False,
            [],
            [],
        )

    def django_commit_hooks(self) -> Hooks:
        """What contrib apps registered with Django's own on_commit."""
        return [function for _, function, _ in self.run_on_commit]

    # --- upstream's own atomic(): a failed commit or abort must not leave a dead session behind --
    def commit_mongo(self) -> None:
        try:
            super().commit_mongo()
        finally:
            self._forget_session()

    def rollback_mongo(self) -> None:
        try:
            super().rollback_mongo()
        finally:
            self._forget_session()

    def _forget_session(self) -> None:
        if session := self.session:
            self.session, self.run_on_commit = None, []
            with contextlib.suppress(Exception):  # the caller already has the error that matters
                session.end_session()


def wrapper() -> DatabaseWrapper:
    """This thread's connection."""
    return cast(DatabaseWrapper, connections[DEFAULT_DB_ALIAS])


def _pattern(column: str, pattern: str, options: str) -> dict[str, Any]:
    return {column: {"$regex": pattern, "$options": options}}
