"""Her menus, and how what they offer stands."""

from datetime import datetime
from typing import NotRequired, TypedDict

from lovense.rows.values import Item, Json


class MenuRow(TypedDict):
    """A published menu, immutable."""

    _id: str
    performer_id: str
    version: int
    items: list[Item]
    # not in a version from before there were patterns of hers
    patterns: NotRequired[dict[str, str]]
    published_at: datetime
    published_by: NotRequired[str]
    note: NotRequired[str]
    based_on: NotRequired[int | None]
    retired_at: NotRequired[datetime | None]
    withdrawn_at: NotRequired[datetime | None]
    default_reaction: NotRequired[Json | None]  # None: off
    commitment: NotRequired[str]  # of what draws at random
    publish_key: NotRequired[str]
    fingerprint: NotRequired[str]


class MenuSealRow(TypedDict):
    """A row of `menu_seals`: the secret of a version's draws."""

    _id: str
    performer_id: str
    secret: NotRequired[str]  # only where it is asked for
    retired_at: datetime | None
    look_at: datetime | None
    revealed_at: datetime | None


class ItemStateRow(TypedDict):
    """A row of `item_states`."""

    _id: str
    performer_id: str
    item_id: str
    runs: NotRequired[list[str]]
    reset_at: NotRequired[datetime | None]
    refill: NotRequired[int]


class StockPieceRow(TypedDict):
    """A row of `stock_pieces`. `item` is the key of the item's state; `activation` is empty where
    it was given back."""

    _id: str
    performer_id: str
    item: str
    refill: int
    number: int
    state: str
    activation: str
    taken_at: datetime
