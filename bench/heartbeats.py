"""`python -m bench.heartbeats`: what apps that have nothing new to say cost, and what it costs to
find the few of many devices that have fallen silent.

1. Heartbeats without news beside repeated payment webhooks, at the same door of the same stack, by
turns. 2. The sweep of 100 silent devices among 100 000 that are heard of, beside 1 000."""

import argparse
import asyncio
import hashlib
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import orjson
from pymongo import MongoClient
from tqdm import tqdm

from bench import messages
from bench.clients import Pool
from bench.load import percentiles
from bench.stack import BenchStack
from config.stack.services import Services

HOSTS, CONNECTIONS, SECONDS, TURNS = 600, 64, 4.0, 3
SILENT, FEW, MANY, SWEEPS = 100, 1_000, 100_000, 15
PAYMENTS, PATIENCE_SECONDS = 500, 20.0
PATH = "/api/webhooks/lovense"
TOYS = {
    name: {"id": name, "name": kind, "status": 1, "battery": 80}
    for name, kind in (("toy-1", "lush"), ("toy-2", "nora"))
}


# --- heartbeats ----------------------------------------------------------------------------------


def heartbeat(number: int, host: str) -> bytes:
    """The whole HTTP request of one app; each comes from an address of its own."""
    body = orjson.dumps(
        {
            **{"uid": f"uid-{number}", "utoken": f"utoken-{number}", "appVersion": "7.95.1"},
            **{"domain": "192-168-1-44.lovense.club", "httpPort": 34567, "httpsPort": 34568},
            **{"platform": "android", "version": 101, "toys": TOYS},
        }
    )
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Forwarded-For: 203.0.{number // 250}.{number % 250 + 1}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def pair(stack: BenchStack) -> None:
    """Apps as they stand once they have called back, at four a performer."""
    from lovense.models import Host

    performers, now = list(stack.tokens), datetime.now(UTC)
    rows = [
        _empty(Host)
        | {
            "_id": f"{number:024x}",
            "performer_id": performers[number // 4],
            "uid": f"uid-{number}",
            "utoken_hash": hashlib.sha256(f"utoken-{number}".encode()).hexdigest(),
            **{"paired_at": now, "last_seen_at": now},
        }
        for number in range(HOSTS)
    ]
    with MongoClient[dict[str, Any]](stack.addresses["mongodb_uri"]) as client:
        client.get_default_database()["hosts"].insert_many(rows)


async def flood(pool: Pool, requests: list[bytes], seconds: float) -> tuple[float, set[int]]:
    """One after the other over all connections: answers a second, and the kinds of answers."""
    statuses: set[int] = set()
    sent = answered = 0
    end, over = time.perf_counter() + seconds, asyncio.Event()

    def post() -> None:
        nonlocal sent
        pool.post(requests[sent % len(requests)], heard)
        sent += 1

    def heard(status: int) -> None:
        nonlocal answered
        answered += 1
        statuses.add(status)
        if time.perf_counter() < end:
            post()
        elif answered == sent:
            over.set()

    began = time.perf_counter()
    for _ in range(CONNECTIONS):
        post()
    await asyncio.wait_for(over.wait(), seconds + PATIENCE_SECONDS)
    return answered / (time.perf_counter() - began), statuses


async def doors(stack: BenchStack) -> dict[str, Any]:
    target = stack.target
    host, key = f"{target.host}:{target.port}", messages.signing_key(target.secret)
    beats = [heartbeat(number, host) for number in range(HOSTS)]
    when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    performers = list(target.tokens)
    paid = []
    for number in range(PAYMENTS):
        body = messages.tip_succeeded(
            tip_id=f"{number:024x}",
            number=number,
            performer=performers[number % len(performers)],
            happened_at=when,
        )
        paid.append(
            messages.signed_post(host=host, key=key, delivery_id=f"msg_{number}", body=body)
        )
    pool = Pool(target.host, target.port, CONNECTIONS)
    await pool.open()
    kinds = {"heartbeats": beats, "payments": paid}
    for requests in kinds.values():
        await flood(pool, requests, 1.0)  # the first of each is news
    await asyncio.sleep(3)
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    answers: dict[str, set[int]] = {name: set() for name in kinds}
    for _ in tqdm(range(TURNS), desc="turns", disable=None):
        for name, requests in kinds.items():
            rate, statuses = await flood(pool, requests, SECONDS)
            rates[name].append(round(rate))
            answers[name] |= statuses
    pool.close()
    medians = {name: sorted(found)[len(found) // 2] for name, found in rates.items()}
    ratio = round(medians["heartbeats"] / medians["payments"], 2)
    return {"a_second": rates, "answers": {k: sorted(v) for k, v in answers.items()}} | {
        "ratio": ratio
    }


# --- the sweep -----------------------------------------------------------------------------------


def sweeps() -> dict[str, Any]:
    """In a database of its own."""
    with tempfile.TemporaryDirectory() as directory:
        services = Services(Path(directory))
        services.start()
        try:
            return _swept(services)
        finally:
            services.discard()


def _swept(services: Services) -> dict[str, Any]:
    os.environ |= {
        "MONGODB_URI": services.mongodb_uri,
        "REDIS_URL": services.redis_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    few = _times(0, FEW)
    many = _times(FEW, MANY)
    ratio = round(many["p50"] / few["p50"], 2)
    return {f"among_{FEW}_ms": few, f"among_{MANY}_ms": many, "ratio": ratio}


def _times(have: int, wanted: int) -> dict[str, float]:
    """Milliseconds of one sweep each."""
    from ground.mongodb.collections import collection
    from lovense.devices import silence
    from lovense.models import Device, Performer

    now = datetime.now(UTC)
    heard = _empty(Device) | {"status": "connected", "last_seen_at": now, "host_id": "f" * 24}
    collection(Device).insert_many(
        [heard | {"_id": f"x.{n}", "performer_id": f"x{n % 5000}"} for n in range(have, wanted)]
    )
    took = []
    for turn in tqdm(range(SWEEPS), desc=f"among {wanted}", disable=None):
        rows = [
            heard | {"_id": f"s{turn}.{wanted}.{n}", "performer_id": f"s{n}", "toy_id": f"{n}"}
            for n in range(SILENT)
        ]
        collection(Performer).delete_many({"_id": {"$regex": "^s"}})
        collection(Performer).insert_many(
            [_empty(Performer) | {"_id": f"s{n}", "user_id": 10**6 + n} for n in range(SILENT)]
        )
        late = {"last_seen_at": now - 2 * silence.SILENT}
        collection(Device).insert_many([row | late for row in rows])
        began = time.perf_counter()
        lost = silence.end(silence.unheard(now=now), holding=(), now=now)
        took.append((time.perf_counter() - began) * 1000)
        assert len(lost) == SILENT
        collection(Device).delete_many({"_id": {"$regex": "^s"}})
    return percentiles(took)


def _empty(model: Any) -> dict[str, Any]:
    return {field.column: field.get_default() for field in model._meta.fields}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.heartbeats", description=__doc__)
    parser.parse_args()
    found: dict[str, Any] = {"sweep": sweeps()}
    for name in ("MONGODB_URI", "REDIS_URL"):
        os.environ.pop(name, None)
    with BenchStack(performers=HOSTS // 4, web=1) as stack:
        pair(stack)
        found["doors"] = asyncio.run(doors(stack))
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
