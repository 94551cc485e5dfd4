"""`python -m bench.pages [--rounds N] [--history N]`: what her pages cost the server, with a short
history and with a long one.

Databases of its own and one process with DEBUG=false; each round asks for everything once, for one
performer and for the other by turns. Prints the milliseconds of the process, the commands as the
driver's listener counts them, and what an unchanged region costs beside a changed one. Ends with
status 1 when a page with a long history takes other commands than one with a short one."""

import argparse
import os
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo import monitoring

from bench import table
from bench.load import percentiles
from config.stack.services import Services

if TYPE_CHECKING:
    from django.test import Client

SHORT, LONG = "short", "long"
FEW = 20  # runs of the short history
WARM = 3  # rounds that nobody counts
PAGES = {
    "Live": "/",
    "History": "/history",
    "History, by a name": "/history?name=kim",
    "History, by a name that nobody has": "/history?name=nobody",
    "Statistics, tonight": "/statistics",
    "Statistics, 7 days": "/statistics?period=7",
    "Statistics, 30 days": "/statistics?period=30",
    "Statistics, 90 days": "/statistics?period=90",
    "Menu": "/menu",
    "Patterns": "/patterns",
    "Devices": "/devices",
    "Preferences": "/preferences/limits",
    "Account": "/account",
}
REGIONS = {"live": "/", "menu": "/menu", "patterns": "/patterns", "devices": "/devices"}
REGIONS |= {"menu-versions": "/menu/versions"}
HTMX = {"HX-Request": "true"}
PRODUCTION = {
    "DEBUG": "false",
    "PUBLIC_BASE_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver",
    "LOVENSE_BRIDGES": "SIMULATOR,STANDARD_SERVER,STANDARD_LAN,EXTENSION",
    "PAYMENT_WEBHOOK_SECRETS": "whsec_b25seS1mb3ItbWVhc3VyaW5nLXBhZ2VzLWFuZC1ub3RoaW5n",
}


class Counter(monitoring.CommandListener):
    """Every command that is sent."""

    count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


COUNTER = Counter()


@contextmanager
def databases() -> Iterator[None]:
    """MongoDB and Redis, and Django on them as production has it; all gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-pages-") as directory,
        Services(Path(directory)) as services,
    ):
        os.environ.update(PRODUCTION, SECRET_KEY=secrets.token_hex(32))
        os.environ["LOVENSE_DEVELOPER_TOKEN"] = secrets.token_hex(16)
        os.environ |= {"MONGODB_URI": services.mongodb_uri, "REDIS_URL": services.redis_url}
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        monitoring.register(COUNTER)
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.STATIC_ROOT = Path(directory) / "static"
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("migrate", verbosity=0)
        yield


def seed(many: int) -> dict[str, "Client"]:
    """Who has a short history and who has a long one, each logged in; and a busy show."""
    from config.seeds import history, show
    from config.seeds.history import HistorySize
    from ground import clock

    now, quiet = clock.now(), lambda rows: None
    for first, size in ((1, FEW), (2, many)):
        about = HistorySize(1, size, 90)
        history.make(about, seed=7, now=now, progress=quiet, first=first)
    show.make(show.Evening("ana", "busy", 7, now), progress=quiet)
    return {SHORT: client("history-1"), LONG: client("history-2"), "busy": client("ana")}


def client(name: str) -> "Client":
    from django.contrib.auth.models import User
    from django.test import Client

    made = Client()
    made.force_login(User.objects.get(username=name))
    return made


class Taken:
    """What was asked for, by name: milliseconds of this process and of the clock, commands."""

    def __init__(self) -> None:
        self.cpu: defaultdict[str, list[float]] = defaultdict(list)
        self.clock: defaultdict[str, list[float]] = defaultdict(list)
        self.commands: defaultdict[str, set[int]] = defaultdict(set)

    def ask(
        self, name: str, asked: "Client", path: str, headers: dict[str, str], status: int
    ) -> Any:
        count, cpu, clock = COUNTER.count, time.process_time(), time.perf_counter()
        answer = asked.get(path, headers=headers)
        took = time.perf_counter() - clock
        self.cpu[name].append(1000 * (time.process_time() - cpu))
        self.clock[name].append(1000 * took)
        self.commands[name].add(COUNTER.count - count)
        if answer.status_code != status:
            raise AssertionError((path, answer.status_code))
        return answer

    def forget(self) -> None:
        self.cpu.clear()
        self.clock.clear()
        self.commands.clear()


def pages(clients: dict[str, "Client"], rounds: int) -> Taken:
    taken = Taken()
    for number in range(WARM + rounds):
        if number == WARM:
            taken.forget()
        for name, path in PAGES.items():
            for size in (SHORT, LONG):
                taken.ask(f"{name}/{size}", clients[size], path, {}, 200)
    return taken


def regions(clients: dict[str, "Client"], rounds: int) -> Taken:
    """Of a busy show: each as it is, and under the tag that it has."""
    from lovense import regions as registry

    taken, asked = Taken(), clients["busy"]
    for number in range(WARM + rounds):
        if number == WARM:
            taken.forget()
        for page, path in REGIONS.items():
            for name in registry.of(page):
                about, address = f"{page}, {name}", f"{path}?region={name}"
                full = taken.ask(f"{about}/full", asked, address, HTMX, 200)
                known = HTMX | {"If-None-Match": full["ETag"]}
                taken.ask(f"{about}/304", asked, address, known, 304)
            taken.ask(f"{page}, stamps/full", asked, f"{path}?stamps", HTMX, 200)
    return taken


def rows_of(taken: Taken, names: list[str], one: str, other: str) -> list[list[object]]:
    rows: list[list[object]] = []
    for name in names:
        cases = [f"{name}/{each}" for each in (one, other) if f"{name}/{each}" in taken.cpu]
        cpu = [percentiles(taken.cpu[case]) for case in cases]
        clock = [percentiles(taken.clock[case]) for case in cases]
        commands = ["/".join(map(str, sorted(taken.commands[case]))) for case in cases]
        if len(cases) == 1:
            rows.append([name, cpu[0]["p50"], None, None, clock[0]["p95"], None, commands[0], "-"])
            continue
        p50, p95 = (round(cpu[1][each] / cpu[0][each], 2) for each in ("p50", "p95"))
        rows.append([name, cpu[0]["p50"], cpu[1]["p50"], p50, clock[1]["p95"], p95, *commands])
    return rows


def report(taken: Taken, one: str, other: str) -> None:
    head = ("", f"{one} p50 ms", f"{other} p50 ms", "p50 ratio", f"{other} p95 by the clock")
    names = list(dict.fromkeys(each.rpartition("/")[0] for each in taken.cpu))
    body = rows_of(taken, names, one, other)
    print("\n" + table.columns((*head, "p95 ratio", f"commands {one}", other), body), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description="See the module.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--history", type=int, default=10_000, help="runs of the long history")
    parser.add_argument("--quick", action="store_true", help="ten rounds and 1000 runs: a look")
    options = parser.parse_args()
    rounds, many = (10, 1000) if options.quick else (options.rounds, options.history)
    with databases():
        clients = seed(many)
        found = pages(clients, rounds)
        report(found, SHORT, LONG)
        report(regions(clients, rounds), "full", "304")
        differing = [
            name
            for name in PAGES
            if found.commands[f"{name}/{SHORT}"] != found.commands[f"{name}/{LONG}"]
        ]
    print(f"\nother commands with a long history: {', '.join(differing) or 'none'}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
