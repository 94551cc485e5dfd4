"""The regions of the performer's pages: which page has it, which news it is fetched again for, and
which part of which template it is. Named here and nowhere else; nothing is read or rendered here.

A region is fetched again by its own page (`GET <page>?region=<name>`), so a page may have no two of
one name."""

from dataclasses import dataclass

EVERY_PAGE = ""  # of hers
# What a performer's pages are told of (docs/sockets.md).
TOPICS = frozenset(
    {"queue", "devices", "tips", "notices", "menu", "patterns", "preferences", "shows"}
)


@dataclass(frozen=True, slots=True)
class Region:
    """`page` is the name of its URL. `partial` is a template, or `template#block` of one."""

    page: str
    name: str
    topics: tuple[str, ...]
    partial: str

    @property
    def triggers(self) -> str:
        """For `hx-trigger`: the news that it is fetched for; and `tick`, which the page's clock
        says to it when it may be out of date."""
        return ", ".join([*(f"news-{topic} from:body" for topic in self.topics), "tick"])


LIVE, DEVICES, MENU, PATTERNS = "live", "devices", "menu", "patterns"
PAIR, DEVICE = "devices-pair", "devices-one"
PREFERENCES, WELCOME = "preferences", "welcome"
RUN, VERSIONS = "history-run", "menu-versions"
REGIONS = (
    Region(
        EVERY_PAGE,
        "strip",
        ("devices", "queue", "notices", "preferences", "shows"),
        "lovense/_strip.html",
    ),
    Region(EVERY_PAGE, "stop", ("queue", "devices", "preferences"), "lovense/_stopstate.html"),
    Region(LIVE, "queue", ("queue", "devices", "preferences", "shows"), "lovense/live.html#queue"),
    Region(LIVE, "feed", ("tips", "queue", "preferences"), "lovense/live.html#feed"),
    Region(LIVE, "devices", ("devices", "preferences", "shows"), "lovense/live.html#devices"),
    Region(LIVE, "rehearsal", ("preferences",), "lovense/live.html#rehearsal"),
    Region(
        LIVE,
        "notices",
        ("notices", "queue", "devices", "menu", "preferences"),
        "lovense/live.html#notices",
    ),
    Region(DEVICES, "devices", ("devices", "preferences"), "lovense/devices.html#devices"),
    Region(PAIR, "pairing", ("devices", "preferences"), "lovense/_pairing.html"),
    Region(PAIR, "hosts", ("devices",), "lovense/pair.html#hosts"),
    Region(DEVICE, "device", ("devices", "preferences"), "lovense/device.html#device"),
    Region(DEVICE, "told", ("devices",), "lovense/device.html#told"),
    Region(MENU, "menu", ("menu", "devices", "patterns", "preferences"), "lovense/menu.html#menu"),
    Region(MENU, "ruler", ("menu", "devices", "patterns"), "lovense/menu.html#ruler"),
    Region(VERSIONS, "versions", ("menu",), "lovense/menu_versions.html#versions"),
    Region(RUN, "verdict", ("tips", "queue", "preferences"), "lovense/verdict.html#verdict"),
    Region(
        WELCOME,
        "step",
        ("devices", "menu", "preferences", "queue", "tips"),
        "lovense/welcome.html#step",
    ),
    Region(PATTERNS, "patterns", ("patterns",), "lovense/patterns.html#patterns"),
    Region(PREFERENCES, "section", ("preferences", "menu"), "lovense/preferences.html#section"),
)


def of(page: str) -> dict[str, Region]:
    """By name, those of one page of hers."""
    return {each.name: each for each in REGIONS if each.page in (page, EVERY_PAGE)}
