"""STOP: pressed by button, Escape twice, Space that is held and by a program, on every page and
over whatever is open, while tips play; and whether anything of ours ever covers it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle

from playwright.sync_api import Page, expect

from bench.hands.places import BELOW, RAIL, TOAST, Walker
from bench.hands.scene import LONG, SHORT, Her, WalkScene

SILENT_MS, FROM_ELSEWHERE_MS = 50, 150
PATIENCE_MS = 20_000
WAYS = ("button", "escape", "space")
SWAPS = """() => {
    const topics = ["queue", "devices", "tips", "notices", "menu", "preferences", "shows"];
    const told = (topic) => document.body.dispatchEvent(new CustomEvent(`news-${topic}`));
    const say = () => topics.forEach(told);
    say();
    const again = setInterval(say, 20);
    setTimeout(() => clearInterval(again), 1500);
}"""
FIELDS = "#content input:not([type=hidden], [type=checkbox], [type=radio]), #content textarea"


@dataclass
class Presses:
    """Of one holder page: each press, and how long her device went on."""

    her: Her
    page: Page
    took: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    count: int = 0

    def until_it_moves(self) -> None:
        if not self.page.evaluate(f"eyes.until(eyes.isMoving, {PATIENCE_MS})"):
            raise AssertionError("no tip plays")

    def pressed(self, name: str, way: Callable[[], float | None], where: str) -> None:
        """`way` presses, and says when if this page cannot know: in ms since the epoch."""
        self.until_it_moves()
        self.page.evaluate("eyes.pressed = eyes.silent = 0")
        at = way()
        self.count += 1
        silent = self.page.evaluate("eyes.until(() => eyes.silent, 3000).then(() => eyes.silent)")
        at = at or self.page.evaluate("eyes.pressed")
        if silent and at:
            self.took.setdefault(name, []).append(silent - at)
        else:
            self.faults.append(f"{name}, {where}: pressed {at}, silent {silent}")

    def resumed(self) -> None:
        """Once the press stands on the page; the next tip plays."""
        expect(self.page.locator("#region-stop")).to_contain_text("Stopped")
        self.her.call("/api/lovense/resume")


def by(page: Page, way: str) -> None:
    if way == "button":
        bars = page.locator("[data-stop] button:visible")
        over = page.locator("dialog:popover-open [data-stop] button")
        box = (over.first if over.count() else bars.first).bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    elif way == "escape":
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    else:
        page.keyboard.down("Space")
        page.evaluate("eyes.until(() => eyes.silent, 2000)")
        page.keyboard.up("Space")


def states(walker: Walker) -> Iterator[tuple[str, Callable[[], None]]]:
    """What a page may be in when she presses."""
    page = walker.page
    yield "plain", lambda: None
    for opener in walker.openers():
        yield f"open {opener}", partial(walker.open, opener)
    yield "palette", lambda: _opens(page, "Control+k")
    yield "keys", lambda: _opens(page, "?")
    yield "toast", lambda: page.evaluate(TOAST)
    if page.locator(FIELDS).locator("visible=true").count():
        yield "typing", lambda: _type(page)
    yield "swap", lambda: page.evaluate(SWAPS)


def _opens(page: Page, key: str) -> None:
    page.locator("h1").focus()
    page.keyboard.press(key)
    page.locator(":popover-open").first.wait_for()


def _type(page: Page) -> None:
    page.locator(FIELDS).locator("visible=true").first.press_sequentially("half a w")


def walk(presses: Presses, least: int) -> None:
    """Every page, every state of it, by each way in turn; until each way was pressed so often."""
    walker, ways, rounds = Walker(presses.page), cycle(WAYS), 0
    while not rounds or any(len(presses.took.get(way, [])) < least for way in WAYS):
        rounds += 1
        for place in (*RAIL, *BELOW):
            walker.go(place)
            for state, enter in list(states(walker)):
                way = next(ways)
                if state == "typing" and way == "space":
                    way = next(ways)
                if all(len(presses.took.get(each, [])) >= least for each in WAYS):
                    return
                _one(presses, walker, way, f"{place}, {state}", enter)
            print(f"    {place}: {presses.count} presses, {presses.faults[-1:]}", flush=True)


def _one(presses: Presses, walker: Walker, way: str, where: str, enter: Callable[[], None]) -> None:
    try:
        presses.until_it_moves()
        enter()
        presses.pressed(way, partial(by, walker.page, way), where)
        presses.resumed()
        walker.close()
    except Exception as error:
        presses.faults.append(f"{way}, {where}: {str(error).splitlines()[0]}")
        print(f"    {presses.faults[-1]}", flush=True)
        walker.page.goto(walker.page.url)


# --- from elsewhere ------------------------------------------------------------------------------


def offline(presses: Presses, count: int) -> None:
    """Without a network it is silent all the same, says that nobody has answered, and what was
    pressed is recorded once there is one again."""
    page, context = presses.page, presses.her.context
    for way, _ in zip(cycle(WAYS), range(count), strict=False):
        presses.until_it_moves()
        context.set_offline(True)
        presses.pressed("offline", partial(by, page, way), f"offline, {way}")
        expect(page.locator("[data-stop-words]")).to_contain_text("Nobody has answered yet")
        context.set_offline(False)
        presses.resumed()


def from_another_browser(presses: Presses, other: Page, count: int) -> None:
    for way, _ in zip(cycle(WAYS), range(count), strict=False):
        expect(other.locator("#bar-pause")).to_be_visible()

        def press(way: str = way) -> float:
            other.evaluate("eyes.pressed = eyes.silent = 0")
            if way == "space":
                other.keyboard.down("Space")
                other.evaluate("eyes.until(() => Date.now() > eyes.pressed + 20, 2000)")
                other.keyboard.up("Space")
            else:
                by(other, way)
            return float(other.evaluate("eyes.pressed"))

        presses.pressed("another browser", press, f"another browser, {way}")
        presses.resumed()


def by_a_program(presses: Presses, count: int) -> None:
    """`curl`, from its start: that is part of what is measured."""
    her = presses.her
    token, url = her.scene.tokens[her.name], f"{her.scene.url}/api/lovense/stop"
    command = ("curl", "-sf", "-X", "POST", "-H", f"Authorization: Token {token}", url)

    def press() -> float:
        began = time.time() * 1000
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return began

    for _ in range(count):
        presses.pressed("curl", press, "curl")
        presses.resumed()


# --- what could cover it -------------------------------------------------------------------------

WIDTHS = ((1440, 900), (820, 1180), (360, 780))


def covers(walker: Walker, faults: list[str]) -> int:
    """So many looks, at every page, in every size, with whatever can be open."""
    looks = 0
    for place in (*RAIL, *BELOW):
        walker.page.set_viewport_size({"width": 1440, "height": 900})
        walker.go(place)
        for width, height in WIDTHS:
            walker.page.set_viewport_size({"width": width, "height": height})
            for opener in ("", *walker.openers()):
                if opener:
                    walker.open(opener)
                seen = walker.page.evaluate("eyes.covered()")
                looks += seen["looks"]
                faults += [f"{place} {width} {opener}: {fault}" for fault in seen["faults"]]
                walker.close()
    return looks


def alone(her: Her, faults: list[str]) -> int:
    """Pages that are documents of their own."""
    looks, page = 0, her.context.new_page()
    for path in ("/account", "/welcome", "/preferences/keys", "/preferences/viewers"):
        page.goto(her.scene.url + path)
        for width, height in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            seen = page.evaluate("eyes.covered()")
            looks += seen["looks"]
            faults += [f"{path} {width}: {fault}" for fault in seen["faults"]]
    page.close()
    return looks


# --- all of it -----------------------------------------------------------------------------------


def cover(scene: WalkScene) -> None:
    with scene.her() as her:
        page, faults = her.open(on_air=True), list[str]()
        her.tip(SHORT)
        expect(page.locator("#region-feed [data-word]")).to_have_count(1, timeout=30_000)
        looks = covers(Walker(page), faults) + alone(her, faults)
        scene.report.none("STOP covered, at centre and corners", faults, looks)


def measure(scene: WalkScene, *, times: int) -> None:
    report = scene.report
    with ExitStack() as rooms:
        her = rooms.enter_context(scene.her())
        page = her.open(on_air=True)
        her.tip(SHORT)
        expect(page.locator("#region-feed [data-word]")).to_have_count(1, timeout=30_000)
        her.tip(*[LONG] * (times * 6 + 20))
        presses = Presses(her, page)
        walk(presses, times)
        offline(presses, max(3, times // 10))
        other = rooms.enter_context(scene.her(whose=her)).open(path="/menu")
        from_another_browser(presses, other, times)
        by_a_program(presses, times)
    for name, took in presses.took.items():
        is_here = name in (*WAYS, "offline")
        report.share(f"{name} to silence", took, p99=SILENT_MS if is_here else FROM_ELSEWHERE_MS)
    report.none("presses that did not stop, or were not recorded", presses.faults, presses.count)
