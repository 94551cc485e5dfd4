"""What her Cam Extension has said of itself."""

from typing import TypedDict


class ExtensionLevel(TypedDict):
    """What her extension does for an amount from `minimum` to `maximum`. `special`: the kind of a
    special command; empty of a level. `seconds` 0: not known; `vibration` None: it has no
    strength of its own."""

    name: str
    special: str
    minimum: int
    maximum: int
    seconds: int
    vibration: int | None
    rotation: int


class ExtensionToy(TypedDict):
    """A toy as her extension names it."""

    id: str
    name: str
    isConnected: bool
    battery: int | None


class ExtensionRow(TypedDict):
    """What her extension has said of itself, normalised. `state`: loading, ready or silent; times
    are texts, as in all JSON. `unread`: entries of its settings that say nothing readable."""

    state: str
    at: str
    toys: list[ExtensionToy]
    version: str
    levels: list[ExtensionLevel]
    unread: int
    settingsAt: str | None
