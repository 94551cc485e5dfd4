"""This system beside its peers: `python -m bench.compare --perf DIR`, DIR holding the peers' bench
and its WORKLOAD.md.

That bench starts every system in turn, in alternated rounds, over the same MongoDB and Redis; here
are only our entry for it and the ratios. Ratios hold on a noisy machine, absolute numbers do not.
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import table
from bench.goals import FLOOR_PEER, OURS, QUEUE_PEER, Row, correctness, figures, ratios
from bench.stack import BASE_DIR, new_secret
from config.stack.services import free_port

KINDS: dict[str, list[str]] = {
    "max": ["max"],
    "latency": ["latency", "--rate", "100"],
    "latency400": ["latency", "--rate", "400"],
    "ack": ["ack"],
    "dup": ["dup"],
    "crash": ["crash"],
}
QUICK_SECONDS = {"max": 6, "latency": 10, "latency400": 8, "ack": 6}


def entry(options: argparse.Namespace, run: Path) -> Row:
    """Our line in the peers' table; every path is of this machine, so it is written anew for each
    comparison."""
    environment = {
        "MONGODB_URI": "mongodb://127.0.0.1:27317/ours?replicaSet=rs0",
        "REDIS_URL": "redis://127.0.0.1:6390/8",
    }
    tokens = str(run / "ours-tokens.json")
    command = [
        sys.executable,
        "-m",
        "bench.ours_server",
        "--port",
        str(options.port),
        "--web",
        str(options.web),
    ]
    command += ["--data", str(run / "ours-stack"), "--tokens", tokens]
    return {
        "processes": [["server", str(BASE_DIR), environment, command]],
        "port": options.port,
        "adapter": f"{options.perf.resolve() / 'bench' / 'ours.py'}:Ours",
        "adapter_options": {"tokens": tokens},
        "db": "ours",
        "collection": "queue_requests",
        "done": {"status": "completed"},
        "redis_db": 8,
        "start_s": options.start_seconds,
    }


def generator_call(options: argparse.Namespace, run: Path, kind: str) -> list[str]:
    """The load generator's call for one kind of run; `--quick` bounds its waits."""
    words = [
        str(run / "venv" / "bin" / "python"),
        str(options.perf / "bench" / "bench.py"),
        *KINDS[kind],
        *("--rounds", str(options.rounds)),
        *("--repeat", "0" if options.quick else "2"),
        *("--extra", str(run / "ours.json")),
        *("--wait", "5" if options.quick else "60"),
        *("--peers", ",".join([*options.peers, OURS])),
    ]
    if options.quick and kind in QUICK_SECONDS:
        words += ["--duration", str(QUICK_SECONDS[kind])]
    return words


def drive(options: argparse.Namespace, run: Path, results: Path) -> None:
    """Every kind in turn; a kind that fails leaves the results of the others."""
    (run / "ours.json").write_text(json.dumps({OURS: entry(options, run)}))
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(
            part for part in os.get_exec_path() if Path(part) != Path(sys.prefix) / "bin"
        ),  # not our redis-server
        "BENCH_RUN": str(run),
        "BENCH_RESULTS": str(results),
        "PAYMENT_WEBHOOK_SECRETS": new_secret(),
    }
    (run / "ours-tokens.json").unlink(missing_ok=True)
    try:
        subprocess.run(
            [str(options.perf / "services.sh"), "start"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for kind in options.kinds:
            subprocess.run(generator_call(options, run, kind), env=environment, check=False)
    finally:
        subprocess.run(
            [str(options.perf / "services.sh"), "stop"],
            env=environment,
            check=False,
            stdout=subprocess.DEVNULL,
        )


def report(rows: list[Row]) -> str:
    found = figures(rows)
    systems = list(dict.fromkeys(row["label"] for row in rows))
    parts = (
        table.columns(
            ("median", *systems),
            [[name, *[by.get(system) for system in systems]] for name, by in found.items()],
        ),
        table.columns(("ours ÷", "ratio", "must", "target", "reached"), ratios(found)),
        table.columns(
            (
                "run",
                "accepted",
                "not recorded",
                "lost",
                "twice",
                "disordered",
                "in flight",
                "foreign CPU %",
            ),
            correctness(rows),
        ),
    )
    return "\n\n".join(parts)


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument(
        "--perf", type=Path, required=True, help="the peers' bench; its setup.sh has been run"
    )
    parser.add_argument(
        "--peers",
        type=words,
        default=[QUEUE_PEER, FLOOR_PEER],
        help="comma list (default %(default)s)",
    )
    parser.add_argument(
        "--kinds", type=words, default=["max", "latency"], help=f"comma list of {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--rounds", type=int, default=0, help="alternated rounds (default 3, quick 1)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round, no waiting for a quiet machine"
    )
    parser.add_argument("--web", type=int, default=1, help="our web processes")
    parser.add_argument("--port", type=int, default=0, help="our port (default: a free one)")
    parser.add_argument(
        "--start-seconds", type=float, default=12, help="from our listening socket to prepared data"
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.port = options.port or free_port()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    options = arguments()
    run = Path(os.environ.get("BENCH_RUN") or Path.home() / ".cache" / "tip-bench").resolve()
    table.RESULTS.mkdir(exist_ok=True)
    results = table.RESULTS / f"compare-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    drive(options, run, results)
    rows = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    print(
        f"\n{report(rows)}\n\nruns kept in {results.relative_to(BASE_DIR)}"
        if rows
        else "no run succeeded"
    )


if __name__ == "__main__":
    main()
