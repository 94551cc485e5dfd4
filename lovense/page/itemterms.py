"""The terms of an item: when and where it answers at all. Their words, and their part of the item's
form."""

from typing import NamedTuple

from django.http import QueryDict

from lovense.menus.matching import SHOWS, Item
from lovense.rows import Json


class ShowBox(NamedTuple):
    """A box of the form."""

    name: str
    is_checked: bool


def words(item: Item) -> list[str]:
    """What is not usual."""
    shows = item.get("shows") or ()
    return [f"Only in {' and '.join(shows)} shows"] if shows else []


def boxes(item: Item, typed: QueryDict | None) -> list[ShowBox]:
    """As typed, before that as the item says."""
    checked = item.get("shows", ()) if typed is None else typed.getlist("shows")
    return [ShowBox(show, show in checked) for show in SHOWS]


def body(typed: QueryDict) -> Json:
    """What was typed, as the body of the REST call that says the same."""
    return {"shows": typed.getlist("shows")}
