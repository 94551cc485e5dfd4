"""Two browsers on one account: how soon a change in one is seen in the other, and whether both show
the same after they acted at random."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice

from playwright.sync_api import Page, expect

from bench.hands.scene import SOFT, Her, WalkScene

P95_MS, P99_MS = 400, 500
PATIENCE_MS = 5_000
QUEUE = (50, 60, 70, 80, 90)
# What both have to show alike, without what counts the time.
SHOWN = """() => {
    const texts = (all) => [...document.querySelectorAll(all)].map((one) => one.textContent.trim());
    const state = document.querySelector("#region-stop .bottom__button").textContent.trim();
    const order = document.querySelector("[data-list]")?.dataset.order ?? "";
    return JSON.stringify({ order, state: state.split(/\\s+/)[0], mode: texts("#order")[0],
        who: texts(".queue__who") });
}"""
FETCH = """async ([path, values]) => {
    const said = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(values),
        headers: { ...said, "HX-Request": "true" } });
    return answer.status;
}"""


@dataclass
class Twins:
    her: Her
    one: Page
    other: Page

    def seen(self, holds: str, act: Callable[[], None]) -> float:
        """Milliseconds from the event of her press until the other shows what it did."""
        self.one.evaluate(
            """() => {
                globalThis.acted = 0;
                for (const type of ["click", "keydown"])
                    addEventListener(type, ({ timeStamp }) =>
                        (acted = performance.timeOrigin + timeStamp), { capture: true });
            }"""
        )
        self.other.evaluate(
            f"() => {{ globalThis.saw = eyes.until(() => {holds}, {PATIENCE_MS}); }}"
        )
        act()
        saw = self.other.evaluate("saw")
        if not saw:
            raise AssertionError(f"not seen by the other: {holds}")
        return float(saw) - float(self.one.evaluate("acted"))


def has(selector: str) -> str:
    return f"document.querySelector({selector!r}) !== null"


def first(selector: str, words: str) -> str:
    return f"document.querySelector({selector!r})?.textContent.includes({words!r})"


# --- the changes, each with what the other then shows --------------------------------------------


def pause(twins: Twins) -> float:
    def act() -> None:
        twins.one.locator("#bar-pause").click()
        twins.one.locator("#pause-for").get_by_role("button", name="1 h", exact=True).click()

    return twins.seen(has("#bar-resume"), act)


def resume(twins: Twins) -> float:
    return twins.seen(has("#bar-pause"), twins.one.locator("#bar-resume").click)


def place(twins: Twins) -> float:
    """The last one plays next."""
    last = twins.one.locator("[data-row]").last.get_attribute("data-row")
    press = twins.one.locator(f"#next-{last}").click
    return twins.seen(f"document.querySelector('[data-row]')?.dataset.row === {last!r}", press)


def remove(twins: Twins) -> float:
    row = twins.one.locator("[data-row]").last.get_attribute("data-row")
    twins.one.locator(f"#remove-{row}").click()
    gone = f"document.getElementById('request-{row}') === null"
    press = twins.one.locator("#over").get_by_role("button", name="Remove it").click
    return twins.seen(gone, press)


def stop(twins: Twins) -> float:
    found = twins.seen(has("#resume-ask"), twins.one.locator("#stop").click)
    expect(twins.one.locator("#resume-ask")).to_be_visible()
    twins.her.call("/api/lovense/resume")
    for page in (twins.one, twins.other):
        expect(page.locator("#bar-pause")).to_be_visible()
    return found


def on_live(twins: Twins, count: int) -> list[float]:
    """Pause, place, remove, resume, stop, in turn."""
    took: list[float] = []
    steps = cycle((pause, place, place, remove, resume, stop))
    for step in islice(steps, count):
        if step is pause:
            _fill(twins)
        took.append(step(twins))
    return took


def _fill(twins: Twins) -> None:
    """Before a pause so many wait, with nobody who plays them."""
    missing = len(QUEUE) - twins.one.locator("[data-row]").count()
    twins.her.tip(*[SOFT + 10 * (place + 1) for place in range(max(0, missing))])
    for page in (twins.one, twins.other):
        expect(page.locator("[data-row]")).to_have_count(len(QUEUE))


def preference(twins: Twins, count: int) -> list[float]:
    """Both have the limits open."""
    took = []
    for page in (twins.one, twins.other):
        page.goto(f"{twins.her.scene.url}/preferences/limits")
        expect(page.locator("[data-socket]")).to_have_text("Connected")
    for turn in range(count):
        value = str(10 + turn % 2)
        field = twins.one.get_by_label("Longest run")
        field.fill(value)
        own = field.get_attribute("id")
        save = twins.one.locator("#content").get_by_role("button", name="Save").click
        took.append(twins.seen(f"document.getElementById({own!r})?.value === {value!r}", save))
        expect(twins.one.locator("[data-told]")).to_contain_text("saved")
    return took


def publish(twins: Twins, count: int) -> list[float]:
    """Both have the menu open. A version is published, at most twenty an hour."""
    took = []
    for page in (twins.one, twins.other):
        page.goto(f"{twins.her.scene.url}/menu")
        expect(page.locator("[data-socket]")).to_have_text("Connected")
    for turn in range(count):
        active = twins.one.locator("[data-focus=switch]").first
        is_on = active.get_attribute("aria-checked") == "true"
        own, on = active.get_attribute("id"), "false" if is_on else "true"
        holds = f"document.getElementById({own!r})?.getAttribute('aria-checked') === {on!r}"
        took.append(twins.seen(holds, active.click))
        twins.one.locator("#publish").click()
        over = twins.one.locator("#over").get_by_role("button", name="Publish", exact=True)
        took.append(
            twins.seen("document.querySelector('.draft:not([data-changed])') !== null", over.click)
        )
        expect(twins.one.locator(".draft:not([data-changed])")).to_be_visible()
        print(f"    {turn + 1} published", flush=True) if turn % 5 == 4 else None
    return took


# --- both at random ------------------------------------------------------------------------------


def at_random(twins: Twins, chance: random.Random, minutes: float) -> tuple[int, list[str]]:
    """Whoever is late is refused; the server has the last word, and both show it."""
    end, acts = time.monotonic() + 60 * minutes, 0
    for page in (twins.one, twins.other):
        page.goto(twins.her.scene.url)
        expect(page.locator("[data-socket]")).to_have_text("Connected")
    twins.her.call("/api/performance-queue/pause", json={})
    while time.monotonic() < end:
        page = chance.choice((twins.one, twins.other))
        if page.locator("[data-row]").count() < 3:
            twins.her.tip(*[chance.randrange(50, 99) for _ in range(5)])
        _act(page, chance)
        acts += 1
    differences = []
    for page in (twins.one, twins.other):
        page.wait_for_timeout(1500)
    shown = [page.evaluate(SHOWN) for page in (twins.one, twins.other)]
    if shown[0] != shown[1]:
        differences.append(f"{shown[0]}\n    {shown[1]}")
    twins.other.reload()
    expect(twins.other.locator("[data-socket]")).to_have_text("Connected")
    if (fresh := twins.other.evaluate(SHOWN)) != shown[0]:
        differences.append(f"the server: {fresh}\n    the page: {shown[0]}")
    return acts, differences


def _act(page: Page, chance: random.Random) -> None:
    """Over the page's own doors, with what it shows: its rows may be another's already."""
    rows = page.evaluate(
        "[...document.querySelectorAll('[data-row]')].map((row) => row.dataset.row)"
    )
    some = chance.choice(rows) if rows else "none"
    order = page.evaluate("document.querySelector('[data-list]')?.dataset.order ?? ''")
    before = chance.choice(rows) if rows else ""
    doors: tuple[tuple[str, dict[str, str]], ...] = (
        ("/live/pause", {"minutes": ""}),
        (f"/live/requests/{some}/place", {"before": before, "order": order}),
        (f"/live/requests/{some}/place", {"before": "", "order": order}),
        (f"/live/requests/{some}/next", {}),
        (f"/live/requests/{some}/remove", {}),
        ("/live/mode", {"mode": chance.choice(("fifo", "priority", "batch"))}),
        ("/live/stop", {}),
        ("/live/resume-all", {}),
        ("/live/resume", {}),
    )
    weights = (2, 6, 3, 3, 2, 1, 1, 2, 1)
    path, values = chance.choices(doors, weights)[0]
    page.evaluate(FETCH, [path, values])


# --- all of it -----------------------------------------------------------------------------------


def measure(scene: WalkScene, *, changes: int, minutes: float) -> None:
    report = scene.report
    with scene.her() as her, scene.her(whose=her) as elsewhere:
        twins = Twins(her, her.open(), elsewhere.open())
        published = min(18, changes // 10)
        preferences = changes // 5
        took = on_live(twins, changes - 2 * published - preferences)
        live = list(took)
        took += preference(twins, preferences) + publish(twins, published)
        report.share("seen in the other browser", took, p95=P95_MS, p99=P99_MS)
        print(f"    on Live alone: {sorted(live)[len(live) // 2]:.0f} ms in the middle")
        acts, differences = at_random(twins, random.Random(11), minutes)
        report.none(f"differences after {minutes:g} min at random", differences, acts)
