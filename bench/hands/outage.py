"""Lost network: cut without a word, cable out, slow, flapping, server restarted, Redis away,
session ended, the computer's clock wrong. What is shown has to be true or marked, all of it true
within a second of the return, and nothing that was typed lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Page, expect

from bench.hands.scene import LONG, Her, WalkScene
from bench.hands.wire import CutWire, wire

CUT_SECONDS, FLAPS = 30, 5
SAID_MS, SILENT_MS, BACK_MS = 2_000, 7_000, 1_000
PATIENCE_MS = 20_000
SLOW_SECONDS, SLOW_RATE = 0.2, 50_000.0  # each way
WRONG_MS = 2 * 60 * 60 * 1000
CONNECTED = "document.querySelector('[data-socket]').textContent === 'Connected'"
FRESH = "document.querySelector('[data-stale]') === null"
# As if her computer had another idea of the time.
WRONG_CLOCK = """(() => {
    const Real = Date;
    class Wrong extends Real {
        constructor(...given) { given.length ? super(...given) : super(Real.now() + MS); }
        static now() { return Real.now() + MS; }
    }
    Wrong.prototype.constructor = Wrong;
    globalThis.Date = Wrong;
    const origin = performance.timeOrigin + MS;
    Object.defineProperty(performance, "timeOrigin", { get: () => origin });
})()"""


@dataclass
class Away:
    """Her Live page that holds the devices, and beside it a form in which she types."""

    her: Her
    live: Page
    form: Page
    faults: list[str]

    def when(self, holds: str, *, since: float, ms: int = PATIENCE_MS) -> float:
        """Milliseconds until her Live page is so; without end, where it is not in time."""
        at = self.live.evaluate(f"eyes.until(() => {holds}, {ms})")
        return float(at) - since if at else float("inf")

    def types(self, words: str) -> None:
        title = self.form.locator("#over").get_by_label("Title")
        if not title.is_visible():
            self.form.locator("#add").click()
        title.fill(words)

    def saves(self) -> None:
        over = self.form.locator("#over")
        over.locator("form[data-drawer] button:not([type=button])").last.click()

    def plays(self) -> None:
        assert self.live.evaluate(f"eyes.until(eyes.isMoving, {PATIENCE_MS})"), "no tip plays"

    def keeps(self, words: str, when: str) -> None:
        found = self.form.locator("#over").get_by_label("Title").input_value()
        if found != words:
            self.faults.append(f"{when}: {words!r} was typed, {found!r} is there")

    def shows(self, amount: int) -> str:
        return f"document.querySelector('#region-queue').textContent.includes('{amount} tokens')"


@contextmanager
def opened(scene: WalkScene, between: CutWire, faults: list[str]) -> Iterator[Away]:
    with scene.her() as her:
        pages = [her.context.new_page() for _ in range(2)]
        scene.stage.log_in(pages[0], her.name)
        for page, path in zip(pages, ("/", "/menu"), strict=True):
            page.goto(between.url + path)
            expect(page.locator("[data-socket]")).to_have_text("Connected")
        live = pages[0]
        live.locator("#go-on-air").click()
        expect(live.locator("[data-virtual-words]")).to_contain_text("Ready")
        yield Away(her, live, pages[1], faults)


# --- the ways in which it is lost ----------------------------------------------------------------


def _now() -> float:
    return time.time() * 1000


def half_a_minute(
    away: Away, name: str, cut: Callable[[], object], mend: Callable[[], object]
) -> None:
    """While a tip plays and she types."""
    report, words = away.her.scene.report, f"typed: {name}"
    away.her.tip(LONG)
    away.plays()
    away.types(words)
    cut()
    since = _now()
    report.at_most(f"{name}: said", away.when(f"!({CONNECTED})", since=since), SAID_MS, "ms")
    silent = away.when("!eyes.isMoving()", since=since, ms=40_000)
    report.at_most(f"{name}: device still", silent, SILENT_MS, "ms")
    away.her.tip(60)
    away.saves()
    expect(away.form.locator("[data-told]")).to_contain_text("nothing was done")
    away.live.wait_for_timeout(max(0.0, since + 1000 * CUT_SECONDS - _now()))
    unmarked = away.live.evaluate(CONNECTED)
    report.at_most(f"{name}: pages not marked at its end", int(unmarked), 0, "pages")
    mend()
    since = _now()
    back = away.when(f"{CONNECTED} && {FRESH} && {away.shows(60)}", since=since)
    report.at_most(f"{name}: all true again", back, BACK_MS, "ms")
    away.keeps(words, name)


def cut(away: Away, between: CutWire) -> None:
    """Nothing passes, and nobody is told."""
    half_a_minute(away, "cut without a word", between.cut, between.mend)


def cable_out(away: Away, between: CutWire) -> None:
    """Her browser knows of it."""
    context = away.her.context

    def out() -> None:
        between.cut()
        context.set_offline(True)

    def back() -> None:
        between.mend()
        context.set_offline(False)

    half_a_minute(away, "cable out", out, back)


def slow(away: Away, between: CutWire) -> None:
    """As by a poor telephone: it takes longer, and is not taken for lost."""
    report, lost = away.her.scene.report, 0
    between.delay, between.rate = SLOW_SECONDS, SLOW_RATE
    away.live.reload()
    expect(away.live.locator("[data-virtual-words]")).to_contain_text("Ready", timeout=60_000)
    since = _now()
    away.her.tip(LONG)
    seen = away.when(away.shows(LONG).replace("tokens", ""), since=since)
    report.at_most("slow: a tip is shown", seen, 5_000, "ms")
    away.plays()
    for _ in range(20):
        lost += not away.live.evaluate(f"{CONNECTED} && {FRESH}")
        away.live.wait_for_timeout(500)
    report.at_most("slow: taken for lost", lost, 0, "times", 20)
    away.live.evaluate("eyes.pressed = eyes.silent = 0")
    away.live.locator("#stop").click()
    away.live.evaluate("eyes.until(() => eyes.silent, 3000)")
    took = away.live.evaluate("eyes.silent - eyes.pressed")
    report.at_most("slow: STOP to silence", took, 50, "ms")
    expect(away.live.locator("#region-stop")).to_contain_text("Stopped")
    between.delay = between.rate = 0.0
    away.her.call("/api/lovense/resume")


def flapping(away: Away, between: CutWire) -> None:
    """Every two seconds there, and away."""
    report, words = away.her.scene.report, "typed: flapping"
    away.types(words)
    for _ in range(FLAPS):
        between.cut()
        away.live.wait_for_timeout(2000)
        between.mend()
        away.live.wait_for_timeout(2000)
    between.cut()
    away.her.tip(61)
    away.live.wait_for_timeout(2000)
    between.mend()
    since = _now()
    back = away.when(f"{CONNECTED} && {FRESH} && {away.shows(61)}", since=since)
    report.at_most("flapping: all true again", back, BACK_MS, "ms")
    away.keeps(words, "flapping")


def restarted(away: Away, between: CutWire) -> None:
    """The web process is killed; the supervisor starts another one."""
    report, words, stack = away.her.scene.report, "typed: restarted", away.her.scene.stack
    away.types(words)
    mark = stack.kill("web-0")
    since = _now()
    report.at_most("restarted: said", away.when(f"!({CONNECTED})", since=since), SAID_MS, "ms")
    stack.wait_until_restarted("web-0", mark)
    _until_it_answers(away.her.scene.url)
    since = _now()
    back = away.when(f"{CONNECTED} && {FRESH}", since=since)
    report.at_most("restarted: connected, nothing marked", back, BACK_MS, "ms")
    away.keeps(words, "restarted")


def _until_it_answers(url: str) -> None:
    httpx.get(f"{url}/healthz", trust_env=False, timeout=60)


def redis_away(away: Away, between: CutWire) -> None:
    """It takes connections and answers nothing; then it does again."""
    report, words, stack = away.her.scene.report, "typed: Redis away", away.her.scene.stack
    away.types(words)
    redis = stack.parts["processes"]["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        away.live.wait_for_timeout(3000)
        away.her.tip(62)
        away.live.wait_for_timeout(12_000)
        true = f"({away.shows(62)}) || !({CONNECTED}) || !({FRESH})"
        untrue = int(not away.live.evaluate(true))
        report.at_most("Redis away: neither true nor marked", untrue, 0, "pages")
    finally:
        os.kill(redis, signal.SIGCONT)
    since = _now()
    back = away.when(f"{CONNECTED} && {FRESH} && {away.shows(62)}", since=since)
    report.at_most("Redis away: all true again", back, BACK_MS, "ms")
    away.keeps(words, "Redis away")


def session_ended(away: Away, between: CutWire) -> None:
    """It is said; what is typed stays; a log-in in another tab heals it."""
    report, words, context = away.her.scene.report, "typed: session ended", away.her.context
    away.types(words)
    context.clear_cookies()
    since = _now()
    away.saves()
    expect(away.form.locator("#session")).to_contain_text("You are logged out")
    away.keeps(words, "session ended")
    away.live.evaluate("document.body.dispatchEvent(new CustomEvent('news-queue'))")
    expect(away.live.locator("#session")).to_contain_text("You are logged out")
    tab = context.new_page()
    away.her.scene.stage.log_in(tab, away.her.name)
    tab.close()
    since = _now()
    for page in (away.live, away.form):
        page.bring_to_front()
    healed = "!document.querySelector('#session').hasChildNodes()"
    back = away.when(f"{healed} && {CONNECTED} && {FRESH}", since=since)
    report.at_most("session ended: healed after a log-in", back, 6_000, "ms")
    away.keeps(words, "session ended, healed")


def wrong_clock(scene: WalkScene) -> None:
    """Her computer is two hours ahead, or behind: what counts time goes by the server's."""
    for ms in (WRONG_MS, -WRONG_MS):
        with scene.her() as her:
            her.context.add_init_script(WRONG_CLOCK.replace("MS", str(ms)))
            page = her.open(on_air=True)
            her.tip(LONG, 60)
            page.locator("[data-left]").wait_for()
            left = int(page.locator("[data-left]").inner_text())
            wrong = [f"{left} s left"] if not 20 <= left <= 30 else []
            ages = page.locator("[data-age], [data-starts], [data-lasts]").all_inner_texts()
            wrong += [words for words in ages if " h" in words or words.startswith(("01", "02"))]
            scene.report.none(f"clock wrong by {ms // 3_600_000:+} h: times", wrong, len(ages) + 1)


# --- all of it -----------------------------------------------------------------------------------

WAYS = (flapping, cut, cable_out, slow, restarted, redis_away, session_ended)


def measure(scene: WalkScene, only: str = "") -> None:
    faults: list[str] = []
    port = urlsplit(scene.url).port
    assert port
    for way in WAYS:
        if only and way.__name__ not in only.split(","):
            continue
        with wire(port) as between, opened(scene, between, faults) as away:
            try:
                way(away, between)
            except Exception as error:
                scene.report.none(f"{way.__name__}: did not end", [str(error)[:400]], 1)
    if not only or "wrong_clock" in only:
        wrong_clock(scene)
    scene.report.none("what was typed and is lost", faults, len(WAYS))
