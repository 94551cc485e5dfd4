"""One document: so many changes of page in a show, by links, Back, Forward and the palette, while
tips play. No lease and no second may be lost, no socket closed, and the tab may not grow."""

import random
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect
from pymongo import MongoClient

from bench.hands.places import RAIL
from bench.hands.scene import SHORT, Her, WalkScene

GROWTH_MB = 5
WARM_CHANGES = 30  # until each page was there, and what it loads is loaded
SETTLE_SECONDS = 120
LEASE = ("page_id", "number", "taken_at", "on_air_since")


@dataclass
class Traveller:
    """Changes of page as her browser's history would have them."""

    page: Page
    chance: random.Random
    past: list[str] = field(default_factory=lambda: ["live"])
    ahead: list[str] = field(default_factory=list)

    def change(self) -> None:
        ways = (
            ["link", "palette"] + ["back"] * (len(self.past) > 1) + ["forward"] * bool(self.ahead)
        )
        way = self.chance.choice(ways)
        if way == "back":
            self.ahead.append(self.past.pop())
            self.page.go_back()
        elif way == "forward":
            self.past.append(self.ahead.pop())
            self.page.go_forward()
        else:
            to = self.chance.choice([name for name in RAIL if name != self.past[-1]])
            self.past.append(to)
            self.ahead.clear()
            self._press(to) if way == "link" else self._find(to)
        expect(self.page.locator("#content")).to_have_attribute("data-page", self.past[-1])
        expect(self.page.locator("h1")).to_be_focused()

    def _press(self, name: str) -> None:
        self.page.locator(f'.rail [data-to="{name}"]').click()

    def _find(self, name: str) -> None:
        self.page.keyboard.press("Control+k")
        palette = self.page.locator("#find")
        expect(palette.locator("#find-for")).to_be_focused()
        self.page.keyboard.type(name)
        expect(palette.get_by_role("option", name=name.title(), exact=False).first).to_be_visible()
        self.page.keyboard.press("Enter")


class RunRows:
    """What the databases say of her."""

    def __init__(self, her: Her) -> None:
        self.client: MongoClient[dict[str, Any]] = MongoClient(her.scene.stack.parts["mongodb_uri"])
        self.database = self.client.get_default_database()
        self.own_id = her.actress.performer_id

    def lease(self) -> dict[str, Any]:
        found = self.database["page_leases"].find_one({"_id": self.own_id})
        return found or {}

    def runs(self) -> list[dict[str, Any]]:
        return list(self.database["activations"].find({"performer_id": self.own_id}))


def megabytes(page: Page) -> float:
    """What the tab's scripts and its document hold, after what nobody holds is gone."""
    wire = page.context.new_cdp_session(page)
    wire.send("HeapProfiler.enable")
    for _ in range(3):
        wire.send("HeapProfiler.collectGarbage")
    used = wire.send("Runtime.getHeapUsage")
    wire.detach()
    names = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")
    return float(sum(used.get(name, 0) for name in names)) / 1e6


def measure(scene: WalkScene, *, changes: int) -> None:
    report, chance = scene.report, random.Random(7)
    with scene.her() as her:
        page, rows = her.open(on_air=True), RunRows(her)
        tips = 5 + changes // 4  # as long as the changes take
        her.tip(*[SHORT] * tips)
        page.evaluate("document.documentElement.isKept = true")
        traveller, before = Traveller(page, chance), rows.lease()
        for _ in range(WARM_CHANGES):
            traveller.change()
        traveller._press("live") if traveller.past[-1] != "live" else None
        expect(page.locator("#content")).to_have_attribute("data-page", "live")
        traveller.past.append("live")
        sockets, held = page.evaluate("eyes.sockets"), megabytes(page)
        playing = 0
        for _ in range(changes):
            traveller.change()
            playing += page.evaluate("eyes.isMoving()")
        if traveller.past[-1] != "live":
            traveller._press("live")
            expect(page.locator("#content")).to_have_attribute("data-page", "live")
        growth = megabytes(page) - held
        print(f"    {playing} of {changes} changes while a tip played; held {held:.1f} MB")
        report.at_most("growth of the tab", growth, GROWTH_MB, "MB", changes)
        opened = page.evaluate("eyes.sockets") - sockets
        report.at_most("sockets opened anew", opened, 0, "sockets", changes)
        kept = page.evaluate("document.documentElement.isKept === true")
        report.at_most("documents loaded", int(not kept), 0, "documents", changes)
        _settle(page, rows, tips)
        after = rows.lease()
        same = {name: (before.get(name), after.get(name)) for name in LEASE}
        lost = [f"{name}: {was} to {now}" for name, (was, now) in same.items() if was != now]
        report.none("leases lost", lost, changes)
        _whole(scene, rows)


def _settle(page: Page, rows: RunRows, tips: int) -> None:
    for _ in range(SETTLE_SECONDS * 2):
        if sum(row["status"] == "completed" for row in rows.runs()) >= tips:
            return
        page.wait_for_timeout(500)


def _whole(scene: WalkScene, rows: RunRows) -> None:
    """Of every tip, what was promised was delivered."""
    runs = rows.runs()
    told = ("status", "reason", "promised_seconds", "delivered_seconds")
    short = [
        {name: row.get(name) for name in told}
        for row in runs
        if row["status"] != "completed" or row["delivered_seconds"] != row["promised_seconds"]
    ]
    scene.report.none("tips of which a second is lost", short, len(runs))
