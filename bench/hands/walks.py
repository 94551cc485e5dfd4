"""Five things that a performer does, each from beginning to end: by keys alone, or by touch."""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bson import ObjectId
from playwright.sync_api import Locator, Page, expect

from bench.hands.fingers import HANDS, Hand
from bench.hands.scene import LONG, SHORT, TELEPHONE, WINDOW, Her, WalkScene
from tests.browser.stage import PASSWORD

FIRST_RUN_SECONDS = 60
_ENROL = """
from ground import clock
from lovense.performers import enrolment
enrolment.enrol(
    performer_id={own_id!r}, username={name!r}, password={password!r}, now=clock.now()
)
"""


def button(page: Page, name: str | re.Pattern[str], *, inside: str = "main") -> Locator:
    return page.locator(inside).get_by_role("button", name=name).first


def link(page: Page, name: str | re.Pattern[str], *, inside: str = "main") -> Locator:
    return page.locator(inside).get_by_role("link", name=name).first


def told(page: Page, words: str) -> None:
    expect(page.locator("[data-told]")).to_contain_text(words)


def go(hand: Hand, page: Page, name: str, title: str) -> None:
    """By the rail, or on a telephone by the bar of tabs and what is under More."""
    to = page.locator(f'.rail [data-to="{name}"]')
    if not to.is_visible():
        hand.press(page.locator(".rail__more button"))
        to = page.locator("#more").get_by_role("link", name=title)
    hand.press(to)
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("h1")).to_be_focused()


# --- the five ------------------------------------------------------------------------------------


def first_run(hand: Hand, her: Her) -> None:
    """From the log-in to a rehearsed tip."""
    page, scene, name = hand.page, her.scene, f"newcomer-{type(hand).__name__.lower()}"
    made = _ENROL.format(own_id=str(ObjectId()), name=name, password=PASSWORD)
    scene.stack.manage("shell", "-v0", "-c", made)
    page.goto(scene.url + "/login")
    began = time.monotonic()
    hand.write(page.get_by_label("Username"), name)
    hand.write(page.get_by_label("Password"), PASSWORD)
    hand.press(page.get_by_role("button", name="Log in"))
    page.wait_for_url("**/welcome")
    step = page.locator("#region-step")
    hand.press(link(page, "Begin"))
    hand.press(button(page, "Use a virtual device"))
    expect(step).to_contain_text("can play")
    hand.press(link(page, "Go on"))
    hand.press(button(page, "Publish this menu"))
    expect(page.locator("h1")).to_have_text("Your limits")
    hand.press(button(page, "Keep these limits"))
    expect(page.locator("h1")).to_have_text("Your first tip")
    hand.press(button(page, "Send yourself 25"))
    expect(step).to_contain_text("played for 8", timeout=45_000)
    seconds = time.monotonic() - began
    hand.press(link(page, "Go on"))
    hand.press(link(page, "Go to Live"))
    expect(page.locator("#now-title")).to_have_text("On air")
    scene.report.at_most("first run to a rehearsed tip", seconds, FIRST_RUN_SECONDS, "s")


def on_air(hand: Hand, her: Her) -> None:
    """Pause, play one, move a row three up, remove one, skip, STOP, resume."""
    page = hand.page
    queue, who = page.locator("#region-queue .queue"), page.locator(".queue__who")
    hand.press(page.locator("#bar-pause"))
    hand.press(button(page, "1 h", inside="#pause-for"))
    expect(page.locator("#bar-resume")).to_be_visible()
    for count, amount in enumerate((150, 60, 70, 80, LONG), start=1):
        her.tip(amount)
        expect(queue).to_contain_text(f"{count} waiting")
    hand.press(page.locator("#play-one"))
    expect(queue).to_contain_text("4 waiting")
    expect(page.locator("#region-feed [data-word]").first).to_have_text("Completed", timeout=30_000)
    expect(page.locator(".stage__title")).to_have_text("Nothing new starts")
    own = page.locator("[data-row]").nth(3).get_attribute("data-row")
    hand.move_up(page.locator(f'[data-row="{own}"]'), 3)
    expect(who.first).to_contain_text(f"{LONG} tokens")
    hand.press(button(page, re.compile("^Remove: .*, 70 tokens")))
    hand.press(button(page, "Remove it", inside="#over"))
    expect(queue).to_contain_text("3 waiting")
    hand.press(page.locator("#bar-resume"))
    expect(page.locator("#skip")).to_be_enabled()
    hand.press(page.locator("#skip"))
    expect(page.locator("#region-feed")).to_contain_text("was ended after")
    her.tip(LONG)
    expect(page.locator(".stage__title")).to_contain_text("Earthquake", timeout=30_000)
    hand.stop()
    expect(page.locator("#region-stop")).to_contain_text("Stopped")
    expect(page.locator(".stage__title")).to_contain_text("Everything is stopped")
    hand.resume()
    expect(page.locator("#bar-pause")).to_be_visible()


def menu(hand: Hand, her: Her) -> None:
    """Add, edit, reorder, fix a finding, publish, roll back."""
    page, titles = hand.page, hand.page.locator(".offer__title")
    go(hand, page, "menu", "Menu")
    hand.press(page.locator("#add"))
    over = page.locator("#over")
    hand.write(over.get_by_label("Title"), "A little one")
    hand.write(over.get_by_label("From, in tokens"), "5")
    hand.write(over.get_by_label("Up to"), "9")
    hand.press(button(page, re.compile("^(Add|Save)"), inside="#over"))
    expect(titles).to_have_count(4)
    hand.press(titles.filter(has_text="Fireworks"))
    hand.write(over.get_by_label("Strength, 1 to 20"), "12")
    hand.press(button(page, "Save", inside="#over"))
    expect(page.locator("#region-menu")).to_contain_text("strength 12 of 20")
    last = page.locator("[data-row]").nth(3)
    name = last.locator(".offer__title").inner_text()
    own, revision = last.get_attribute("data-row"), page.locator("#act [name=revision]")
    seen = revision.input_value()
    hand.move_up(page.locator(f'[data-row="{own}"]'), 2)
    expect(titles.nth(1)).to_have_text(name)
    # a change names what it was made of: until the page has what it did itself
    expect(revision).not_to_have_value(seen)
    hand.press(page.locator("[data-focus=fix]").first)
    told(page, "Fixed in your draft.")
    hand.press(page.locator("#publish"))
    hand.press(over.get_by_role("button", name="Publish", exact=True))
    told(page, "Published as version 2.")
    hand.press(link(page, "Versions"))
    hand.press(link(page, "Go back to version 1"))
    hand.press(button(page, "Publish it again", inside="#over"))
    expect(page.locator("#region-versions")).to_contain_text("Version 3")


def devices(hand: Hand, her: Her) -> None:
    """Pair, rename, cap, test."""
    page, cloud = hand.page, her.scene.cloud
    cloud.sim("reset")
    cloud.sim("manners", {"callbackTo": f"{her.scene.url}/api/webhooks/lovense"})
    go(hand, page, "devices", "Devices")
    hand.press(link(page, "Pair a device"))
    hand.press(button(page, "Get a code"))
    code = page.locator(".ui-qr__code")
    expect(code).to_be_visible(timeout=30_000)
    cloud.sim("scan", {"code": code.inner_text()})
    expect(page.locator(".walk__toy")).to_have_count(3, timeout=45_000)
    hand.write(page.get_by_label("Name of this Lush"), "Pinky")
    hand.press(button(page, re.compile("Save the name of"), inside=".walk__toy:first-child"))
    told(page, "Saved: Pinky.")
    hand.press(link(page, "Done"))
    server = button(page, re.compile("^Choose: .*server", re.IGNORECASE))
    hand.press(server)
    expect(page.locator(".path__one[data-chosen]")).to_contain_text(
        re.compile("server", re.IGNORECASE)
    )
    hand.press(link(page, "Pinky"))
    expect(page.locator("h1")).to_have_text("Pinky")
    cap = page.locator("#device-form fieldset input[inputmode=numeric]").first
    hand.write(cap, "9")
    hand.press(button(page, "Save", inside="#device-form"))
    told(page, "Saved")
    hand.press(button(page, re.compile("^Test: Vibrate")))
    expect(page.locator("[data-test]").first).to_be_visible(timeout=30_000)
    yes = button(page, re.compile("^(Yes|It moved)"))
    expect(yes).to_be_visible(timeout=30_000)
    hand.press(yes)


def history(hand: Hand, her: Her) -> None:
    """Filter, open, and back to the same place."""
    page = hand.page
    _plays(her, page)
    go(hand, page, "history", "History")
    hand.press(page.locator("summary", has_text="Filter and search"))
    hand.write(page.get_by_label("At least"), str(SHORT))
    hand.press(button(page, "Show", inside=".history__form"))
    page.wait_for_url(f"**/history?*at_least={SHORT}*")
    expect(page.locator("h1")).to_be_focused()
    was = page.url
    row = page.locator('main a[href^="/history/"]').last
    hand.press(row)
    expect(page.locator("#content")).to_have_attribute("data-page", "history-run")
    page.go_back()
    page.wait_for_url(was)
    expect(page.locator("#content")).to_have_attribute("data-page", "history")
    expect(page.get_by_label("At least")).to_have_value(str(SHORT))


def _plays(her: Her, page: Page) -> None:
    """Two tips for the history."""
    page.locator("#go-on-air").click()
    her.tip(SHORT, SHORT)
    words = page.locator("#region-feed [data-word]", has_text="Completed")
    expect(words).to_have_count(2, timeout=40_000)


WALKS: dict[str, Callable[[Hand, Her], None]] = {
    "on air": on_air,
    "menu": menu,
    "history": history,
    "devices": devices,
    "first run": first_run,
}


# --- all of them ---------------------------------------------------------------------------------


def measure(scene: WalkScene, hand_name: str) -> None:
    report, is_touch = scene.report, hand_name == "touch"
    size = TELEPHONE if is_touch else WINDOW
    more: dict[str, Any] = {"has_touch": True, "is_mobile": True} if is_touch else {}
    viewport = {"width": size[0], "height": size[1]}
    failed, seen, stops = [], [], 0
    for name, walk in WALKS.items():
        # a newcomer's browser has seen nobody
        with scene.her(viewport=viewport, **more) as her:
            is_new = name == "first run"
            page = (
                her.context.new_page() if is_new else her.open(on_air=name == "on air", size=size)
            )
            hand = HANDS[hand_name](page)
            try:
                walk(hand, her)
                print(f"    {name}: {hand.stops} stops", flush=True)
            except Exception as error:
                failed.append(f"{name}: {error}")
                picture = f"hands-{hand_name}-{name.replace(' ', '-')}.png"
                page.screenshot(path=Path(tempfile.gettempdir()) / picture)
            seen += hand.faults
            stops += hand.stops
            page.close(run_before_unload=False)
    report.none(f"walks by {hand_name} that came to no end", failed, len(WALKS))
    what = "things touched that are too small" if is_touch else "stops without a visible focus"
    report.none(what, list(dict.fromkeys(seen)), stops)
