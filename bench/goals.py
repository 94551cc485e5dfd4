"""What the comparison measures, what is asked of it, and the ratios. Pure: rows in, figures out.

The goals are ratios to peers measured in the same rounds on the same machine, which is what a noisy
machine can tell."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
OURS, QUEUE_PEER, FLOOR_PEER = "ours", "bullmq", "py-raw-batch"
DATABASES = ("mongod", "redis")
IDEAL_ACK_RATE = 1000  # 50 performers, each busy for 50 ms a tip


@dataclass(frozen=True)
class Figure:
    """One figure of a system: the median over the rounds of one kind."""

    name: str
    kind: str
    of: Callable[[Row], float | None]


@dataclass(frozen=True)
class Goal:
    """Our figure over a peer's (or over a constant), and what it must and should be; `at_least`
    says which way is good."""

    measure: str
    beside: str | float
    must: float
    target: float
    at_least: bool = False

    def verdict(self, ratio: float) -> str:
        if self._reached(ratio, self.target):
            return "target"
        return "must" if self._reached(ratio, self.must) else "MISSED"

    def _reached(self, ratio: float, limit: float) -> bool:
        return ratio >= limit if self.at_least else ratio <= limit


def cpu(row: Row, *, databases: bool) -> float:
    used: Iterable[tuple[str, dict[str, float]]] = row["processes"].items()
    return sum(each["ms_per_tip"] for name, each in used if databases or name not in DATABASES)


def rss(row: Row) -> float:
    used: Iterable[tuple[str, dict[str, float]]] = row["processes"].items()
    return sum(each["rss_mb"] for name, each in used if name not in DATABASES)


def silence(row: Row) -> float:
    """The longest time without a delivery; without end when what was posted never got an answer."""
    return (
        float(row.get("longest_gap_s", 0))
        if row["accepted"] == row["posted"] and not row["lost"]
        else float("inf")
    )


MEASURES = (
    Figure("max tips/s", "max", lambda row: row["tips_per_s"]),
    Figure("p50 ms at 100/s", "rate100", lambda row: row["latency_ms"]["p50"]),
    Figure("p99 ms at 100/s", "rate100", lambda row: row["latency_ms"]["p99"]),
    Figure("p99 ms at 400/s", "rate400", lambda row: row["latency_ms"]["p99"]),
    Figure("tips/s with 50 ms acks", "ack50", lambda row: row["tips_per_s"]),
    Figure("CPU ms/tip, servers", "max", lambda row: cpu(row, databases=False)),
    Figure("CPU ms/tip, all", "max", lambda row: cpu(row, databases=True)),
    Figure("RSS MB, servers", "max", rss),
    Figure("longest silence s", "crash", silence),
)
GOALS = (
    Goal("max tips/s", QUEUE_PEER, 2.0, 4.0, at_least=True),
    Goal("max tips/s", FLOOR_PEER, 0.25, 0.5, at_least=True),
    Goal("p50 ms at 100/s", FLOOR_PEER, 2.0, 1.4),
    Goal("p99 ms at 100/s", QUEUE_PEER, 1.0, 0.7),
    Goal("p99 ms at 400/s", QUEUE_PEER, 0.6, 0.3),
    Goal("tips/s with 50 ms acks", IDEAL_ACK_RATE, 0.80, 0.88, at_least=True),
    Goal("CPU ms/tip, all", QUEUE_PEER, 0.6, 0.3),
    Goal("RSS MB, servers", QUEUE_PEER, 1.0, 0.7),
    Goal("longest silence s", 1.0, 3.0, 1.5),
)


def figures(rows: list[Row]) -> dict[str, dict[str, float]]:
    """measure -> system -> median over its rounds."""
    found: dict[str, dict[str, float]] = {}
    for measure in MEASURES:
        values: dict[str, list[float]] = {}
        for row in rows:
            value = measure.of(row) if row["kind"] == measure.kind else None
            if value is not None:
                values.setdefault(row["label"], []).append(value)
        if values:
            found[measure.name] = {
                system: round(statistics.median(each), 3) for system, each in values.items()
            }
    return found


def ratios(found: dict[str, dict[str, float]]) -> list[list[object]]:
    lines: list[list[object]] = []
    for goal in GOALS:
        ours = found.get(goal.measure, {}).get(OURS)
        other = (
            found.get(goal.measure, {}).get(goal.beside)
            if isinstance(goal.beside, str)
            else goal.beside
        )
        if ours is not None and other:
            sign, ratio = ("≥" if goal.at_least else "≤"), ours / other
            name = f"{goal.measure} ÷ {goal.beside}"
            lines.append(
                [
                    name,
                    round(ratio, 3),
                    f"{sign} {goal.must:g}",
                    f"{sign} {goal.target:g}",
                    goal.verdict(ratio),
                ]
            )
    return lines


def correctness(rows: list[Row]) -> list[list[object]]:
    """One line a run: whatever is not zero here makes its speed meaningless."""
    return [
        [
            f"{row['kind']} {row['label']}",
            row["accepted"],
            row["accepted"] - row["recorded"]["completed_documents"],
            *[
                row[name]
                for name in ("lost", "delivered_twice", "order_violations", "inflight_violations")
            ],
            row["system"]["foreign_pct"],
        ]
        for row in rows
    ]
