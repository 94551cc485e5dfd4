"""By what she acts: keys alone, or a finger on a telephone. Both say what was in the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

MOST_STOPS = 260  # between two things of one page
HELD_MS = 1300
PLACE = "row => [...row.parentElement.children].indexOf(row)"  # from 0: the next one up, from 1


class Hand(Protocol):
    """`stops`: how often something had the focus, or was touched."""

    page: Page
    faults: list[str]
    stops: int

    def press(self, what: Locator) -> None: ...
    def write(self, into: Locator, text: str) -> None: ...
    def move_up(self, row: Locator, places: int) -> None: ...
    def stop(self) -> None: ...
    def resume(self) -> None: ...


@dataclass
class Keyboard:
    page: Page
    faults: list[str] = field(default_factory=list)
    stops: int = 0

    def reach(self, what: Locator) -> None:
        """By Tab, from wherever the focus is; what it passes has to show it."""
        expect(what).to_be_enabled()
        for _ in range(MOST_STOPS):
            if what.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            self.stops += 1
            if fault := self.page.evaluate("eyes.focused().fault"):
                self.faults.append(fault)
        raise AssertionError(f"not reached by Tab: {what}")

    def press(self, what: Locator) -> None:
        self.reach(what)
        is_box = what.evaluate("one => one.matches('[type=checkbox], [type=radio]')")
        self.page.keyboard.press("Space" if is_box else "Enter")

    def write(self, into: Locator, text: str) -> None:
        self.reach(into)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def move_up(self, row: Locator, places: int) -> None:
        self.reach(row.locator("[data-grip]"))
        for _ in range(places):
            was = row.evaluate(PLACE)
            self.page.keyboard.press("Alt+ArrowUp")
            expect(self.page.locator("[data-said]")).to_contain_text(f"Place {was} of")

    def stop(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")

    def resume(self) -> None:
        self.reach(self.page.locator("#resume-ask"))
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#resume-all")).to_be_focused()
        self.page.keyboard.press("Enter")


@dataclass
class Touch:
    page: Page
    faults: list[str] = field(default_factory=list)
    stops: int = 0

    def press(self, what: Locator) -> None:
        expect(what).to_be_enabled()
        self.stops += 1
        what.scroll_into_view_if_needed()
        is_text = what.evaluate("one => one.matches('p a, bdi')")
        if not is_text and not what.evaluate("one => eyes.isThumbs(one)"):
            self.faults.append(f"{what}: {what.bounding_box()}")
        what.tap()

    def write(self, into: Locator, text: str) -> None:
        self.press(into)
        into.fill("")
        self.page.keyboard.type(text)

    def move_up(self, row: Locator, places: int) -> None:
        """One drag by the grip."""
        grip = row.locator("[data-grip]")
        grip.scroll_into_view_if_needed()
        _rests(grip)
        start = grip.bounding_box()
        above = row.locator(f"xpath=preceding-sibling::*[{places}]").bounding_box()
        assert start
        assert above
        x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
        self._drag((x, y), (x, above["y"] + 4))
        expect(self.page.locator("[data-said]")).to_contain_text("Place ")

    def _drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.stops += 1
        self._touch("touchStart", start)
        for step in range(1, 11):
            share = step / 10
            at = [a + (b - a) * share for a, b in zip(start, end, strict=True)]
            self._touch("touchMove", (at[0], at[1]))
        self._touch("touchEnd")

    def _touch(self, kind: str, *points: tuple[float, float]) -> None:
        if not hasattr(self, "_wire"):
            self._wire = self.page.context.new_cdp_session(self.page)
        told = {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        self._wire.send("Input.dispatchTouchEvent", told)

    def _hold(self, what: Locator) -> None:
        box = what.bounding_box()
        assert box
        self._touch("touchStart", (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
        self.page.wait_for_timeout(HELD_MS)
        self._touch("touchEnd")

    def stop(self) -> None:
        over = self.page.locator("dialog:popover-open [data-stop] button")
        self.press(over if over.count() else self.page.locator("#stop"))

    def resume(self) -> None:
        self._hold(self.page.locator("#resume-ask"))


def _rests(what: Locator) -> None:
    """Until it stays where it is: what the page fetches may still move it."""
    was, now = None, what.bounding_box()
    while was != now:
        what.page.wait_for_timeout(300)
        was, now = now, what.bounding_box()


HANDS: dict[str, Callable[[Page], Hand]] = {"keyboard": Keyboard, "touch": Touch}
