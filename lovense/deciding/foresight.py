"""What an amount would be answered, and what that does: by the menu in force, by her draft or by an
older version.

It is found by what decides for tips: the very `decide()`, the same match, the same compiler and
caps. Nothing is written, and nothing plays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple, cast

from ground import clock
from lovense.deciding import outlook, pace, ranges, rest
from lovense.deciding.gates import decide
from lovense.deciding.outlook import Outlook
from lovense.deciding.ranges import OutlookRange
from lovense.deciding.rules import Rules
from lovense.menus import content, drafts, matching, publishing, reactions, reading, ruler, versions
from lovense.menus.drafts import NoSuchItem
from lovense.menus.matching import PUBLIC, Item, Matched, MenuIndex
from lovense.menus.reading import PublishedMenu
from lovense.rows import GateRow, MenuHistoryRow, PerformerRow
from tips.models import Mode, RequestType
from tips.rows import RequestRow

DRAFT = "draft"
NO_PATTERN = "no_pattern"  # of an item of a draft whose pattern of hers is gone
NO_DEVICE_YET = "no device is known yet: as if one were there"
MOST_AMOUNTS = 200
UNPUBLISHED = -1  # the number of a menu that has none, while it is asked
# What the tip itself has proved before a menu is asked; a preview is of no tip.
OF_THE_TIP = frozenset({"signature", "duplicate", "settled", "fresh"})


class Foresight(NamedTuple):
    """`version`: whose answer it is, DRAFT or a number; 0: no menu is published. `outlook` None:
    nothing plays. `gates`: what each saw, as things are now; `reason`: of the one that said no.
    `bounds`: of what leaves something to chance; the outlook is of its highest then."""

    amount: int
    version: str
    show: str
    found: Matched
    outlook: Outlook | None
    gates: list[GateRow]
    reason: str
    bounds: OutlookRange | None = None


class ForeseenAmount(NamedTuple):
    """A row of a table of amounts."""

    amount: int
    found: Matched
    outlook: Outlook | None
    bounds: OutlookRange | None = None


@dataclass(frozen=True, slots=True)
class Foresights:
    """One menu, read once, for any number of amounts. `menu` None: none is published. `rules`: as
    if it were the one in force."""

    rules: Rules
    performer: PerformerRow
    version: str
    menu: PublishedMenu | None
    now: datetime

    def of(self, amount: int, show: str = PUBLIC) -> Foresight:
        asked = tip_of(self.performer, amount, show, self.now)
        self.rules.read_standings([asked])
        found, seen = self._answer(amount, show)
        if found.item is not None and seen is None:
            return Foresight(amount, self.version, show, found, None, [], NO_PATTERN)
        row = decide(asked, self.rules, is_online=True, now=self.now)
        gates = [self._said(gate) for gate in row["gates"] if gate["gate"] not in OF_THE_TIP]
        bounds, why = self._bounds(found), row["reason"]
        return Foresight(amount, self.version, show, found, seen, gates, why, bounds)

    def _bounds(self, found: Matched) -> OutlookRange | None:
        item = found.item
        if item is None or publishing.is_gone(item):
            return None
        return ranges.of(self.rules, self.performer, item)

    def _said(self, gate: GateRow) -> GateRow:
        if gate["gate"] == "menu" and self.version == DRAFT:
            return {**gate, "saw": "the draft"}
        if gate["gate"] == "device_online" and self.performer.get("devices") is None:
            return {**gate, "saw": NO_DEVICE_YET}
        return gate

    def table(self, amounts: Sequence[int], show: str = PUBLIC) -> list[ForeseenAmount]:
        asked = [tip_of(self.performer, amount, show, self.now) for amount in amounts]
        self.rules.read_standings(asked)
        answers = [(amount, *self._answer(amount, show)) for amount in amounts]
        return [
            ForeseenAmount(amount, found, seen, self._bounds(found))
            for amount, found, seen in answers
        ]

    def cheapest(self, item_id: str, show: str = PUBLIC) -> int | None:
        """The smallest amount that reaches the item; None: none does. Raises NoSuchItem."""
        items = self.menu.items if self.menu else ()
        if not any(item["itemId"] == item_id for item in items):
            raise NoSuchItem
        least = self.rules.minimum_of(self.performer)
        return ruler.cheapest(ruler.intervals(items, least, show=show)).get(item_id)

    def seen(self, item: Item) -> Outlook:
        return outlook.of(self.rules, self.performer, item)

    def _answer(self, amount: int, show: str) -> tuple[Matched, Outlook | None]:
        found = self._found(amount, show)
        is_seen = found.item is not None and not publishing.is_gone(found.item)
        return found, self.seen(found.item) if found.item and is_seen else None

    def _found(self, amount: int, show: str) -> Matched:
        least, menu = self.rules.minimum_of(self.performer), self.menu
        if amount < least:
            return Matched(None, "below_minimum", f"Tips below {least} tokens do nothing.")
        if menu is None:
            return _without_one(self.rules.default_item(self.performer))
        closed = self.rules.closed_of(self.performer, menu, self.now)
        found = matching.explained(menu.index, amount, show, closed)
        if found.item is not None or menu.reaction is None:
            return found
        words = f"{found.text} So your default reaction does."
        return Matched(menu.reaction, "default_reaction", words, found.passed)


def _without_one(usual: Item | None) -> Matched:
    if usual is None:
        return Matched(None, "no_menu", "No menu is published, and this site requires one.")
    words = "No menu is published yet: every amount is answered by the platform's default reaction."
    return Matched(usual, "default_reaction", words)


def read(performer_id: str, *, version: int | None, is_draft: bool, now: datetime) -> Foresights:
    """`version` None: the one in force. Raises NoSuchVersion."""
    rules = Rules.read([performer_id], at=now)
    rules.paces = pace.read(rules.limits_of([performer_id]), now=now)
    rules.rests = rest.read(rules.performers.values(), now=now)
    performer = rules.performers[performer_id]
    number = performer["menu_version"] if version is None else version
    named, menu = str(number), None
    if is_draft:
        named, menu = DRAFT, _of_draft(performer_id)
    elif number or version is not None:
        menu = reading.of_row(versions.of(performer_id, number))
    as_if = _as_if(rules, performer, menu)
    return Foresights(as_if, as_if.performers[performer_id], named, menu, now)


def _of_draft(performer_id: str) -> PublishedMenu:
    """As it would be published."""
    draft = drafts.of(performer_id)
    texts = publishing.texts_of(performer_id, draft.items)
    items = content.resolved(content.numbered(draft.items), texts)
    usual = reactions.item_of(draft.reaction)
    return PublishedMenu(DRAFT, UNPUBLISHED, MenuIndex(items), usual, reading.limited(items))


def _as_if(rules: Rules, performer: PerformerRow, menu: PublishedMenu | None) -> Rules:
    """This menu were the one in force; nothing is drawn by it."""
    number = menu.version if menu is not None else 0
    history = [MenuHistoryRow(version=number, at=datetime.min.replace(tzinfo=UTC))]
    hers: PerformerRow = {**performer, "menu_version": number, "menu_history": history}
    key = f"{performer['_id']}.{number}"
    menus = {key: replace(menu, is_foreseen=True)} if menu is not None else {}
    hers_alone = {performer["_id"]: hers}
    return Rules(rules.platform, hers_alone, menus, rules.paces, rules.rests, at=rules.at)


def tip_of(performer: PerformerRow, amount: int, show: str, now: datetime) -> RequestRow:
    """A tip of that amount, as it would wait in the queue."""
    at = clock.iso(now)
    ledger = {"ledgerId": "preview", "postedAt": at}
    context = {"streamType": show}
    payload = {"amount": amount, "createdAt": at, "eventTimestamp": at, "ledger": ledger}
    row = {
        "_id": "preview",
        "idempotency_key": "preview",
        "type": RequestType.TIP.value,
        "mode": Mode.FIFO.value,
        "lane": performer["_id"],
        "position": 0,
        "payload": payload | {"context": context},
        "attempts": 1,
        "claimed_by": "",
    }
    return cast("RequestRow", row)
