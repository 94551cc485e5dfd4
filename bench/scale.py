"""`python -m bench.scale`: does it stay as fast with a past?

Seeds a database with settled tips, performers and waiting requests, proves its books and parts of
its log, then measures `max` and `latency` against an empty and the seeded database by turns. Ends
with status 1 when anything is more than 1.2 times slower there, or a run was not clean. Its own
databases, gone afterwards."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from tqdm import tqdm

from bench import past, table
from bench.runs import Row, measure, plans
from bench.stack import BASE_DIR, BenchStack, StackNotReady
from config.stack.services import Services

KINDS = ["max", "latency"]
EMPTY, SEEDED = "empty", "seeded"
LIMIT = 1.2
# Nobody opens the pages of those who have tips waiting: they go on waiting all the same.
SETTINGS = {"TIP_FRESH_SECONDS": "86400"}


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times slower the seeded one is."""

    measure: str
    empty: float
    seeded: float
    times: float

    @property
    def is_within(self) -> bool:
        return self.times <= LIMIT


def ratios(rows: Iterable[Row]) -> list[Ratio]:
    """Pure. Of the medians over the rounds."""
    rows = list(rows)

    def median(label: str, kind: str, *path: str) -> float:
        values = []
        for row in rows:
            if (row["database"], row["name"]) == (label, kind):
                value: Any = row
                for name in path:
                    value = value[name]
                values.append(float(value))
        return statistics.median(values)

    rate = [median(label, "max", "tips_per_second") for label in (EMPTY, SEEDED)]
    found = [Ratio("max tips/s", rate[0], rate[1], rate[0] / rate[1] if rate[1] else float("inf"))]
    for name in ("p50", "p99"):
        empty, seeded = (median(label, "latency", "latency_ms", name) for label in (EMPTY, SEEDED))
        found.append(Ratio(f"{name} ms at 100/s", empty, seeded, seeded / empty))
    return found


def report(found: Sequence[Ratio]) -> str:
    return table.columns(
        ["", EMPTY, SEEDED, "times slower", ""],
        [
            [
                each.measure,
                f"{each.empty:.1f}",
                f"{each.seeded:.1f}",
                f"{each.times:.2f}",
                "" if each.is_within else f"above {LIMIT}",
            ]
            for each in found
        ],
    )


# --- the two databases ---------------------------------------------------------------------------


def seed(directory: Path, size: past.Size) -> list[str]:
    """Fills the database that a stack of this directory will open; what is wrong with it."""
    services = Services(directory / "data")
    services.start()
    os.environ["MONGODB_URI"], os.environ["REDIS_URL"] = services.mongodb_uri, services.redis_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=BASE_DIR, check=True)
        django.setup()
        return _seeded(size)
    finally:
        services.stop()


def _seeded(size: past.Size) -> list[str]:
    from ground import clock
    from ground.mongodb.collections import client
    from ledger.books import reconcile

    with closing(client()):
        total = size.tips + size.waiting
        with tqdm(total=total, desc="writing", unit=" tips", disable=None) as bar:
            past.write(size, now=clock.now(), progress=bar.update)
        # The proof reads a snapshot, for as long as it takes.
        window = {"setParameter": 1, "minSnapshotHistoryWindowInSeconds": 3600}
        client().admin.command(window)
        with tqdm(total=reconcile.size(), desc="proving", unit=" rows", disable=None) as bar:
            return past.problems(progress=bar.update)


def measured(label: str, directory: Path | None, *, quick: bool) -> list[Row]:
    with BenchStack(performers=past.ONLINE, web=1, directory=directory, settings=SETTINGS) as stack:
        return [{"database": label, **measure(plan, stack)} for plan in plans(KINDS, quick=quick)]


def alternated(directory: Path, *, rounds: int, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for number in range(1, rounds + 1):
        for label, where in ((EMPTY, None), (SEEDED, directory)):
            found = measured(label, where, quick=quick)
            rows += found
            print(f"\nround {number}, {label}\n{table.runs(found)}", flush=True)
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--tips", type=int, default=10**6, metavar="N", help="settled and played")
    parser.add_argument("--performers", type=int, default=10_000, metavar="N")
    parser.add_argument("--waiting", type=int, default=10**5, metavar="N", help="requests")
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 21), metavar="N")
    parser.add_argument("--quick", action="store_true", help="a few seconds each: only a look")
    return parser.parse_args()


def run(size: past.Size, directory: Path, *, rounds: int, quick: bool) -> int:
    began = time.monotonic()
    wrong = seed(directory, size)
    print(
        f"{size.tips} played, {size.waiting} waiting, {size.performers} performers; written and "
        f"proven in {time.monotonic() - began:.0f} s, {len(wrong)} problems",
        flush=True,
    )
    print(*wrong[:20], sep="\n")
    if wrong:
        return 1
    rows = alternated(directory, rounds=rounds, quick=quick)
    found = ratios(rows)
    print(f"\n{report(found)}\n\n{table.correctness(rows)}")
    print(f"\nrows kept in {table.keep(rows).relative_to(BASE_DIR)}")
    is_good = all(each.is_within for each in found) and all(row["clean"] for row in rows)
    return 0 if is_good else 1


def main() -> int:
    options = arguments()
    try:
        size = past.Size(options.tips, options.performers, options.waiting)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    directory = Path(tempfile.mkdtemp(prefix="bench-scale-"))
    try:
        return run(size, directory, rounds=options.rounds, quick=options.quick)
    except StackNotReady as reason:
        print(f"the stack did not come up:\n{reason}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
