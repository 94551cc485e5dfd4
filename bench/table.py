"""Results as text: plain columns in the terminal, one JSON line a row in bench/results/."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.usage import GENERATOR, OTHERS

RESULTS = Path(__file__).resolve().parent / "results"

Row = dict[str, Any]


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The first column to the left, the others to the right."""
    cells = [list(head), *[[_text(value) for value in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def runs(rows: Sequence[Row]) -> str:
    head = (
        "run",
        "tips/s",
        "p50 ms",
        "p95",
        "p99",
        "max",
        "POST p50",
        "POST p99",
        "CPU ms/tip",
        "RSS MB",
    )
    body = [
        [
            row["name"],
            row["tips_per_second"],
            *[row["latency_ms"].get(name) for name in ("p50", "p95", "p99", "max")],
            *[row["post_ms"].get(name) for name in ("p50", "p99")],
            round(sum(used["cpu_ms_per_tip"] for used in stack_usage(row).values()), 3),
            round(
                sum(
                    used["rss_mb"]
                    for name, used in stack_usage(row).items()
                    if name not in ("mongod", "redis")
                ),
                1,
            ),
        ]
        for row in rows
    ]
    return columns(head, body)


def stack_usage(row: Row) -> dict[str, dict[str, float]]:
    return {name: used for name, used in row["usage"].items() if name not in (GENERATOR, OTHERS)}


def correctness(rows: Sequence[Row]) -> str:
    names = (
        "posted",
        "accepted",
        "delivered",
        "recorded",
        "lost",
        "twice",
        "disordered",
        "in_flight",
        "refused",
        "sockets_lost",
    )
    return columns(("run", *names), [[row["name"], *[row[name] for name in names]] for row in rows])


def usage(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row["usage"]))
    head = [
        "process",
        *[f"{row['name']} {what}" for row in rows for what in ("ms/tip", "CPU %", "MB")],
    ]
    body = [
        [
            name,
            *[
                row["usage"].get(name, {}).get(key)
                for row in rows
                for key in ("cpu_ms_per_tip", "cpu_percent", "rss_mb")
            ],
        ]
        for name in names
    ]
    return columns(head, body)


def floor(found: Row) -> str:
    rows: list[list[object]] = [
        [name.replace("_", " "), value]
        for name, value in found.items()
        if not isinstance(value, dict)
    ]
    rows += [
        ["insert p50 ms", found["insert_ms"].get("p50")],
        ["insert p99 ms", found["insert_ms"].get("p99")],
    ]
    return columns(("raw floor, same run", ""), rows)


def keep(rows: Sequence[Row]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path
