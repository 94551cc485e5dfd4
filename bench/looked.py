"""`python -m bench.looked [--rounds N] [--readers N]`: tips a second at the maximum while staff
looks, beside nobody looking, by turns.

A reader is a person of support in a thread of her own: she opens a page of the staff's, one after
the other, PAUSE apart, and waits for each. A round is a run without and a run with them, each in a
stack of its own, in an order that alternates. Ends with status 1 when a run was not clean, nobody
was answered, or the ratio of the medians is below LEAST."""

import argparse
import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import httpx

from bench.load import percentiles
from bench.runs import measure, plans
from bench.stack import BASE_DIR, BenchStack

LEAST, PAUSE = 0.95, 1.0
LOGIN = "/login"
NAME, PASSWORD = "dina", "bench-9a4f1c7e"
PAGES = (
    *("/staff", "/staff/tips", "/staff/queue", "/staff/deliveries", "/staff/audit"),
    *("/staff/performers", "/staff/devices", "/staff/statistics?period=90d", "/staff/dead-letters"),
    "/staff/strip",
)
Row = dict[str, Any]


class StaffReader:
    """One person's browser, without what a page draws."""

    def __init__(self, stack: BenchStack) -> None:
        self.http = httpx.Client(base_url=stack.addresses["url"], timeout=30, follow_redirects=True)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.http.get(LOGIN).text)
        said = {"username": NAME, "password": PASSWORD}
        said["csrfmiddlewaretoken"] = token[1] if token else ""
        self.http.post(LOGIN, data=said).raise_for_status()
        self.took: list[float] = []

    def read(self, over: threading.Event) -> None:
        for page in itertools.cycle(PAGES):
            began = time.perf_counter()
            answer = self.http.get(page)
            if answer.status_code != 200 or str(answer.url.path) == LOGIN:
                raise AssertionError((page, answer.status_code, answer.url.path))
            self.took.append(1000 * (time.perf_counter() - began))
            if over.wait(PAUSE):
                return


@contextmanager
def looked_at(stack: BenchStack, readers: int) -> Iterator[list[StaffReader]]:
    """So many people look until the end of the block."""
    command = ["create_staff", "--username", NAME, "--role", "support", "--password", PASSWORD]
    subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=BASE_DIR,
        env=stack.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    over, people = threading.Event(), [StaffReader(stack) for _ in range(readers)]
    threads = [threading.Thread(target=each.read, args=[over]) for each in people]
    for thread in threads:
        thread.start()
    try:
        yield people
    finally:
        over.set()
        for thread in threads:
            thread.join()


def run(readers: int, *, quick: bool) -> Row:
    plan = plans(["max"], quick=quick)[0]
    with BenchStack(performers=50, web=1) as stack, looked_at(stack, readers) as people:
        row = measure(plan, stack)
    took = [each for reader in people for each in reader.took]
    return {**row, "pages": len(took), "page_ms": percentiles(took) if took else {}}


def rounds(count: int, readers: int, *, quick: bool) -> dict[int, list[Row]]:
    """By how many look."""
    found: dict[int, list[Row]] = {0: [], readers: []}
    for number in range(count):
        for each in sorted(found, reverse=bool(number % 2)):
            row = run(each, quick=quick)
            found[each].append(row)
            print(
                f"{each} look: {row['tips_per_second']:8,.0f} tips/s, {row['pages']} pages "
                f"{row['page_ms']}, clean: {row['clean']}",
                flush=True,
            )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.looked", description="See above.")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--readers", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a few seconds each")
    options = parser.parse_args()
    found = rounds(options.rounds, options.readers, quick=options.quick)
    none, some = (median(row["tips_per_second"] for row in rows) for rows in found.values())
    print(f"\nwith {options.readers} who look {some:,.0f} ÷ without {none:,.0f}: {some / none:.3f}")
    clean = all(row["clean"] for rows in found.values() for row in rows)
    answered = all(row["pages"] for row in found[options.readers])
    return 0 if clean and answered and some / none >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
