"""`make bench`: a stack of its own, the closed loop, the open loop, the raw floor; a table, and one
JSON line a row.

Ends with status 1 when anything was lost, doubled, out of order, or not recorded: a fast wrong
answer is not a result."""

import argparse
import platform
import sys
from datetime import UTC, datetime
from typing import Any

import psutil

from bench import floor, table
from bench.runs import measure, plans
from bench.stack import BASE_DIR, BenchStack, StackNotReady

Row = dict[str, Any]


def machine() -> Row:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
        "load_average": psutil.getloadavg()[0],
    }


def report(rows: list[Row], found: Row) -> None:
    about = machine()
    path = table.keep([{**about, **row} for row in [*rows, {"name": "floor", **found}]])
    for part in (table.runs(rows), table.correctness(rows), table.usage(rows), table.floor(found)):
        print(f"\n{part}")
    print(f"\n{about['cores']} cores, load average {about['load_average']:.1f} at the end")
    print(f"rows kept in {path.relative_to(BASE_DIR)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds each: a look, not a measurement"
    )
    parser.add_argument(
        "--kinds",
        default="max,latency",
        help="of max, latency, latency400, ack50 (default max,latency)",
    )
    parser.add_argument("--performers", type=int, default=50, choices=range(1, 501), metavar="N")
    parser.add_argument(
        "--web",
        type=int,
        default=1,
        choices=range(1, 9),
        metavar="N",
        help="web processes of the stack",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        choices=range(1, 9),
        metavar="N",
        help="workers of the stack",
    )
    return parser.parse_args()


def main() -> int:
    options = arguments()
    try:
        chosen = plans(options.kinds.split(","), quick=options.quick)
    except KeyError as unknown:
        print(f"no such kind: {unknown}", file=sys.stderr)
        return 2
    print("starting a stack with its own databases ...", flush=True)
    try:
        chosen_stack = BenchStack(
            performers=options.performers, web=options.web, workers=options.workers
        )
        with chosen_stack as stack:
            rows = [measure(plan, stack) for plan in chosen]
            found = floor.measure(
                mongodb_uri=stack.addresses["mongodb_uri"],
                redis_url=stack.addresses["redis_url"],
                seconds=1 if options.quick else 3,
            )
    except StackNotReady as reason:
        print(f"the stack did not come up:\n{reason}", file=sys.stderr)
        return 1
    report(rows, found)
    return 0 if all(row["clean"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
