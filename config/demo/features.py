"""What a menu can do beside prices: a second version is published while tips of the first one still
wait, and each of its features is tipped."""

from typing import Any

from config.demo.show import BOB, MENU, PERFORMER, PERFORMER_ID, Scene
from ground import clock
from ground.json.fields import Fields
from lovense.menus import drafts, parts, versions, wishes
from lovense.menus.drafts import Writing
from lovense.menus.matching import Item
from lovense.menus.versions import Publication
from lovense.patterns import library
from lovense.patterns.library import PatternWriting

FIRST_NUMBER = 30
PATTERN = "Knock"  # of hers
TEXT = "(18 0.2s, 0 0.2s) x 2, 8 1s"
VIRTUAL_TOY = f"virtual-{PERFORMER_ID[-6:]}"
REACTION: dict[str, Any] = {"active": True, "pattern": "wave", "intensity": 4, "durationSec": 3}
REACTED = "Default reaction"


def _exact(title: str, amount: int, **more: Any) -> dict[str, Any]:
    usual = {"pattern": "level", "intensity": 10, "durationSec": 4}
    return usual | {"title": title, "minimum": amount, "maximum": amount} | more


OTHER = {each["title"]: each for each in MENU}["Fireworks"] | {"title": "More fireworks"}
ITEMS: list[dict[str, Any]] = [
    *(OTHER if each["title"] == "Fireworks" else each for each in MENU),
    _exact("Only in private", 51, shows=["private"]),
    _exact("Once a minute", 52, cooldownSec=60),
    _exact("The only piece", 53, stock=1),
    _exact("Her own pattern", 54, pattern=f"{library.MINE}{PATTERN}", intensity=20),
    _exact("Twice, with ramps", 55, loops=2, pauseSec=1, rampInSec=1, rampOutSec=1),
    _exact("A little later", 56, devices=[{"device": VIRTUAL_TOY, "offsetMs": 500}]),
]
SECONDS = {item["title"]: parts.length_of(item) for item in ITEMS} | {
    REACTED: REACTION["durationSec"]
}


def waiting() -> Scene:
    """Tipped before the second version is published, and played after it."""
    return _scene(0, "made before a publication", 300, "Fireworks")


def script() -> list[Scene]:
    """After the publication, in this order."""
    return [
        _scene(1, "the same amount, made after it", 300, "More fireworks"),
        _scene(2, "an open end", 600, "Full power"),
        _scene(3, "an item of private shows", 51, "Only in private", show="private"),
        _scene(4, "in a public show it is not", 51, "A wave"),
        _scene(5, "an item that cools down", 52, "Once a minute"),
        _scene(6, "while it does", 52, "A wave"),
        _scene(7, "the last piece", 53, "The only piece"),
        _scene(8, "sold out", 53, "A wave"),
        _scene(9, "a pattern of hers", 54, "Her own pattern"),
        _scene(10, "loops and ramps", 55, "Twice, with ramps"),
        _scene(11, "a device that starts later", 56, "A little later"),
        _scene(12, "what no item answers", 15, REACTED),
    ]


def _scene(number: int, title: str, amount: int, item: str, show: str = "public") -> Scene:
    return Scene(
        FIRST_NUMBER + number,
        title,
        amount,
        "completed",
        [202],
        tipper=BOB,
        recipient=(PERFORMER_ID, PERFORMER),
        item=item,
        show=show,
    )


def items() -> list[Item]:
    return [wishes.new(item) for item in ITEMS]


def publish() -> None:
    """As she would: a pattern, the draft, the publication."""
    now = clock.now()
    wished = library.wish(Fields({"name": PATTERN, "text": TEXT}, ""), is_new=True)
    library.add(PatternWriting(PERFORMER_ID, PERFORMER, now), wished)
    writing = Writing(PERFORMER_ID, drafts.of(PERFORMER_ID).revision, PERFORMER, now)
    drafts.replace(writing, items(), REACTION)
    asked = writing._replace(seen=None, now=clock.now())
    versions.publish(Publication(asked, "demo", "With all that a menu can do"))
