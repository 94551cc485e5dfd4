"""What an amount would be answered: by the menu in force, by her draft or by an older version.

It is found by what decides for tips: the same minimum, the same match, the same answer where there
is no menu. Nothing is written, and nothing plays."""

from datetime import datetime
from typing import NamedTuple

from lovense.deciding import standings
from lovense.deciding.rules import Rules
from lovense.deciding.standings import AskedAmount
from lovense.menus import content, drafts, matching, reactions, reading, versions
from lovense.menus.matching import PUBLIC, Matched, MenuIndex
from lovense.menus.reading import PublishedMenu
from lovense.rows import PerformerRow

DRAFT = "draft"


class Foresight(NamedTuple):
    """`version`: whose answer it is, DRAFT or a number; 0: no menu is published."""

    amount: int
    version: str
    found: Matched
    show: str = PUBLIC


class AmountAsked(NamedTuple):
    """`now` None: as if nothing had happened, so that every item answers."""

    amount: int
    show: str
    now: datetime | None


def of(
    performer_id: str,
    amount: int,
    *,
    version: int | None,
    is_draft: bool,
    show: str = PUBLIC,
    now: datetime | None = None,
) -> Foresight:
    """`version` None: the one in force; `now` None: every item answers. Raises NoSuchVersion."""
    rules = Rules.read([performer_id])
    performer = rules.performers[performer_id]
    number = performer["menu_version"] if version is None else version
    if is_draft:
        named, menu = DRAFT, _of_draft(performer_id)
    else:
        has_one = number or version is not None
        named = str(number)
        menu = reading.of_row(versions.of(performer_id, number)) if has_one else None
    found = _found(rules, performer, menu, AmountAsked(amount, show, now))
    return Foresight(amount, named, found, show)


def _of_draft(performer_id: str) -> PublishedMenu | None:
    """As it would be published."""
    draft = drafts.of(performer_id)
    items, usual = content.numbered(draft.items), reactions.item_of(draft.reaction)
    return PublishedMenu(DRAFT, 0, MenuIndex(items), usual, reading.limited(items))


def _found(
    rules: Rules, performer: PerformerRow, menu: PublishedMenu | None, asked: AmountAsked
) -> Matched:
    least = rules.minimum_of(performer)
    if asked.amount < least:
        return Matched(None, "below_minimum", f"Tips below {least} tokens do nothing.")
    if menu is not None:
        return _of_menu(performer["_id"], menu, asked)
    if (item := rules.default_item(performer)) is None:
        return Matched(None, "no_menu", "No menu is published, and this site requires one.")
    words = "No menu is published yet: every amount is answered by the platform's default reaction."
    return Matched(item, "default_reaction", words)


def _of_menu(performer_id: str, menu: PublishedMenu, asked: AmountAsked) -> Matched:
    amount, show, now = asked
    closed = matching.OPEN
    if menu.limited and now is not None:
        known = standings.read([AskedAmount(performer_id, menu, amount, show)])
        closed = standings.closed(menu, known[performer_id], now)
    found = matching.explained(menu.index, amount, show, closed)
    if found.item is not None or menu.reaction is None:
        return found
    words = f"{found.text} So your default reaction does."
    return Matched(menu.reaction, "default_reaction", words, found.passed)
