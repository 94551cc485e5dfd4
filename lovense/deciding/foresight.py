"""What an amount would be answered: by the menu in force, by her draft or by an older version.

It is found by what decides for tips: the same minimum, the same match, the same answer where there
is no menu. Nothing is written, and nothing plays."""

from typing import NamedTuple

from lovense.deciding.rules import Rules
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


def of(
    performer_id: str,
    amount: int,
    *,
    version: int | None,
    is_draft: bool,
    show: str = PUBLIC,
) -> Foresight:
    """`version` None: the one in force. Raises NoSuchVersion."""
    rules = Rules.read([performer_id])
    performer = rules.performers[performer_id]
    number = performer["menu_version"] if version is None else version
    if is_draft:
        draft = drafts.of(performer_id)
        items, usual = content.numbered(draft.items), reactions.item_of(draft.reaction)
        menu = PublishedMenu(DRAFT, 0, MenuIndex(items), usual)
        return Foresight(amount, DRAFT, _found(rules, performer, menu, amount, show), show)
    has_one = number or version is not None
    published = reading.of_row(versions.of(performer_id, number)) if has_one else None
    return Foresight(amount, str(number), _found(rules, performer, published, amount, show), show)


def _found(
    rules: Rules, performer: PerformerRow, menu: PublishedMenu | None, amount: int, show: str
) -> Matched:
    least = rules.minimum_of(performer)
    if amount < least:
        return Matched(None, "below_minimum", f"Tips below {least} tokens do nothing.")
    if menu is not None:
        return _of_menu(menu, amount, show)
    if (item := rules.default_item(performer)) is None:
        return Matched(None, "no_menu", "No menu is published, and this site requires one.")
    words = "No menu is published yet: every amount is answered by the platform's default reaction."
    return Matched(item, "default_reaction", words)


def _of_menu(menu: PublishedMenu, amount: int, show: str) -> Matched:
    found = matching.explained(menu.index, amount, show)
    if found.item is not None or menu.reaction is None:
        return found
    words = f"{found.text} So your default reaction does."
    return Matched(menu.reaction, "default_reaction", words, found.passed)
