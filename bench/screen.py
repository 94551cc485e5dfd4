"""`python -m bench.screen [--seconds N] [--presses N]`: what Live costs a browser, and how calm.

A stack with DEBUG=false, a Chromium, a performer on air with a virtual device. 1. Requests and
packed bytes of a minute without news, and of 20 tips in 10 s with the 20 s after them. 2. Layout
shift over a busy show, and what moved. 3. With the processor slowed four times: from a press to the
next paint, and tasks above 50 ms. 4. Buttons of rows pressed while the queue changes ten times a
second: each has to act on the row that was drawn under the pointer."""

import argparse
import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench import table
from bench.stack import BASE_DIR, new_secret

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

    from tests.browser.stage import Actress, Stage

BURST, BURST_SECONDS, AFTER_SECONDS = 20, 10, 20
CHANGES_A_SECOND, SLOWER, LONG_TASK_MS = 10, 4, 50
AMOUNTS = (12, 50, 25, 120, 33, 75)
# Shifts, with what moved; tasks; and how long after each press the page was painted.
WATCH = """
window.seen = { shifts: [], tasks: [], presses: [] };
const name = (node) => node && (node.closest?.("[id]")?.id || node.className || node.nodeName);
const within = (node) => Boolean(node?.closest?.(".bottom, .stage__foot, .queue__buttons"));
const on = (type, kept, more = {}) =>
  new PerformanceObserver((list) => list.getEntries().forEach(kept))
    .observe({ type, buffered: true, ...more });
on("layout-shift", (entry) => entry.hadRecentInput || seen.shifts.push({
  at: entry.startTime, value: entry.value, of: entry.sources.map(({ node }) => name(node)),
  pressed: entry.sources.some(({ node }) => within(node)),
}));
on("longtask", (entry) => seen.tasks.push({ at: entry.startTime, ms: entry.duration }));
const isPress = ({ name }) => /^(pointerdown|click|keydown)$/.test(name);
on("event", (entry) => isPress(entry) && seen.presses.push(entry.duration),
  { durationThreshold: 16 });
"""
# Who was drawn under the pointer when it was pressed, and what was then asked for.
PRESSED = """
window.pressed = [];
let drawn = "";
addEventListener("pointerdown", ({ target }) => {
  drawn = target.closest("[data-row]")?.querySelector("bdi").textContent ?? "";
}, true);
document.addEventListener("htmx:config:request", ({ detail: { ctx: { request } } }) => {
  if (drawn && request.action.endsWith("/up")) pressed.push([drawn, request.action]);
  if (request.action.endsWith("/up")) drawn = "";
});
"""
ROW = re.compile(r'id="request-([^"]+)".*?<bdi>([^<]+)</bdi>', re.DOTALL)
# Another page of hers moves rows up, whichever they are.
MOVES = """([ids, ms]) => {
  const own = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  const sent = { method: "POST", headers: { "HX-Request": "true", ...own } };
  const any = () => ids[Math.floor(Math.random() * ids.length)];
  setInterval(() => fetch(`/live/requests/${any()}/up`, sent), ms);
}"""
UP = re.compile(r"/live/requests/([^/]+)/up$")


@contextmanager
def production() -> Iterator["Stage"]:
    """What signs tips has read the secret before the stack is given it."""
    os.environ["PAYMENT_WEBHOOK_SECRETS"] = new_secret()
    from tests.browser.stage import Stage
    from tests.flows.stack import Stack

    with tempfile.TemporaryDirectory(prefix="bench-screen-") as directory:
        stack = Stack(
            Path(directory),
            DEBUG="false",
            SECRET_KEY=secrets.token_hex(32),
            LOVENSE_DEVELOPER_TOKEN=secrets.token_hex(16),
            ALLOWED_HOSTS="127.0.0.1",
            LOVENSE_BRIDGES="SIMULATOR,STANDARD_SERVER,STANDARD_LAN,EXTENSION",
        )
        collect = (sys.executable, "manage.py", "collectstatic", "--noinput", "-v0")
        subprocess.run(collect, cwd=BASE_DIR, env=stack.environment, check=True)
        with stack:
            yield Stage(stack)


class Screen:
    """Her Live, in a browser that has nothing else open."""

    is_holding = False

    def __init__(self, chrome: "Browser", stage: "Stage", ana: "Actress") -> None:
        self.stage, self.ana = stage, ana
        self.context = chrome.new_context(viewport={"width": 1280, "height": 900})
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        stage.log_in(self.page, ana.name)
        self._connected()

    def _connected(self) -> None:
        self.page.locator("[data-socket]", has_text=re.compile("^Connected$")).wait_for()
        self.page.wait_for_load_state("networkidle")

    def hold(self) -> None:
        if self.is_holding:
            return
        self.is_holding = True
        self.page.get_by_role("switch", name="Virtual device in this page").check()
        self.page.locator("[data-virtual-words]", has_text="Ready").wait_for()

    def wait(self, seconds: float) -> None:
        self.page.wait_for_timeout(1000 * seconds)

    def begin(self) -> None:
        """Nothing seen so far, in a document that is loaded and shown."""
        self.page.reload()
        self._connected()
        self.wait(2)
        self.page.evaluate(WATCH)
        self.wait(1)
        self.page.evaluate("for (const each of Object.values(seen)) each.length = 0")

    @property
    def seen(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = self.page.evaluate("seen")
        return found

    def tip(self, number: int) -> None:
        amount = AMOUNTS[number % len(AMOUNTS)]
        self.stage.tip(self.ana, amount, name=f"viewer-{number}")

    def tips(self, count: int, seconds: float) -> threading.Thread:
        """From another thread, evenly."""

        def send() -> None:
            began = time.monotonic()
            for number in range(count):
                self.tip(number)
                time.sleep(max(0.0, began + (number + 1) * seconds / count - time.monotonic()))

        thread = threading.Thread(target=send)
        thread.start()
        return thread


# --- 1. what it asks for -------------------------------------------------------------------------


def _cost(name: str, screen: Screen, begin: Callable[[], object], seconds: float) -> list[object]:
    """Requests, bodies as a proxy packs them, and what the socket said."""
    from tests.browser.served import Visit

    screen.wait(5)
    visit, said = Visit(screen.page, screen.stage.url), list[int]()
    session = screen.context.new_cdp_session(screen.page)
    session.send("Network.enable")
    heard = "Network.webSocketFrameReceived"
    session.on(heard, lambda event: said.append(len(event["response"]["payloadData"])))
    begin()
    screen.wait(seconds)
    weights = sum(visit.weights.values())
    return [name, len(visit.asked), weights, sum(said), len(said), str(_paths(visit.asked))]


def _paths(asked: list[str]) -> dict[str, int]:
    return dict(Counter(urlsplit(url).query or urlsplit(url).path for url in asked))


def idle(screen: Screen) -> list[object]:
    return _cost("idle, a minute", screen, lambda: None, 60)


def burst(screen: Screen) -> list[object]:
    screen.hold()
    return _cost(
        f"{BURST} tips in {BURST_SECONDS} s and {AFTER_SECONDS} s after",
        screen,
        lambda: screen.tips(BURST, BURST_SECONDS),
        BURST_SECONDS + AFTER_SECONDS,
    )


# --- 2. whether it moves -------------------------------------------------------------------------


def shifts(screen: Screen, seconds: int) -> list[dict[str, Any]]:
    screen.hold()
    screen.begin()
    sending = screen.tips(seconds // 2, seconds)
    screen.wait(seconds)
    found: list[dict[str, Any]] = screen.seen["shifts"]
    sending.join()
    return found


def worst(moved: list[dict[str, Any]]) -> float:
    """Cumulative layout shift as browsers report it: the largest sum of shifts that are less than
    a second apart, in at most five."""
    most, total, began, last = 0.0, 0.0, -6000.0, -6000.0
    for each in moved:
        if each["at"] - last > 1000 or each["at"] - began > 5000:
            total, began = 0.0, each["at"]
        total, last = total + each["value"], each["at"]
        most = max(most, total)
    return most


# --- 3. how soon it answers ----------------------------------------------------------------------


def slowed(screen: Screen, presses: int) -> dict[str, list[Any]]:
    """What opens, what filters, and what asks the server, in turn; while tips come."""
    screen.hold()
    screen.begin()
    session = screen.context.new_cdp_session(screen.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    sending = screen.tips(presses // 4, presses / 4)
    for number in range(presses):
        (_opens, _filters)[number % 2](screen.page)
        screen.wait(0.25)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    sending.join()
    return screen.seen


def _opens(page: "Page") -> None:
    page.locator("#order").click()


def _filters(page: "Page") -> None:
    kinds = page.locator("input[name=feed-kind]")
    kinds.nth(int(time.monotonic()) % kinds.count()).locator("xpath=..").click()


# --- 4. which row a button acts on ---------------------------------------------------------------


def rows(screen: Screen, presses: int) -> tuple[int, int]:
    """How many presses reached a row, and how many of them the one that was drawn."""
    screen.page.locator("#bar-pause").click()
    screen.page.locator("#pause-for").get_by_role(
        "button", name="Until I resume", exact=True
    ).click()
    for number in range(40):
        screen.tip(number)
    screen.page.locator("[data-row]").nth(7).wait_for()
    screen.begin()
    screen.page.evaluate(PRESSED)
    whose = dict[str, str](ROW.findall(screen.page.content()))
    screen.page.on("response", lambda answer: whose.update(_rows(answer)))
    other = screen.context.new_page()
    other.goto(screen.stage.url)
    other.evaluate(MOVES, [list(whose), 1000 / CHANGES_A_SECOND])
    screen.page.bring_to_front()
    chance, deadline = random.Random(7), time.monotonic() + 2 * presses
    while screen.page.evaluate("pressed.length") < presses and time.monotonic() < deadline:
        box = screen.page.locator("[id^=up-]").nth(chance.randrange(1, 8)).bounding_box()
        if box:
            screen.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    screen.wait(2)
    found = [(drawn, UP.findall(action)) for drawn, action in screen.page.evaluate("pressed")]
    return len(found), sum(whose.get(ids[0]) == drawn for drawn, ids in found if ids)


def _rows(answer: "Response") -> dict[str, str]:
    is_queue = answer.status == 200 and answer.url.endswith("region=queue")
    return dict(ROW.findall(answer.text())) if is_queue else {}


# --- together ------------------------------------------------------------------------------------

HEAD = ("what Live asks for", "requests", "bytes", "socket's bytes", "words", "of them")


def show_idle(screen: Screen, options: argparse.Namespace) -> bool:
    print("\n" + table.columns(HEAD, [idle(screen)]))
    return True


def show_burst(screen: Screen, options: argparse.Namespace) -> bool:
    print("\n" + table.columns(HEAD, [burst(screen)]))
    return True


def show_shifts(screen: Screen, options: argparse.Namespace) -> bool:
    moved = shifts(screen, options.seconds)
    total, inside = sum(each["value"] for each in moved), sum(each["pressed"] for each in moved)
    print(
        f"\nlayout shift over {options.seconds} s: {worst(moved):.4f} at worst, {total:.4f} in all"
    )
    print(f"  {inside} of them moved a button of the bar, the stage or a row")
    for each in moved:
        print(f"  {each['value']:.5f} {each['of']}")
    return True


def show_slowed(screen: Screen, options: argparse.Namespace) -> bool:
    seen = slowed(screen, options.presses)
    took = sorted(seen["presses"])
    print(f"\n{SLOWER} times slower, {options.presses} presses: {len(took)} events above 16 ms")
    print(f"  to paint, ms: p50 {_rank(took, 0.5)}, p98 {_rank(took, 0.98)}, most {_rank(took, 1)}")
    print(f"  tasks above {LONG_TASK_MS} ms: {[round(each['ms']) for each in seen['tasks']]}")
    return True


def show_rows(screen: Screen, options: argparse.Namespace) -> bool:
    reached, same = rows(screen, options.acts)
    print(f"\nbuttons of rows: {same} of {reached} acted on the row that was drawn")
    return same == reached == int(options.acts)


PARTS = {
    "idle": show_idle,
    "burst": show_burst,
    "shifts": show_shifts,
    "slowed": show_slowed,
    "rows": show_rows,
}


def _rank(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.screen", description="See the module.")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, in this order")
    parser.add_argument("--seconds", type=int, default=60, help="of the busy show")
    parser.add_argument("--presses", type=int, default=200, help="on a slow processor")
    parser.add_argument("--acts", type=int, default=500, help="presses of buttons of rows")
    options = parser.parse_args()
    chosen = [PARTS[name] for name in options.only.split(",")]
    with production() as stage:
        from tests.browser.stage import browser

        [ana] = stage.prepare("ana")
        with browser() as chrome:
            screen = Screen(chrome, stage, ana)
            found = [part(screen, options) for part in chosen]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
