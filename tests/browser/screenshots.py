"""Pictures of every page, in every size and theme and state: `make screenshots`."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser import evenings
from tests.browser.camera import Camera
from tests.browser.stage import STAFF, Actress, Stage, browser
from tests.flows.stack import Stack
from tests.vendor import Vendor, vendor

# What comes is waited for; a slow machine only takes longer.
expect.set_options(timeout=20_000)
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


def pattern_pages(camera: Camera, chrome: Browser, stage: Stage, ana: Actress) -> None:
    """Without one of hers; one that is written wrongly; several; one that is tried."""
    page = chrome.new_context().new_page()
    stage.log_in(page, ana.name)
    page.goto(f"{stage.url}/patterns")
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    camera.take(page, "patterns-none")
    page.get_by_role("link", name="Record one…").press("Enter")
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
    page.get_by_label("As text").fill("5>15 3s\n(20 0.2s, 0 0.2s) x")
    expect(page.locator("#drawn")).to_contain_text("Line 2, column 20")
    camera.take(page, "patterns-wrong")
    page.get_by_label("As text").fill("{vibrate 5>15, rotate 3} 3s\n(20 0.2s, 0 0.2s) x 8")
    expect(page.locator("#drawn path")).to_have_count(2)
    camera.take(page, "patterns-form")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Copy Tide").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#region-patterns .shelf__card")).to_have_count(2)
    expect(page.locator("[data-told]")).to_be_empty(timeout=10_000)
    camera.take(page, "patterns")
    page.get_by_role("link", name="Test \u2068My tide\u2069").click()
    expect(page.get_by_role("dialog")).to_contain_text("Test “My tide”")
    camera.take(page, "patterns-test")


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
    page.get_by_role("link", name="Fireworks").click()
    page.get_by_text("Devices, loops and ramps").click()
    page.get_by_label("Times").fill("200")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("from 1 to 100")
    camera.take(page, "menu-item")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Begin anew").click()
    expect(page.get_by_role("dialog")).to_contain_text("Gentle")
    camera.take(page, "menu-start")
    page.keyboard.press("Escape")
    page.goto(f"{stage.url}/menu/import")
    page.get_by_label("One item a line").fill("10-20 hello, 5 sec, low\n20-10 backwards\n50+ wave")
    page.get_by_role("button", name="See what it would be").click()
    expect(page.locator("main")).to_contain_text("1 refused")
    camera.take(page, "menu-import")
    page.goto(f"{stage.url}/menu/versions")
    camera.take(page, "menu-versions")
    page.goto(f"{stage.url}/menu")
    for _ in range(3):
        page.locator("[data-focus=change]").first.press("Delete")
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
    page.locator("#act-analytics summary").click()
    page.locator("#reason-analytics").fill("It can be reached again.")
    page.get_by_role("button", name="Retry", exact=True).click()
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
    page.locator("#region-letters [data-opens]").first.click()
    camera.take(page, "dead-letter")
    page.locator("#act-review summary").click()
    page.get_by_label("What was decided").select_option("refunded")
    page.locator("#reason-review").fill("The platform gave the tokens back.")
    camera.take(page, "dead-letter-review")
    page.get_by_role("button", name="Save the review").click()
    expect(page.get_by_role("status")).to_contain_text("Reviewed: refunded.")
    camera.take(page, "dead-letter-reviewed")
    page.get_by_role("link", name="All of this cause").click()
    page.locator("#many > summary").click()
    page.locator("#reason-many").fill("Her device answers again.")
    page.get_by_role("button", name="Send back", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("1 sent back. None is left.")
    camera.take(page, "dead-letters-sent-back")


def staff_tips(stage: Stage, amy: Actress) -> dict[str, str]:
    """By what became of them: hers, and those of a seeded evening."""
    found = {outcome: run.removesuffix(".all") for outcome, run in evenings.outcomes(stage).items()}
    for amount in (50, 60):
        stage.tip(amy, amount)
    return found | {"queued": stage.tip(amy, 25), "waiting": stage.tip(amy, 50, name="poor", user_id=POOR)}


def login_page(camera: Camera, chrome: Browser, stage: Stage) -> None:
    page = chrome.new_context().new_page()
    page.goto(f"{stage.url}/login")
    camera.take(page, "login")


def take_all(camera: Camera, chrome: Browser, cloud: Vendor, stage: Stage, asked: argparse.Namespace) -> None:
    """First the states of an evening, then what is done by hand."""
    evenings.take(camera, chrome, stage, only=asked.only, readme=asked.readme)
    amy, bea = stage.prepare("amy", "bea")
    for page, taken in {
        "login": lambda: login_page(camera, chrome, stage),
        "patterns": lambda: pattern_pages(camera, chrome, stage, amy),
        "menu": lambda: menu_pages(camera, chrome, stage, amy),
        "devices": lambda: device_pages(camera, chrome, stage, cloud, bea),
        "staff": lambda: staff_pages(camera, chrome, stage, staff_tips(stage, amy)),
    }.items():
        if not asked.only or page in asked.only:
            taken()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=Path(".local/screenshots"))
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], metavar="PAGE,PAGE")
    parser.add_argument("--quick", action="store_true", help="pictures alone: nothing is asked of axe")
    parser.add_argument("--readme", type=Path, metavar="DIR", help="the pictures of the README, too")
    asked = parser.parse_args()
    with ExitStack() as running:
        cloud = running.enter_context(vendor(has_https=False))
        data = Path(running.enter_context(tempfile.TemporaryDirectory()))
        address = cloud.simulator.url
        evenings.seed(data)
        stack = running.enter_context(Stack(data, keeps=True, DEBUG="true", LOVENSE_API_BASE_URL=address))
        cloud.sim("manners", {"callbackTo": f"{stack.url}/api/webhooks/lovense"})
        chrome = running.enter_context(browser())
        camera = Camera(asked.directory, asks=not asked.quick)
        try:
            take_all(camera, chrome, cloud, Stage(stack), asked)
        finally:
            camera.show(chrome)
            (camera.directory / "complaints.txt").write_text("\n".join(camera.complaints))
        raise SystemExit("\n".join(camera.complaints) or None)


if __name__ == "__main__":
    main()
