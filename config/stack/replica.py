"""Makes a mongod the primary of a replica set of one.

Apart from `services`, and for the stack in a process that ends (`python -m config.stack.replica
HOST PORT`): a MongoDB client would double what the supervisor weighs for all its life.
"""

import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

NAME = "rs0"
NOT_YET_INITIALIZED = 94
LOOK_SECONDS = 0.02

Client = MongoClient[dict[str, Any]]


def is_primary(host: str, port: int) -> bool:
    """One short look, and the next step towards it when there is one to take."""
    try:
        with Client(
            host, port, directConnection=True, serverSelectionTimeoutMS=200, socketTimeoutMS=2000
        ) as client:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            _step(client, f"{host}:{port}")
    except PyMongoError:
        pass  # not listening yet, or busy electing: the next look will tell
    return False


def _step(client: Client, address: str) -> None:
    try:
        kept = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as refusal:
        if refusal.code == NOT_YET_INITIALIZED:
            client.admin.command(
                "replSetInitiate", {"_id": NAME, "members": [{"_id": 0, "host": address}]}
            )
        return
    member = kept["members"][0]
    if member["host"] != address:  # data from an earlier run names that run's port
        member["host"] = address
        client.admin.command(
            "replSetReconfig", {**kept, "version": kept["version"] + 1}, force=True
        )


if __name__ == "__main__":
    while not is_primary(sys.argv[1], int(sys.argv[2])):  # the stack's patience is the limit
        time.sleep(LOOK_SECONDS)
