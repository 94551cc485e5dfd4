"""`python -m bench.staffpages [--rounds N] [--rows N] [--few N]`: what the staff's pages cost with
ten thousand activations and with a million.

Two databases of one server, each asked by a process of its own, by turns; DEBUG=false. Of each page
by the clock and as CPU of the process and of the server together, which others on the machine
disturb less; the commands that it sends; and, by the server's profiler, whether one of them scans
or sorts more than MARGIN rows, or examines more than three documents for each that it returns and
MARGIN. Two lists of unlike length are not compared: a row that is shown costs a millisecond. Ends
with status 1 where a bound is missed."""

import argparse
import gc
import json
import multiprocessing
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench import table
from bench.load import percentiles
from bench.pages import COUNTER, PRODUCTION

FEW, MANY = "few", "many"
NAME = "dina"  # who asks: an account of that name has entries in a seeded audit log
ROUNDS, WARM = 50, 2
MOST_MS, MOST_RATIO, MOST_COMMANDS = 200, 1.3, 20
A_ROW, MARGIN = 3, 200
CSV_MEMORY_MB, CSV_FIRST_MS, CSV_ROWS_A_SECOND = 30, 300, 10_000

Row = dict[str, Any]


# --- a process that asks -------------------------------------------------------------------------


def serve(pipe: Connection, uri: str, redis: str, only: str) -> None:
    """Answers what the parent wants to know of this database: `(word, page, times)`."""
    with _django(uri, redis):
        from bench import staffasked

        asker = Asker()
        found = staffasked.pages(NAME)
        gc.freeze()  # as a web process does at its start (config/asgi.py)
        gc.set_threshold(20_000, 50, 100)
        pipe.send([page for page in found if only.lower() in page.lower()])
        for word, page, times in iter(pipe.recv, None):
            pipe.send(getattr(asker, word)(found.get(page, page), times))


@contextmanager
def _django(uri: str, redis: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="bench-staff-") as directory:
        os.environ.update(PRODUCTION, SECRET_KEY=secrets.token_hex(32), STAFF_REQUIRE_OTP="false")
        os.environ["LOVENSE_DEVELOPER_TOKEN"] = secrets.token_hex(16)
        os.environ |= {"MONGODB_URI": uri, "REDIS_URL": redis}
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        from pymongo import monitoring

        monitoring.register(COUNTER)
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.STATIC_ROOT = Path(directory) / "static"
        call_command("collectstatic", interactive=False, verbosity=0)
        yield


class Asker:
    """An admin's browser, and what her questions cost."""

    def __init__(self) -> None:
        from django.contrib.auth.models import User
        from django.core.management import call_command
        from django.test import Client

        from ground.mongodb.collections import current

        with open(os.devnull, "w", encoding="utf-8") as quiet:
            call_command("create_staff", username=NAME, role="admin", stdout=quiet)
        self._client = Client()
        self._client.force_login(User.objects.get(username=NAME))
        self._database = current()
        pid = self._database.command("serverStatus")["pid"]
        self._tasks = Path(f"/proc/{pid}/task")

    def took(self, path: str, times: int) -> list[Row]:
        return [self._once(path) for _ in range(times)]

    def _once(self, path: str) -> Row:
        count, server, cpu = COUNTER.count, self._server_cpu(), time.process_time()
        began = time.perf_counter()
        answer = self._client.get(path)
        shown = answer.getvalue().count(b"<tr")
        clock, cpu = time.perf_counter() - began, time.process_time() - cpu
        if answer.status_code != 200 and "find" not in path:
            raise AssertionError((path, answer.status_code))
        server = self._server_cpu() - server
        return {
            "clock": 1000 * clock,
            "cpu": 1000 * (cpu + server),
            "commands": COUNTER.count - count,
            "shown": shown,
        }

    def _server_cpu(self) -> float:
        """Of all of its threads, in seconds; nobody else asks this server anything."""
        spent = 0
        for task in self._tasks.iterdir():
            try:
                spent += int((task / "schedstat").read_text().split()[0])
            except OSError:  # it has ended
                continue
        return spent / 1e9

    def plans(self, path: str, times: int) -> list[Row]:
        """What the server's profiler says of each command of this page."""
        self._database.system.profile.drop()
        self._database.command("profile", 2)
        try:
            self._client.get(path).getvalue()
        finally:
            self._database.command("profile", 0)
        said = self._database.system.profile.find({"ns": {"$not": {"$regex": "system.profile$"}}})
        return [_plan(row) for row in said]

    def csv(self, path: str, times: int) -> Row:
        """A file of so many rows, as it is streamed."""
        import psutil

        memory = psutil.Process().memory_info
        before = most = memory().rss
        server = self._server_cpu()
        began, cpu = time.perf_counter(), time.process_time()
        answer: Any = self._client.get(path)
        parts = iter(answer.streaming_content)
        next(parts)
        first, first_cpu = time.perf_counter() - began, time.process_time() - cpu
        first_cpu += self._server_cpu() - server
        rows = 0
        for part in parts:
            rows += part.count(b"\r\n")
            most = max(most, memory().rss)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        return {
            "rows": rows,
            "first_ms": round(1000 * first, 1),
            "first_cpu_ms": round(1000 * first_cpu, 1),
            "rows_a_second": round(rows / took),
            "rows_a_cpu_second": round(rows / cpu),
            "memory_mb": round((most - before) / 2**20, 1),
        }


def _plan(row: Row) -> Row:
    examined, returned = row.get("docsExamined", 0), row.get("nreturned", 0)
    is_write = row["op"] in ("insert", "update", "remove")
    wrong = []
    if "COLLSCAN" in row.get("planSummary", "") and examined > MARGIN:
        wrong.append("scans")
    if row.get("hasSortStage") and max(examined, row.get("keysExamined", 0)) > MARGIN:
        wrong.append("sorts")
    if examined > A_ROW * returned + MARGIN and not is_write:
        wrong.append(f"examines {examined} for {returned}")
    collection = row["ns"].partition(".")[2]
    return {"in": collection, "plan": row.get("planSummary", ""), "wrong": ", ".join(wrong)}


# --- the parent ----------------------------------------------------------------------------------


class Pair:
    """Both processes, asked by turns."""

    def __init__(self, uris: dict[str, str], redis: str, only: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: dict[str, Connection] = {}
        for size, uri in uris.items():
            mine, other = context.Pipe()
            about = (other, uri, redis, only)
            context.Process(target=serve, args=about, daemon=True).start()
            other.close()  # so that the end of that process is heard here
            self._pipes[size] = mine
        found = [pipe.recv() for pipe in self._pipes.values()]
        self.pages = [page for page in found[0] if all(page in other for other in found)]

    def ask(self, size: str, word: str, page: str, times: int = 1) -> Any:
        self._pipes[size].send((word, page, times))
        return self._pipes[size].recv()

    def row(self, page: str, rounds: int) -> Row:
        taken: dict[str, list[Row]] = {FEW: [], MANY: []}
        for size in taken:
            self.ask(size, "took", page, WARM)
        for _ in range(rounds):
            for size in taken:
                taken[size] += self.ask(size, "took", page)
        row: Row = {"page": page, "rounds": rounds}
        for size, rows in taken.items():
            for kind in ("clock", "cpu"):
                row[f"{size}_{kind}"] = percentiles([each[kind] for each in rows])
            row[f"{size}_commands"] = max(each["commands"] for each in rows)
            row[f"{size}_shown"] = rows[-1]["shown"]
        plans = self.ask(MANY, "plans", page)
        row["wrong"] = sorted({f"{one['in']}: {one['wrong']}" for one in plans if one["wrong"]})
        return row


def ratio(row: Row, kind: str, which: str = "p95") -> float:
    many, few = (float(row[f"{size}_{kind}"][which]) for size in (MANY, FEW))
    return round(many / max(few, 0.001), 2)


def missed(row: Row) -> list[str]:
    found = list(row["wrong"])
    if row[f"{MANY}_cpu"]["p95"] > MOST_MS:
        found.append("ms")
    if row[f"{FEW}_shown"] == row[f"{MANY}_shown"] and ratio(row, "cpu") > MOST_RATIO:
        found.append("ratio")
    if row[f"{MANY}_commands"] > MOST_COMMANDS:
        found.append("commands")
    return found


HEAD = (
    "",
    "few CPU p50",
    "many CPU p50",
    "p95",
    "p95 ratio",
    "clock p50",
    "p95",
    "rows",
    "commands",
    "",
)


def columns(row: Row) -> list[object]:
    many, few = row[f"{MANY}_cpu"], row[f"{FEW}_cpu"]
    clock = row[f"{MANY}_clock"]
    shown, said = (
        f"{row[f'{FEW}_{kind}']}, {row[f'{MANY}_{kind}']}" for kind in ("shown", "commands")
    )
    cpu = [few["p50"], many["p50"], many["p95"], ratio(row, "cpu")]
    return [row["page"], *cpu, clock["p50"], clock["p95"], shown, said, "; ".join(missed(row))]


def seeded(uri: str, redis: str, options: argparse.Namespace, rows: int) -> None:
    """A tenth of the activations are of tips, and a fifth as many entries of the audit log."""
    environment = {**os.environ, "MONGODB_URI": uri, "REDIS_URL": redis}
    sizes = {"performers": options.performers, "tips": rows // 10, "activations": rows}
    words = [f"--{name}={size}" for name, size in {**sizes, "audit": rows // 5}.items()]
    for command in (["migrate", "--verbosity=0"], ["seed_history", *words]):
        subprocess.run([sys.executable, "manage.py", *command], env=environment, check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.staffpages", description="See above.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--few", type=int, default=10_000, help="activations of the small one")
    parser.add_argument("--rows", type=int, default=1_000_000, help="activations of the large one")
    parser.add_argument("--performers", type=int, default=200)
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--no-csv", action="store_true")
    parser.add_argument(
        "--at",
        nargs=2,
        metavar="URI",
        help="databases of one server that are seeded already: the small one, the large one",
    )
    return parser.parse_args()


@contextmanager
def databases(options: argparse.Namespace) -> Iterator[tuple[dict[str, str], str]]:
    if options.at:
        yield dict(zip((FEW, MANY), options.at, strict=True)), os.environ["REDIS_URL"]
        return
    from config.stack.services import Services

    with (
        tempfile.TemporaryDirectory(prefix="bench-staff-") as directory,
        Services(Path(directory)) as services,
    ):
        base, redis = services.mongodb_uri, services.redis_url
        uris = {size: base.replace("/tips?", f"/{size}?") for size in (FEW, MANY)}
        seeded(uris[FEW], redis, options, options.few)
        seeded(uris[MANY], redis, options, options.rows)
        yield uris, redis


def main() -> int:
    options = arguments()
    table.RESULTS.mkdir(exist_ok=True)
    kept = table.RESULTS / f"staffpages-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    with databases(options) as (uris, redis), kept.open("w", encoding="utf-8") as file:
        pair, rows = Pair(uris, redis, options.only), []
        for page in pair.pages:
            rows.append(pair.row(page, options.rounds))
            print(json.dumps(rows[-1]), file=file, flush=True)
        print(table.columns(HEAD, [columns(row) for row in rows]), flush=True)
        bad = [row for row in rows if missed(row)]
        print(f"\n{len(rows)} pages, of which {len(bad)} miss a bound; rows kept in {kept.name}")
        if not options.no_csv:
            path = "/staff/audit/export?format=csv&q=archive:yes"
            print(json.dumps(pair.ask(MANY, "csv", path)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
