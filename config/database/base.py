"""The connection wrapper. Django loads it as ENGINE "config.database"; the database's name comes from the URI in HOST."""

import threading
from typing import Any

from django_mongodb_backend import base
from pymongo import MongoClient

_opening = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """django_mongodb_backend with its traps closed."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> MongoClient[dict[str, Any]]:
        return self.open_client()

    def open_client(self) -> MongoClient[dict[str, Any]]:
        """The process's one client. It connects in the background, so unlike upstream this is allowed in an event loop."""
        with _opening:
            if self.alias not in self._connection_pools:
                self._connection_pools[self.alias] = MongoClient(**self.get_connection_params(), driver=self._driver_info())
        client: MongoClient[dict[str, Any]] = self._connection_pools[self.alias]
        return client
