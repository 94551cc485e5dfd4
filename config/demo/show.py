"""The script: who plays, what is sent, and the verdict that each tip should get."""

from dataclasses import dataclass, field
from typing import Any

PERFORMER_ID = "507f191e810c19729de860eb"
PERFORMER, STAFF, PLATFORM = "ana", "dina", "demo-platform"
SECOND_PERFORMER = ("507f191e810c19729de860d1", "mia")

# Viewers are the platform's people: an id, a name, and a wallet in the books.
BOB, EVE, POOR = (
    ("507f191e810c19729de860ea", "bob"),
    ("507f191e810c19729de860e1", "eve"),
    ("507f191e810c19729de860e2", "paul"),
)
BOBS_TOKENS, EVES_TOKENS = 10_000, 300

MINIMUM_TIP = 10
MENU: list[dict[str, Any]] = [
    {
        "title": "Exactly fifty",
        "minimum": 50,
        "maximum": 50,
        "pattern": "pulse",
        "intensity": 14,
        "durationSec": 4,
    },
    {
        "title": "A wave",
        "minimum": 20,
        "maximum": 199,
        "pattern": "wave",
        "intensity": 10,
        "durationSec": 5,
    },
    {
        "title": "Fireworks",
        "minimum": 200,
        "maximum": 499,
        "pattern": "fireworks",
        "intensity": 18,
        "durationSec": 8,
        "random": {"intensity": {"from": 8, "to": 18}, "durationSec": {"from": 4, "to": 8}},
    },
    {
        "title": "Full power",
        "minimum": 500,
        "maximum": None,
        "pattern": "level",
        "intensity": 20,
        "durationSec": 10,
    },
]
BURST = 10


@dataclass
class Scene:
    """One tip of the show. `verdict` and `http` are what it should get; `answers` is what it
    got."""

    number: int
    title: str
    amount: int
    verdict: str
    http: list[int]
    tipper: tuple[str, str] = BOB
    recipient: tuple[str, str] = (PERFORMER_ID, PERFORMER)
    item: str = ""  # the menu item that should answer it
    show: str = "public"
    rejected: bool = False  # its last call must leave no trace on the tip
    sent_at: float = 0.0
    answers: list[int] = field(default_factory=list)

    @property
    def tip_id(self) -> str:
        """24 hex digits, as a platform gives them; the data is thrown away, so they may be the same
        every time."""
        return f"65{0xDE30000000000000000000 + self.number:022x}"

    @property
    def plays(self) -> bool:
        return self.verdict == "completed"

    def data(self, **more: Any) -> dict[str, Any]:
        user_id, username = self.tipper
        performer_id, performer = self.recipient
        return {
            "commission": 25,
            "tipper": {"userId": user_id, "username": username, "role": "user"},
            "recipient": {"performerId": performer_id, "username": performer},
            "context": {
                "conversationType": self.show,
                "streamType": self.show,
                "customMessage": "Great show!",
            },
            **more,
        }


@dataclass(frozen=True)
class DemoShow:
    """The scenes by what they try. They are sent in this order."""

    exact: Scene
    range: Scene
    repeated: Scene
    early: Scene
    small: Scene
    unmatched: Scene
    poor: Scene
    forged: Scene
    conflict: Scene
    burst: list[Scene]

    @property
    def scenes(self) -> list[Scene]:
        single = [self.exact, self.range, self.repeated, self.early, self.small, self.unmatched]
        return [*single, self.poor, self.forged, self.conflict, *self.burst]


def script() -> DemoShow:
    return DemoShow(
        exact=Scene(1, "an exact amount", 50, "completed", [202], item="Exactly fifty"),
        range=Scene(2, "a range, drawn at random", 250, "completed", [202], item="Fireworks"),
        repeated=Scene(
            3,
            "the same call 5×, then a new id",
            60,
            "completed",
            [202, 200, 200, 200, 200, 200],
            item="A wave",
        ),
        early=Scene(
            4, "its tokens arrive 1 s later", 120, "completed", [202], tipper=EVE, item="A wave"
        ),
        small=Scene(5, f"below the minimum of {MINIMUM_TIP}", 5, "skipped (below_minimum)", [202]),
        unmatched=Scene(6, "no menu item answers it", 15, "skipped (no_match)", [202]),
        poor=Scene(
            7, "more than the viewer has", 700, "failed (insufficient_funds)", [202], tipper=POOR
        ),
        forged=Scene(8, "a forged signature", 90, "not recorded", [401]),
        conflict=Scene(
            9,
            "the same id with another amount",
            80,
            "completed",
            [202, 409],
            item="A wave",
            rejected=True,
        ),
        burst=[
            Scene(10 + n, f"burst, {n + 1} of {BURST}", 20 + n, "completed", [202], item="A wave")
            for n in range(BURST)
        ],
    )
