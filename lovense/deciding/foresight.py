"""What an amount would be answered, and what that does: by the menu in force, by her draft or by an
older version.

It is found by what decides for tips: the very `decide()`, the same match, the same compiler and
caps. Nothing is written, and nothing plays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

from ground import clock
from lovense.deciding import outlook, pace, rest
from lovense.deciding.gates import decide
from lovense.deciding.outlook import Outlook
from lovense.deciding.rules import Rules
from lovense.menus import content, drafts, matching, ruler, versions
from lovense.menus.drafts import NoSuchItem
from lovense.menus.matching import Item, Matched
from lovense.rows import GateRow, MenuRow, PerformerRow
from tips.models import Mode, RequestType
from tips.rows import RequestRow

DRAFT = "draft"
MOST_AMOUNTS = 200
UNPUBLISHED = -1  # the number of a menu that has none, while it is asked
# What the tip itself has proved before a menu is asked; a preview is of no tip.
OF_THE_TIP = frozenset({"signature", "duplicate", "settled", "fresh"})


class Foresight(NamedTuple):
    """`version`: whose answer it is, DRAFT or a number; 0: no menu is published. `outlook` None:
    nothing plays. `gates`: what each saw, as things are now; `reason`: of the one that said no."""

    amount: int
    version: str
    found: Matched
    outlook: Outlook | None
    gates: list[GateRow]
    reason: str


class ForeseenAmount(NamedTuple):
    """A row of a table of amounts."""

    amount: int
    found: Matched
    outlook: Outlook | None


@dataclass(frozen=True, slots=True)
class Foresights:
    """One menu, read once, for any number of amounts. `items` None: none is published."""

    rules: Rules
    performer: PerformerRow
    version: str
    items: Sequence[Item] | None
    now: datetime

    def of(self, amount: int) -> Foresight:
        asked = _request(self.performer, amount, self.now)
        row = decide(asked, self._as_if, is_online=True, now=self.now)
        gates = [gate for gate in row["gates"] if gate["gate"] not in OF_THE_TIP]
        found, seen = self._answer(amount)
        return Foresight(amount, self.version, found, seen, gates, row["reason"])

    def table(self, amounts: Sequence[int]) -> list[ForeseenAmount]:
        return [ForeseenAmount(amount, *self._answer(amount)) for amount in amounts]

    def cheapest(self, item_id: str) -> int | None:
        """The smallest amount that reaches the item; None: none does. Raises NoSuchItem."""
        if not any(item["itemId"] == item_id for item in self.items or ()):
            raise NoSuchItem
        least = self.rules.minimum_of(self.performer)
        return ruler.cheapest(ruler.intervals(self.items or (), least)).get(item_id)

    def seen(self, item: Item) -> Outlook:
        return outlook.of(self.rules, self.performer, item)

    def _answer(self, amount: int) -> tuple[Matched, Outlook | None]:
        found = _found(self.rules, self.performer, self.items, amount)
        return found, self.seen(found.item) if found.item else None

    @property
    def _as_if(self) -> Rules:
        """As if this menu were the one in force."""
        whose, number = self.performer["_id"], UNPUBLISHED if self.items is not None else 0
        performer: PerformerRow = {**self.performer, "menu_version": number}
        menus = {f"{whose}.{number}": cast("MenuRow", {"items": self.items})} if number else {}
        rules = Rules(self.rules.platform, {whose: performer}, menus)
        rules.paces, rules.rests = self.rules.paces, self.rules.rests
        return rules


def read(performer_id: str, *, version: int | None, is_draft: bool, now: datetime) -> Foresights:
    """`version` None: the one in force. Raises NoSuchVersion."""
    rules = Rules.read([performer_id])
    limit = rules.platform["rate_limit_per_minute"]
    rules.paces = pace.read([performer_id], limit=limit, now=now)
    rules.rests = rest.read(rules.performers.values(), now=now)
    performer = rules.performers[performer_id]
    if is_draft:
        items = content.numbered(drafts.of(performer_id).items)
        return Foresights(rules, performer, DRAFT, items, now)
    number = performer["menu_version"] if version is None else version
    is_one = number or version is not None
    found = versions.of(performer_id, number)["items"] if is_one else None
    return Foresights(rules, performer, str(number), found, now)


def of(
    performer_id: str, amount: int, *, version: int | None, is_draft: bool, now: datetime
) -> Foresight:
    """Raises NoSuchVersion."""
    return read(performer_id, version=version, is_draft=is_draft, now=now).of(amount)


def _found(
    rules: Rules, performer: PerformerRow, items: Sequence[Item] | None, amount: int
) -> Matched:
    least = rules.minimum_of(performer)
    if amount < least:
        return Matched(None, "below_minimum", f"Tips below {least} tokens do nothing.")
    if items is not None:
        return matching.explained(items, amount)
    if (item := rules.default_item(performer)) is None:
        return Matched(None, "no_menu", "No menu is published, and this site requires one.")
    words = "No menu is published yet: every amount is answered by the platform's default reaction."
    return Matched(item, "default_reaction", words)


def _request(performer: PerformerRow, amount: int, now: datetime) -> RequestRow:
    """A tip of that amount, as it would wait in the queue."""
    at = clock.iso(now)
    ledger = {"ledgerId": "preview", "postedAt": at}
    payload = {"amount": amount, "createdAt": at, "eventTimestamp": at, "ledger": ledger}
    row = {
        "_id": "preview",
        "idempotency_key": "preview",
        "type": RequestType.TIP.value,
        "mode": Mode.FIFO.value,
        "lane": performer["_id"],
        "position": 0,
        "payload": payload,
        "attempts": 1,
        "claimed_by": "",
    }
    return cast("RequestRow", row)
