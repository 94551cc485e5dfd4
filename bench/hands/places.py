"""Her pages, and how one goes from one to the next inside one document; what opens over them."""

from dataclasses import dataclass

from playwright.sync_api import Page, expect

# By the name of the page: the link that leads there, from anywhere; or from the page before it.
RAIL = ("live", "devices", "menu", "patterns", "history", "statistics", "preferences")
# What is on the second level: its page, what leads to it, and from where.
BELOW = {
    "devices-pair": ("devices", 'main a[href="/devices/pair"]'),
    "devices-one": ("devices", 'main a[href^="/devices/"]:not([href*="pair"]):not([href*="#"])'),
    "menu-versions": ("menu", 'main a[href="/menu/versions"]'),
    "menu-import": ("menu", 'main a[href="/menu/import"]'),
    "history-run": ("history", 'main a[href^="/history/"]'),
}
# What is a press away and comes over the page.
OPENERS = (
    "main [aria-haspopup=dialog]:not(:disabled), #bar-pause, .menu-button,"
    " main [popovertarget]:not(:disabled, :popover-open *), .rail__more button"
)
CLOSE = "() => document.querySelectorAll(':popover-open').forEach((one) => one.hidePopover())"
TOAST = (
    "() => document.dispatchEvent(new CustomEvent('said',"
    " {detail: {text: 'Nothing was done.', tone: 'bad'}}))"
)


@dataclass(frozen=True)
class Walker:
    """Who goes from page to page by links, in one document."""

    page: Page

    def go(self, name: str) -> None:
        if name in BELOW:
            parent, link = BELOW[name]
            self.go(parent)
            self._follow(link, name)
        elif self.here != name:
            self._follow(f'.rail [data-to="{name}"]', name)

    @property
    def here(self) -> str:
        return self.page.locator("#content").get_attribute("data-page") or ""

    def _follow(self, link: str, name: str) -> None:
        self.page.locator(link).first.click()
        expect(self.page.locator("#content")).to_have_attribute("data-page", name)
        expect(self.page.locator("h1")).to_be_focused()

    def openers(self) -> list[str]:
        """What opens something here and can be seen, by selectors: of rows the first and the last,
        since rows come and go."""
        found: list[str] = self.page.evaluate(
            """openers => [...document.querySelectorAll(openers)]
                .filter((one) => one.checkVisibility())
                .map((one) => {
                    const of = one.getAttribute("popovertarget");
                    const focus = one.dataset.focus;
                    if (one.closest("[data-row]")) return `[data-row] [data-focus="${focus}"]`;
                    return one.id ? `#${CSS.escape(one.id)}` : `[popovertarget="${of}"]`;
                })""",
            OPENERS,
        )
        kinds = dict.fromkeys(f"{each}:visible" for each in found)
        return [f"{kind} >> nth={at}" for kind in kinds for at in (0, -1)[: 1 + ("row" in kind)]]

    def open(self, opener: str) -> None:
        """As a press does it, once it is in sight; what it opens may come from the server."""
        press = "one => { one.scrollIntoView({ block: 'nearest' }); one.click(); }"
        self.page.locator(opener).evaluate(press)
        self.page.locator(":popover-open").first.wait_for()

    def close(self) -> None:
        self.page.evaluate(CLOSE)
