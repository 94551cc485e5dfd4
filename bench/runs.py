"""The kinds of runs of a load, and one run of one kind."""

from typing import Any

import uvloop

from bench.load import Load, Plan
from bench.stack import BenchStack

Row = dict[str, Any]
RATE, WINDOW, ACK_SECONDS = 100.0, 100, 0.05
ACK_WINDOW = 300


def plans(kinds: list[str], *, quick: bool) -> list[Plan]:
    warmup = 1.0 if quick else 3.0
    known = {
        "max": Plan("max", window=WINDOW, warmup_seconds=warmup, seconds=4 if quick else 10),
        "latency": Plan("latency", rate=RATE, warmup_seconds=warmup, seconds=5 if quick else 20),
        "latency400": Plan(
            "latency400", rate=4 * RATE, warmup_seconds=warmup, seconds=5 if quick else 20
        ),
        "ack50": Plan(
            "ack50",
            window=ACK_WINDOW,
            ack_seconds=ACK_SECONDS,
            warmup_seconds=warmup,
            seconds=4 if quick else 10,
        ),
    }
    return [known[kind] for kind in kinds]


def measure(plan: Plan, stack: BenchStack) -> Row:
    async def run() -> Row:
        row: Row = await Load(stack.target, plan).run(stack.watch)
        row["recorded"] = await stack.recorded(prefix=row["prefix"], expected=row["accepted"])
        row["clean"] = (
            row["clean"] and row["recorded"] == row["accepted"] > 0 and not row["refused"]
        )
        return row

    result: Row = uvloop.run(run())
    return result
