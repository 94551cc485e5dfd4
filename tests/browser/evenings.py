"""Pictures of her pages in every state of a seeded evening (`manage.py seed_show`)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, expect

from config.seeds import cast
from config.stack.place import Place
from config.stack.processes import BASE_DIR
from config.stack.services import Services
from tests.browser.camera import SIZES, Camera, Theme, webp
from tests.browser.stage import CONNECTED, Actress, Stage

# Who is in which state. What plays goes on by itself, so she comes first.
CAST = {
    "busy": "ana",
    "on-air": "mia",
    "paused": "zoe",
    "stopped": "eva",
    "trouble": "joy",
    "after": "lou",
    "off-air": "kim",
    "first-run": "ida",
}
PAGES = {
    "live": "/",
    "history": "/history",
    "statistics": "/statistics?period=30&tippers=1",
    "menu": "/menu?amount=150",
    "patterns": "/patterns",
    "devices": "/devices",
}
# Of her preferences, and of the first run.
SECTIONS = ("limits", "queue", "bridge", "viewers", "noticing", "keys", "look")
STEPS = ("start", "device", "menu", "limits", "rehearsal", "ready")
TIPS = (("kim", 760), ("lea", 25), ("Zoë", 150), ("quiet_moon", 69), ("max", 320), ("bob", 12))
HELD = ("busy", "on-air")  # by the page of which a picture is taken
OTHERWISE = ("busy", "off-air", "trouble")
QUALITY = 70  # of the pictures of the README, each of at most 60 kB
_SEED = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
for state, name in reversed({cast!r}.items()):
    call_command("seed_show", performer=name, state=state)
"""
# By the words of what became of it, one run of hers each.
_RUNS = """
import json
import os
import subprocess
import sys
from ground.mongodb.collections import collection
from lovense.models import Activation, Performer
found, whose = {{}}, Performer.objects.get(user__username={name!r}).pk
for row in collection(Activation).find({{"performer_id": whose}}).sort("created_at", -1):
    found.setdefault(row["reason"] or row["status"], row["_id"])
print(json.dumps(found))
"""


class Shot(NamedTuple):
    """A picture beside those of PAGES: in which state, where, and what is done before it is taken."""

    name: str
    state: str
    path: str
    step: Callable[[Page], None] = lambda page: None


def _press(label: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=label).first.click()


def _wrongly(page: Page) -> None:
    page.get_by_label("Strongest level").fill("77")
    page.locator("#content").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was saved")).to_be_focused()


SHOTS: tuple[Shot, ...] = (
    Shot("history-asked", "off-air", "/history?name=w&from=2026-02-31&at_least=-1&outcome=played"),
    Shot("history-nothing", "off-air", "/history?name=nobody"),
    Shot("statistics-tonight", "after", "/statistics"),
    Shot("live-clear", "paused", "/", _press("Clear")),
    Shot("live-pause", "off-air", "/", lambda page: page.locator("#bar-pause").click()),
    Shot("live-find", "off-air", "/", lambda page: page.keyboard.press("Control+k")),
    Shot("live-keys", "off-air", "/", lambda page: page.keyboard.press("?")),
    Shot("account", "off-air", "/account"),
    *(Shot(f"preferences-{name}", "off-air", f"/preferences/{name}") for name in SECTIONS),
    Shot("preferences-wrong", "off-air", "/preferences/limits", _wrongly),
    *(Shot(f"welcome-{name}", "first-run", f"/welcome/{name}") for name in STEPS),
)


def seed(data: Path) -> None:
    """Into databases that nothing serves yet. Who comes first is seeded last."""
    place = Place(data=data, ephemeral=False)
    try:
        with Services(place.data) as services:
            addresses = {"MONGODB_URI": services.mongodb_uri, "REDIS_URL": services.redis_url}
            command = (sys.executable, "manage.py", "shell", "-v0", "-c", _SEED.format(cast=CAST))
            subprocess.run(
                command, cwd=BASE_DIR, env={**os.environ, **addresses, "DEBUG": "true"}, check=True
            )
    finally:
        place.leave()


def take(
    camera: Camera, chrome: Browser, stage: Stage, *, only: Collection[str], readme: Path | None
) -> None:
    """Each state, seeded before, in a browser of its own. `only`: the pages that are asked for; none: all."""
    stage.admit(list(CAST.values()))
    for state, name in CAST.items():
        with chrome.new_context() as context:
            page = context.new_page()
            stage.log_in(page, name)
            if state in HELD:
                hold(page)
            for shot in _shots(state):
                if not only or shot.name.partition("-")[0] in only:
                    _take_shot(camera, page, shot, stage.url)
            if state == "off-air" and (not only or "verdict" in only):
                verdicts(camera, page, stage, readme)
            if readme and state == "on-air":
                for_readme(page, stage, readme)


def _shots(state: str) -> list[Shot]:
    everywhere = [Shot(f"{name}-{state}", state, path) for name, path in PAGES.items()]
    return everywhere + [shot for shot in SHOTS if shot.state == state]


def hold(page: Page) -> None:
    """Her page has virtual devices, and takes them."""
    page.evaluate("localStorage.setItem('virtual-toys', 'lush,nora,edge')")
    page.reload()
    page.get_by_role("switch", name="Virtual device in this page").check()
    expect(page.locator("[data-virtual-words]")).to_contain_text("Ready")


def plays(page: Page) -> None:
    """What a page that is gone had begun has to be given up before."""
    expect(page.locator("#region-queue [data-ends]")).to_be_visible(timeout=90_000)


def _take_shot(camera: Camera, page: Page, shot: Shot, url: str) -> None:
    page.goto(url + shot.path)
    page.locator("[data-socket]", has_text=CONNECTED).wait_for()
    if shot.path == "/" and shot.state == "busy":
        plays(page)
    shot.step(page)
    camera.take(page, shot.name)
    if shot.name.endswith(OTHERWISE):
        camera.take_otherwise(page, shot.name)


def verdicts(camera: Camera, page: Page, stage: Stage, readme: Path | None) -> None:
    """Of each outcome one, and one as it is printed."""
    runs = outcomes(stage)
    for outcome, run in runs.items():
        page.goto(f"{stage.url}/history/{run}")
        camera.take(page, f"verdict-{outcome}")
    page.goto(f"{stage.url}/history/{runs['completed']}")
    camera.take_printed(page, "verdict-completed")
    if readme:
        _window(page, readme / "verdict.webp", 1440, "light")


def outcomes(stage: Stage) -> dict[str, str]:
    """By the word for what became of it, one run each of who is off air."""
    told = stage.stack.manage("shell", "-v0", "-c", _RUNS.format(name=CAST["off-air"]))
    runs: dict[str, str] = json.loads(told)
    return runs


def for_readme(page: Page, stage: Stage, directory: Path) -> None:
    """While a long item plays and others wait, and nothing is wrong."""
    page.goto(f"{stage.url}/statistics?period=30")
    _window(page, directory / "statistics.webp", 1440, "light")
    page.goto(stage.url)
    plain = page.locator("#region-notices:not(:has(.notice))")
    page.locator("#region-notices .notice").first.wait_for(timeout=20_000)  # her devices are back
    expect(plain).to_have_count(1, timeout=180_000)
    mia = Actress(cast.performer_id(CAST["on-air"]), CAST["on-air"])
    for name, amount in TIPS:
        said = {"customMessage": cast.MESSAGES[0]} if amount == TIPS[0][1] else {}
        stage.tip(mia, amount, name=name, user_id=cast.viewer_id(name), context=said)
    plays(page)
    _window(page, directory / "live.webp", 1440, "dark")
    _window(page, directory / "live-phone.webp", 360, "dark")


def _window(page: Page, path: Path, width: int, theme: Theme) -> None:
    page.set_viewport_size({"width": width, "height": dict(SIZES)[width]})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate("scrollTo(0, 0)")
    webp(page, path, quality=QUALITY)
