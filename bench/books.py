"""`python -m bench.books`: does the one account that every tip pays into hold the system up?

Eight threads post random tips between twenty accounts, each with a share for one hot account: a
transaction each; sharing one, as single transfers do (`ledger/books/grouped.py`); and many to one,
as settlement does. Beside them, from the same run: eight threads with plain transactions of two
inserts, which is what this machine's disk allows. The books are proven afterwards. Bounded in
transfers; its own databases, gone afterwards."""

import argparse
import functools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from pymongo.client_session import ClientSession

from bench.stack import BASE_DIR
from config.stack.services import Services

if TYPE_CHECKING:
    from ledger.gateway import Order, Result

THREADS, TRANSFERS, ACCOUNTS = 8, 500, 20
TOKENS = 1_000_000
BATCH = 50
HOT = "platform:commission"
_number = count(1)


def account(number: int) -> str:
    return f"performer:{number:024x}"


def fund() -> None:
    """Every account starts with tokens of its own, so that few transfers are refused."""
    from ground import clock
    from ground.mongodb import transactions
    from ledger.books import posting
    from ledger.gateway import ISSUER, Order

    now = clock.now()
    orders = [
        [Order(f"FUND_{n}", "bench", ISSUER, account(n), TOKENS, now)] for n in range(ACCOUNTS)
    ]
    transactions.run(lambda session: posting.post(orders, now=now, session=session))


def group(draw: random.Random) -> "list[Order]":
    """A tip: a transfer between two of the accounts, and a share of it for the hot one."""
    from ground import clock
    from ledger.gateway import Order

    payer, payee = draw.sample(range(ACCOUNTS), 2)
    amount, key, now = draw.randint(4, 200), f"T{next(_number)}", clock.now()
    total = Order(key, f"bench/{key}", account(payer), account(payee), amount, now)
    return [
        total,
        Order(f"{key}_COMMISSION", f"bench/{key}", account(payee), HOT, amount // 4, now),
    ]


def _check(results: "list[Result]") -> None:
    """A balance that runs out is part of a random world; anything else is a fault."""
    from ledger.gateway import InsufficientFunds, Posted

    assert all(isinstance(result, Posted | InsufficientFunds) for result in results), results


def in_threads(work: Callable[[random.Random], None], *, times: int) -> float:
    """How many a second, over all threads, when each does it so many times. The first error ends
    the measurement."""
    errors: list[BaseException] = []

    def share(seed: int) -> None:
        draw = random.Random(seed)
        try:
            for _ in range(times):
                work(draw)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=share, args=(seed,)) for seed in range(THREADS)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return THREADS * times / (time.perf_counter() - began)


# --- the ways ------------------------------------------------------------------------------------


def raw(times: int) -> float:
    """Transactions of two inserts, with nothing of ours around them."""
    from pymongo.write_concern import WriteConcern

    from ground.mongodb.collections import client, collection
    from ledger.models import Posting

    rows = collection(Posting).database["bench_raw"]
    rows.insert_one({"_id": "first"})

    def work(draw: random.Random) -> None:
        numbers = next(_number), next(_number)
        with (
            client().start_session() as session,
            session.start_transaction(write_concern=WriteConcern("majority")),
        ):
            for number in numbers:
                rows.insert_one(
                    {"_id": number, "account": account(number % ACCOUNTS), "points_delta": 1},
                    session=session,
                )

    try:
        return in_threads(work, times=times)
    finally:
        rows.drop()


def alone(times: int) -> float:
    """A transaction for every tip: all of them meet at the hot account, and all but one begin
    again."""
    from ground import clock
    from ground.mongodb import transactions
    from ledger.books import posting

    def work(draw: random.Random) -> None:
        orders = group(draw)
        _check(
            transactions.run(
                lambda session: posting.post([orders], now=clock.now(), session=session)
            )
        )

    return in_threads(work, times=times)


def shared(times: int) -> float:
    """As single transfers are posted: one thread's transaction takes along what the others ask for
    meanwhile."""
    from ground import clock
    from ledger.books import grouped

    return in_threads(
        lambda draw: _check(grouped.post([group(draw)], now=clock.now())), times=times
    )


def _post(orders: "list[list[Order]]", now: datetime, session: ClientSession) -> "list[Result]":
    from ledger.books import posting

    return posting.post(orders, now=now, session=session)


def batched(times: int) -> float:
    """As settlement posts: one drain, many tips to a transaction."""
    from ground import clock
    from ground.mongodb import transactions

    draw, total = random.Random(0), THREADS * times
    began = time.perf_counter()
    for start in range(0, total, BATCH):
        orders = [group(draw) for _ in range(min(BATCH, total - start))]
        post = functools.partial(_post, orders, clock.now())
        _check(transactions.run(post))
    return total / (time.perf_counter() - began)


RAW, ALONE, SHARED, BATCHED = (
    "two plain inserts",
    "a transaction each",
    "sharing a transaction",
    f"{BATCH} to a transaction",
)
WAYS = {RAW: raw, ALONE: alone, SHARED: shared, BATCHED: batched}


def measure(times: int) -> Iterator[tuple[str, float]]:
    fund()
    for name, way in WAYS.items():
        yield name, way(times)


def findings() -> list[str]:
    from ledger.books import reconcile

    return [str(finding) for finding in reconcile.findings()]


def report(times: int) -> bool:
    floor = 0.0
    print(f"{THREADS} threads x {times} tips over {ACCOUNTS} accounts and one hot account\n")
    for name, rate in measure(times):
        floor = floor or rate
        print(f"{name:>24}  {rate:8.0f}/s  {rate / floor:6.2f} of the raw rate", flush=True)
    began, found = time.perf_counter(), findings()
    print(f"\nreconcile: {len(found)} findings in {time.perf_counter() - began:.1f} s")
    print(*found[:20], sep="\n")
    return not found


def environment(services: Services) -> dict[str, Any]:
    return {**os.environ, "MONGODB_URI": services.mongodb_uri, "REDIS_URL": services.redis_url}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.books", description=__doc__)
    parser.add_argument(
        "--transfers",
        type=int,
        default=TRANSFERS,
        choices=range(1, 5001),
        metavar="N",
        help="of each thread",
    )
    options = parser.parse_args()
    services = Services(Path(tempfile.mkdtemp(prefix="bench-books-")))
    try:
        services.start()
        os.environ.update(environment(services))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=BASE_DIR, check=True
        )
        django.setup()
        return 0 if report(options.transfers) else 1
    finally:
        services.discard()


if __name__ == "__main__":
    sys.exit(main())
