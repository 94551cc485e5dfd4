"""Pictures of every page in both themes, wide and narrow: `python -m tests.browser.screenshots OUTDIR`."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import STAFF, Actress, Stage, browser, pause
from tests.flows.stack import Stack
from tests.vendor import Vendor, vendor

SIZES = ((1440, 900), (820, 1180), (360, 780))
THEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
POOR = "507f191e810c19729de860aa"


# An emission that nobody took, as it would be after its attempts.
_DEAD = """
from ground import clock
from tips.models import FailedEmission
errors = [{{"at": clock.iso(clock.now()), "error": "OverflowError"}}] * 5
row = {{"consumer": "analytics", "sequence": 3, "state": "dead", "errors": errors, "died_at": clock.now()}}
FailedEmission.objects.create(key="analytics/{tip_id}", tip_id="{tip_id}", **row)
"""

# Two of what waits, as if their device had been busy four times.
_BURIED = """
from ground import clock
from ground.mongodb.collections import collection
from lovense.sending import retries
from tips.models import QueueRequest
for row in list(collection(QueueRequest).find({"status": "pending"}).sort("turn", -1).limit(2)):
    retries._give_up(row, "busy", now=clock.now())
"""


# Toys of a second app and of her page; one is removed, one is off, one is limited.
_TOYS = """
from ground import clock
from ground.json.fields import Fields
from lovense.devices import choices, readings, register
from lovense.devices.changes import ToyReport
from lovense.models import Device
from ground.mongodb.collections import collection
now, whose = clock.now(), "{performer}"
words = ["Vibrate", "Thrusting"]
toys = [
    {{"id": "a1", "name": "gravity", "status": 1, "battery": 12, "fullFunctionNames": words}},
    {{"id": "a2", "name": "edge", "status": 0, "battery": 45}},
    {{"id": "a3", "name": "of a type that nobody knows", "status": 1, "shortFunctionNames": ["v", "zz"]}},
    {{"id": "a4", "name": "solacepro", "status": 1}},
    {{"id": "a5", "name": "domi", "status": 1}},
]
register.record([ToyReport(whose, "b" * 24, readings.toys_of(toys).kept)], now=now)
virtual = {{"id": "v1", "name": "Lush", "toyType": "lush", "status": 1, "battery": 90}}
register.report(whose, [virtual], now=now)
limits = {{"maximumSeconds": 20, "functions": {{"Vibrate": {{"cap": 12}}}}}}
for toy_id, said in (("a1", limits), ("a3", {{"enabled": False}})):
    choice = choices.Choice(Fields(said, ""))
    choices.change(performer_id=whose, device_id=whose + "." + toy_id, choice=choice, by="bea", now=now)
tests = {{"Vibrate": {{"activation": "none", "at": now}}}}
collection(Device).update_one({{"_id": whose + ".a1"}}, {{"$set": {{"tests": tests}}}})
choices.remove(performer_id=whose, device_id=whose + ".a5", by="bea", now=now)
"""


# Her own toys are told by the server; the pairing of one app is lost, and a function did not move.
_BROKEN = """
from ground import clock
from ground.json.fields import Fields
from lovense.bridges import choosing
from lovense.bridges.outcomes import CallOutcome
from lovense.devices import choices, hosts
from lovense.repairs import faults
now, whose = clock.now(), "{performer}"
hers = dict(performer_id=whose, by="bea", now=now)
choosing.change(**hers, changes={{"bridge": "STANDARD_SERVER"}})
host = hosts.of(whose)[0]["_id"]
faults.heard(performer_id=whose, host_id=host, outcome=CallOutcome.PAIRING_LOST, now=now)
said = choices.Choice(Fields({{"verified": {{"Vibrate": False}}}}, ""))
choices.change(**hers, device_id=whose + ".a1", choice=said)
"""


# Some weeks of tips of every kind, written as they ended, and their hours counted.
_PAST = """
import random
from datetime import timedelta
from ground import clock
from ground.mongodb.collections import collection
from lovense.history import hours
from lovense.models import Activation, Owed
from tests.lovense.history.rows import row
draw, now, whose, rows, owed = random.Random(7), clock.now(), "{performer}", [], []
names = ["bob", "kim", "marguerite_de_la_tour", "Anonymous", "zed", "W" * 64]
items = [("wave", 8, 6, 25), ("fireworks", 16, 10, 100), ("earthquake", 20, 30, 500)]
nothing = dict(status="skipped", item=None, delivered_seconds=None, promised_seconds=0, dispatched_at=None)
kinds = [dict()] * 14 + [nothing | dict(reason="no_match", amount=13), nothing | dict(reason="no_menu")]
kinds += [dict(status="failed", reason="stopped", delivered_seconds=2.4), dict(tip_id=None, amount=0)]
kinds += [dict(status="timeout", delivered_seconds=None)]
for n in range(900):
    pattern, strength, seconds, amount = draw.choice(items)
    title = pattern.capitalize()
    item = dict(itemId=pattern, title=title, pattern=pattern, intensity=strength, durationSec=seconds)
    made = dict(item=item, amount=amount, promised_seconds=seconds, delivered_seconds=float(seconds))
    made |= dict(tipper_name=draw.choice(names)) | draw.choice(kinds)
    gates = [(each, True, "made sure of") for each in ("signature", "settled", "fresh", "minimum")]
    gates += [("menu_match", made["item"] is not None, title if made["item"] else "nothing answers 13")]
    made["gates"] = [dict(gate=name, passed=is_so, saw=saw, at="") for name, is_so, saw in gates]
    minutes = 7 * n if n < 60 else 7 * 60 + 55 * (n - 60)
    rows.append(row(n, whose, at=now - timedelta(minutes=minutes), **made))
    if made.get("status") == "failed":
        key = dict(_id=rows[-1]["_id"], performer_id=whose, cause="stop", state="open", why="")
        owed.append(key | dict(owed=36, promised=60, requeued=0, waived=0))
collection(Activation).insert_many(rows)
collection(Owed).insert_many(owed)
for hour in list(hours.with_rows(whose, now - timedelta(days=90), now + timedelta(hours=1))):
    hours.count(whose, hour, now=now)
print(owed[0]["_id"], next(row["_id"] for row in rows if row["reason"] == "no_match"))
"""


class Camera:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        """The whole page, in every size and theme; without motion, so that no colour is caught half-way."""
        for width, height in SIZES:
            for theme in THEMES:
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.evaluate("scrollTo(0, 0)")  # the whole page is taken with its bar where it stands
                page.screenshot(path=self.directory / f"{name}-{width}-{theme}.png", full_page=True)


def performer_pages(camera: Camera, chrome: Browser, stage: Stage, ana: Actress) -> dict[str, str]:
    """Her evening, from the login to a full queue; the ids of the tips by what became of them."""
    page = chrome.new_context().new_page()
    page.goto(f"{stage.url}/login")
    camera.take(page, "login")
    stage.log_in(page, ana.name)
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    camera.take(page, "live-idle")
    tips = {"skipped": stage.tip(ana, 5, name="tiny"), "no-match": stage.tip(ana, 300)}
    expect(page.locator("#region-notices")).to_contain_text("2 tips wait for a page")
    camera.take(page, "live-waiting")
    tips["completed"] = stage.tip(ana, 25, name="marguerite_de_la_tour")
    page.get_by_role("switch").check()
    expect(page.locator("#region-feed [data-word]", has_text="Completed")).to_be_visible(timeout=20_000)
    tips["playing"] = stage.tip(
        ana, 500, name="kim", context={"customMessage": "Great show tonight, thank you!"}
    )
    for amount, name, hidden in (
        (150, "zed", True),
        (60, "kim", False),
        (3, "tiny", False),
        (120, "bob", False),
    ):
        tips["queued"] = stage.tip(ana, amount, name=name, isAnonymous=hidden)
    expect(page.locator("#region-queue .queue")).to_contain_text("4 waiting")
    expect(page.locator("#region-queue [data-ends]")).to_be_visible()
    camera.take(page, "live-playing")
    page.get_by_role("button", name="Clear the queue").click()
    expect(page.get_by_role("dialog")).to_contain_text("Remove all 4 that wait?")
    camera.take(page, "live-clear")
    page.get_by_role("button", name="Keep them").click()
    pause(page, "15 min")
    expect(page.locator("#bar-resume")).to_be_visible()
    page.get_by_role("button", name="Skip", exact=True).click()
    expect(page.locator("#now-title")).to_have_text("Paused")
    expect(page.locator("[data-told]")).to_be_empty(timeout=10_000)
    camera.take(page, "live-paused")
    page.route("**/live/resume", lambda route: route.abort())
    page.route("**/?region=queue", lambda route: route.abort())
    page.locator("#bar-resume").click()
    page.evaluate("document.body.dispatchEvent(new CustomEvent('news-queue'))")
    expect(page.locator("[data-told]")).to_contain_text("No answer")
    expect(page.locator("#region-queue")).to_have_attribute("data-stale", "")
    camera.take(page, "live-error")
    page.get_by_role("button", name="Account of").click()
    page.screenshot(path=camera.directory / "menu-360-light.png")
    return tips


def pattern_pages(camera: Camera, chrome: Browser, stage: Stage, ana: Actress) -> None:
    """Without one of hers; one that is written wrongly; several; one that is tried."""
    page = chrome.new_context().new_page()
    stage.log_in(page, ana.name)
    page.goto(f"{stage.url}/patterns")
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    camera.take(page, "patterns-none")
    page.get_by_role("button", name="Record one…").press("Enter")
    expect(page.get_by_label("Recording field")).to_be_focused()
    page.keyboard.down("Space")
    expect(page.locator("[data-recorder-badge]")).to_have_text("Recording")
    camera.take(page, "patterns-recording")
    page.keyboard.up("Space")
    page.keyboard.press("Enter")
    camera.take(page, "patterns-recorded")
    page.keyboard.press("Escape")
    page.locator("#add").click()
    page.get_by_label("Name").fill("Slow evening")
    page.get_by_role("textbox", name="Pattern").fill("5>15 3s\n(20 0.2s, 0 0.2s) x")
    expect(page.locator("#drawn")).to_contain_text("Line 2, column 20")
    camera.take(page, "patterns-wrong")
    page.get_by_role("textbox", name="Pattern").fill("{vibrate 5>15, rotate 3} 3s\n(20 0.2s, 0 0.2s) x 8")
    expect(page.locator("#drawn path")).to_have_count(2)
    camera.take(page, "patterns-form")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Copy Tide").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#region-patterns .offer")).to_have_count(2)
    expect(page.locator("[data-told]")).to_be_empty(timeout=10_000)
    camera.take(page, "patterns")
    page.get_by_role("button", name="Test \u2068My tide\u2069").click()
    expect(page.get_by_role("dialog")).to_contain_text("Test “My tide”")
    camera.take(page, "patterns-test")


def history_pages(camera: Camera, chrome: Browser, stage: Stage, cat: Actress) -> None:
    """Without anything, with one tip, and with some weeks; a page of one that is owed and of one without
    effect."""
    page = chrome.new_context().new_page()
    stage.log_in(page, cat.name)
    for address in ("history", "statistics"):
        page.goto(f"{stage.url}/{address}")
        camera.take(page, f"{address}-none")
    said = stage.stack.manage("shell", "-v0", "-c", _PAST.format(performer=cat.performer_id))
    owed, skipped = said.split()[-2:]
    page.goto(f"{stage.url}/history")
    camera.take(page, "history")
    page.goto(f"{stage.url}/history?name=w&from=2026-02-31&at_least=-1&outcome=played")
    camera.take(page, "history-asked")
    page.goto(f"{stage.url}/history?name=nobody")
    camera.take(page, "history-nothing")
    for name, run in (("owed", owed), ("no-effect", skipped)):
        page.goto(f"{stage.url}/history/{run}")
        camera.take(page, f"verdict-{name}")
    page.goto(f"{stage.url}/statistics")
    camera.take(page, "statistics")
    page.goto(f"{stage.url}/statistics?period=30&tippers=1")
    camera.take(page, "statistics-30")


def device_pages(camera: Camera, chrome: Browser, stage: Stage, cloud: Vendor, bea: Actress) -> None:
    """A pairing in each of its steps, what may come between, and the devices that she has then."""
    page = chrome.new_context().new_page()
    stage.log_in(page, bea.name)
    page.goto(f"{stage.url}/devices")
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    camera.take(page, "devices-none")
    page.goto(f"{stage.url}/devices/pair")
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    camera.take(page, "devices-pair")
    for name, fault in (("operator", "qr/code:501"), ("limited", "qr/http:429"), ("answer", "qr/html")):
        cloud.sim("faults", {"faults": [fault]})
        page.locator("#pair").click()
        expect(page.locator("#pairing-error .notice")).to_be_visible()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        camera.take(page, f"devices-error-{name}")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#pairing-error")).to_be_empty()
    page.locator("#pair").click()
    code = page.locator(".ui-qr__code").inner_text()
    camera.take(page, "devices-waiting")
    for toy_id in cloud.toy_ids:
        cloud.sim(f"toys/{toy_id}", {"on": False})
    cloud.sim("scan", {"code": code})
    expect(page.locator("[data-step=scanned]")).to_be_visible()
    camera.take(page, "devices-scanned")
    for toy_id in cloud.toy_ids:
        cloud.sim(f"toys/{toy_id}", {"on": True})
    cloud.sim("heartbeat", {})
    expect(page.locator("[data-step=connected]")).to_be_visible()
    camera.take(page, "devices-connected")
    page.goto(f"{stage.url}/devices")
    some_devices(camera, page, stage, bea)
    page.get_by_role("link", name="Edge", exact=True).click()
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    page.get_by_label("Strength").fill("50")
    expect(page.locator("#becomes")).to_contain_text("6 of 20")
    camera.take(page, "devices-one")
    page.get_by_label("Nickname").fill("lush")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#device-form [aria-invalid]")).to_be_visible()
    camera.take(page, "devices-form")
    page.goto(f"{stage.url}/devices/pair")
    page.get_by_role("button", name="Unpair").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    camera.take(page, "devices-unpair")


def some_devices(camera: Camera, page: Page, stage: Stage, bea: Actress) -> None:
    """Every state that a device can be in."""
    stage.stack.manage("shell", "-v0", "-c", _TOYS.format(performer=bea.performer_id))
    page.reload()
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    camera.take(page, "devices-several")
    stage.stack.manage("shell", "-v0", "-c", _BROKEN.format(performer=bea.performer_id))
    expect(page.locator(".mend__list")).to_contain_text("does not know your pairing", timeout=30_000)
    camera.take(page, "devices-mend")
    page.get_by_text("It does nothing").click()
    camera.take(page, "devices-symptoms")
    page.get_by_role("button", name="Find the fault: \u2068Edge\u2069").click()
    expect(page.locator(".doctor")).to_be_visible()
    camera.take(page, "devices-doctor")
    page.keyboard.press("Escape")


def menu_pages(camera: Camera, chrome: Browser, stage: Stage, ana: Actress) -> None:
    """Her menu with what the lint has found, its forms, and an empty one."""
    page = chrome.new_context().new_page()
    stage.log_in(page, ana.name)
    page.goto(f"{stage.url}/menu?amount=150")
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    page.get_by_text("As a list").click()
    camera.take(page, "menu")
    page.get_by_role("button", name="Change \u2068Fireworks").click()
    page.get_by_text("Devices, loops and ramps").click()
    page.get_by_label("Times").fill("200")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("from 1 to 100")
    camera.take(page, "menu-item")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Begin anew").click()
    expect(page.get_by_role("dialog")).to_contain_text("Gentle")
    camera.take(page, "menu-start")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Import, export").click()
    page.get_by_label("Paste a menu").fill("10-20 hello, 5 sec, low\n20-10 backwards\n50+ wave")
    page.get_by_role("button", name="See what it would be").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 refused")
    camera.take(page, "menu-import")
    page.keyboard.press("Escape")
    for _ in range(3):
        page.locator("[data-focus=remove]").first.click()
        with page.expect_response(lambda answer: "region=menu" in answer.url):
            page.get_by_role("button", name="Remove it").click()
    expect(page.locator("#menu-title")).to_have_text("Your menu is empty")
    camera.take(page, "menu-empty")


def staff_pages(camera: Camera, chrome: Browser, stage: Stage, tips: dict[str, str]) -> None:
    page = chrome.new_context().new_page()
    stage.log_in(page, STAFF)
    page.goto(f"{stage.url}/staff/tips")
    camera.take(page, "tips")
    for name, tip_id in tips.items():
        page.goto(f"{stage.url}/staff/tips/{tip_id}")
        camera.take(page, f"tip-{name}")
    page.goto(f"{stage.url}/staff/tips/{'0' * 24}")
    camera.take(page, "tip-unknown")
    page.goto(f"{stage.url}/staff/reconciliation")
    camera.take(page, "reconciliation")
    page.goto(f"{stage.url}/staff/emissions")
    camera.take(page, "emissions")
    stage.stack.manage("shell", "-v0", "-c", _DEAD.format(tip_id=tips["completed"]))
    page.reload()
    page.get_by_text("Error history").click()
    camera.take(page, "emissions-dead")
    page.get_by_role("button", name="Retry it").click()
    expect(page.get_by_role("status")).to_contain_text("1 delivered")
    camera.take(page, "emissions-retried")
    queue_pages(camera, page, stage)
    page.goto(f"{stage.url}/staff/style")
    camera.take(page, "style")
    page.get_by_role("button", name="Clear…").first.click()
    camera.take(page, "style-dialog")
    page.keyboard.press("Escape")
    page.goto(f"{stage.url}/api/docs")
    camera.take(page, "api-docs")
    page.goto(f"{stage.url}/api/docs?q=tips")
    camera.take(page, "api-docs-search")
    page.goto(f"{stage.url}/nowhere")
    camera.take(page, "404")
    page.goto(f"{stage.url}/")
    camera.take(page, "403")


def queue_pages(camera: Camera, page: Page, stage: Stage) -> None:
    """The queue while something waits in it; then two of these as dead letters, one sent back and one
    reviewed."""
    page.goto(f"{stage.url}/staff/dead-letters")
    camera.take(page, "dead-letters-none")
    page.goto(f"{stage.url}/staff/queue")
    camera.take(page, "queue")
    stage.stack.manage("shell", "-v0", "-c", _BURIED)
    page.reload()
    camera.take(page, "queue-with-dead-letters")
    page.get_by_role("link", name="Dead letters to review").click()
    camera.take(page, "dead-letters")
    page.get_by_role("link", name="The device was busy").click()
    camera.take(page, "dead-letters-of-a-cause")
    page.locator("#region-letters a.mono").first.click()
    camera.take(page, "dead-letter")
    page.get_by_label("What was decided").select_option("refunded")
    page.get_by_label("Note").fill("The platform gave the tokens back.")
    page.get_by_role("button", name="Save the review").click()
    expect(page.get_by_role("status")).to_contain_text("Reviewed: refunded.")
    camera.take(page, "dead-letter-reviewed")
    page.get_by_role("link", name="All of this cause").click()
    page.get_by_role("button", name="Send back this one").click()
    expect(page.get_by_role("status")).to_contain_text("1 sent back. None is left.")
    camera.take(page, "dead-letters-sent-back")


def main(directory: str) -> None:
    with ExitStack() as running:
        cloud = running.enter_context(vendor(has_https=False))
        data = Path(running.enter_context(tempfile.TemporaryDirectory()))
        stack = running.enter_context(Stack(data, LOVENSE_API_BASE_URL=cloud.simulator.url))
        cloud.sim("manners", {"callbackTo": f"{stack.url}/api/webhooks/lovense"})
        chrome = running.enter_context(browser())
        stage, camera = Stage(stack), Camera(Path(directory))
        ana, bea, cat = stage.prepare("ana", "bea", "cat")
        tips = performer_pages(camera, chrome, stage, ana)
        pattern_pages(camera, chrome, stage, ana)
        history_pages(camera, chrome, stage, cat)
        menu_pages(camera, chrome, stage, ana)
        device_pages(camera, chrome, stage, cloud, bea)
        tips["waiting"] = stage.tip(ana, 50, name="poor", user_id=POOR)
        staff_pages(camera, chrome, stage, tips)


if __name__ == "__main__":
    main(sys.argv[1])
