"""The raw floor: what the same MongoDB and the same Redis do for one plain client, without any of
our code.

Bounded in seconds; its own database, dropped afterwards.
"""

import threading
import time
from typing import Any

import redis
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern

from bench.load import percentiles

DATABASE = "bench_floor"
BATCH = 50
_CHANNEL = "bench.floor"
_FILLER = "x" * 420

Document = dict[str, Any]


def document(key: str, number: int) -> Document:
    """About 700 bytes of BSON, as large as a tip."""
    return {
        "_id": f"{key}{number:016x}",
        "eventType": "TipActivated",
        "totalPrice": number % 500,
        "status": "pending",
        "recipient": {"performerId": f"{number % 50:024x}", "username": "performer-0001"},
        "tipper": {"userId": f"{number % 2000:024x}", "username": "member00001", "role": "user"},
        "text": _FILLER,
    }


def measure(*, mongodb_uri: str, redis_url: str, seconds: float) -> dict[str, Any]:
    client: MongoClient[Document] = MongoClient(mongodb_uri)
    try:
        rows = client[DATABASE].get_collection("rows", write_concern=WriteConcern("majority"))
        rows.insert_one({"_id": "first"})  # making the collection is not part of the floor
        one, latency = inserts(rows, threads=1, batch=1, seconds=seconds)
        eight, _ = inserts(rows, threads=8, batch=1, seconds=seconds)
        many, _ = inserts(rows, threads=1, batch=BATCH, seconds=seconds)
        return {
            "insert_1_thread_per_second": one,
            "insert_8_threads_per_second": eight,
            f"insert_many_x{BATCH}_documents_per_second": many,
            "insert_ms": latency,
            "publish_per_second": publishes(redis_url, seconds),
        }
    finally:
        client.drop_database(DATABASE)
        client.close()


def inserts(
    rows: Collection[Document], *, threads: int, batch: int, seconds: float
) -> tuple[int, dict[str, float]]:
    """Documents a second over all threads, and the milliseconds of one call."""
    counts, calls = [0] * threads, list[float]()
    end = time.perf_counter() + seconds

    def work(mine: int) -> None:
        key = f"{threads:02x}{batch:04x}{mine:02x}"
        while (start := time.perf_counter()) < end:
            first = counts[mine]
            rows.insert_many(
                [document(key, first + offset) for offset in range(batch)], ordered=False
            )
            calls.append((time.perf_counter() - start) * 1000)
            counts[mine] += batch

    workers = [threading.Thread(target=work, args=(mine,)) for mine in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return round(sum(counts) / seconds), percentiles(calls)


def publishes(redis_url: str, seconds: float) -> int:
    connection = redis.Redis.from_url(redis_url)
    payload, count, end = b"x" * 700, 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        connection.publish(_CHANNEL, payload)
        count += 1
    connection.close()
    return round(count / seconds)
