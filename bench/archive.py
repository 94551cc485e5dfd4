"""`python -m bench.archive`: archives 200 000 events and their requests with the real command,
killed with SIGKILL on the way.

Prints how long it took, how much memory the command held, and whether the whole log and every
segment still hold. Bounded in rows; its own databases, gone afterwards."""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
import psutil
from tqdm import tqdm

from bench.stack import BASE_DIR
from config.stack.services import Services

BATCH = 1000
SAMPLE_SECONDS = 0.05
AGE = timedelta(days=100)
PATIENCE_SECONDS = 900


def tip_row(number: int, at: datetime) -> Any:
    """A row of `tips` as settlement leaves it, as far as its event needs it."""
    tip_id = f"{number:024x}"
    return {
        "_id": tip_id,
        "created_at": at,
        "tipper_id": f"{number % 2000:024x}",
        "tipper_username": f"viewer{number % 2000}",
        "tipper_role": "user",
        "is_anonymous": False,
        "performer_id": f"{number % 50:024x}",
        "performer_username": f"performer{number % 50}",
        "studio_id": None,
        "conversation_id": None,
        "conversation_type": "private",
        "stream_type": "private",
        "message": "Great performance!",
        "total": 100,
        "net": 75,
        "commission": 25,
        "studio_commission": 10,
        "source_ref": f"TIP_{tip_id}",
    }


def fill(count: int, *, at: datetime) -> None:
    """A chained log of so many events, each with its completed request, through the code that
    settlement uses."""
    from ground.mongodb import transactions
    from ground.mongodb.collections import collection
    from tips.log import events
    from tips.models import ChainHead, QueueRequest, RequestStatus, TipActivated

    previous = events.GENESIS
    for start in tqdm(range(0, count, BATCH), unit=" batches", disable=None, leave=False):
        payloads = [
            payload(number, at) for number in range(start + 1, min(start + BATCH, count) + 1)
        ]
        rows, previous = events.chain(payloads, sequence=start, previous=previous, now=at)
        collection(TipActivated).insert_many(rows, ordered=False)
        transactions.run(partial(_submit, rows, at))
    collection(ChainHead).replace_one(
        {"_id": events.HEAD}, {"sequence": count, "digest": previous}, upsert=True
    )
    end = {"status": RequestStatus.COMPLETED.value, "finished_at": at, "attempts": 1}
    collection(QueueRequest).update_many({}, {"$set": end})


def _submit(rows: Any, at: datetime, session: Any) -> None:
    from tips.queue import requests as queue

    queue.submit_tips(rows, now=at, session=session)


def payload(number: int, at: datetime) -> dict[str, Any]:
    from ledger.gateway import Proof
    from tips.log import events

    tip = tip_row(number, at)
    ref = tip["source_ref"]
    proof = Proof(f"{ref}:debit", f"{ref}:debit", f"{ref}:credit", at)
    return events.build(
        tip,
        proof,
        source=events.Balance(1000, 900),
        recipient=events.Balance(number * 75, (number + 1) * 75),
        now=at,
    )


def command(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def memory(process: "subprocess.Popen[str]", *, until: float) -> Iterator[float]:
    """The process's resident megabytes, sampled until it ends or the time is over."""
    watched = psutil.Process(process.pid)
    while process.poll() is None and time.monotonic() < until:
        yield watched.memory_info().rss / 2**20
        time.sleep(SAMPLE_SECONDS)


def killed(seconds: float) -> float:
    """One run that dies after so long; the most memory it held."""
    from ground.mongodb.collections import collection
    from tips.models import ArchiveRun

    process = command("archive_events")
    most = max(memory(process, until=time.monotonic() + seconds))
    process.kill()
    process.wait()
    collection(ArchiveRun).delete_many({})  # as if its lease were over
    return most


def finished(*words: str) -> tuple[str, float, float]:
    """What a run printed, its seconds, and the most memory it held."""
    began = time.monotonic()
    process = command(*words)
    most = max(memory(process, until=began + PATIENCE_SECONDS))
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} failed: {said}")
    return said.strip(), time.monotonic() - began, most


def states() -> str:
    from ground.mongodb.collections import collection
    from tips.models import ArchiveManifest, TipActivated

    left = collection(TipActivated).estimated_document_count()
    grouped = collection(ArchiveManifest).aggregate(
        [{"$group": {"_id": "$state", "count": {"$sum": 1}}}, {"$sort": {"_id": 1}}]
    )
    found = ", ".join(f"{row['count']} {row['_id']}" for row in grouped)
    return f"{left} events left, segments: {found or 'none'}"


def measure(rows: int, kills: int) -> None:
    from ground import clock

    print(f"writing {rows} events and their requests ...", flush=True)
    began = time.monotonic()
    fill(rows, at=clock.now() - AGE)
    print(f"written in {time.monotonic() - began:.1f} s", flush=True)
    most = 0.0
    for number in range(1, kills + 1):
        seconds = random.uniform(1.5, 6.0)
        most = max(most, killed(seconds))
        print(f"kill {number} after {seconds:.1f} s: {states()}", flush=True)
    said, seconds, held = finished("archive_events")
    print(f"{said}; {seconds:.1f} s, {max(most, held):.0f} MB at most over all runs")
    for words in (("verify_event_log",), ("archive_events", "--verify"), ("archive_events",)):
        said, seconds, held = finished(*words)
        print(f"{' '.join(words)}: {said}; {seconds:.1f} s, {held:.0f} MB at most")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.archive", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, metavar="N")
    parser.add_argument("--kills", type=int, default=5, metavar="N")
    options = parser.parse_args()
    services = Services(Path(tempfile.mkdtemp(prefix="bench-archive-")))
    try:
        services.start()
        os.environ["MONGODB_URI"], os.environ["REDIS_URL"] = (
            services.mongodb_uri,
            services.redis_url,
        )
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        finished("migrate", "--verbosity", "0")
        measure(options.events, options.kills)
    finally:
        services.discard()
    return 0


if __name__ == "__main__":
    sys.exit(main())
