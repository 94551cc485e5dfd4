"""Which preferences a performer has: of each its section, where it stands in her row, how a value
is read strictly, and what is so where she has chosen nothing.

What binds a decision is a field of her row; what only her own pages go by stands together in
`page_choices`, by its name at the wire, and is left out there where it is as usual."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple, cast
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from ground import words
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import OwedPolicy
from lovense.rows import Json, PerformerRow
from tips.models import Mode
from tips.rows import Statement

LIMITS, QUEUE, BRIDGE, VIEWERS = "limits", "queue", "bridge", "viewers"
NOTICING, KEYS, LOOK = "noticing", "keys", "look"
LEAST_CONTINUOUS_SECONDS = 10
MOST_WORDS, LONGEST_WORD, LONGEST_EMAIL = 50, 32, 254
THEMES, DENSITIES, CLOCKS = ("system", "light", "dark"), ("roomy", "compact"), ("24", "12")
# Keys that write nothing, scroll nothing and mean nothing to a browser.
STOP_KEYS = ("F2", "F4", "F6", "F7", "F8", "F9", "F10", "Insert", "Pause", "ScrollLock")
OF_PAGES = "page_choices."
Reader = Callable[[Fields, str], Any]


class Preference(NamedTuple):
    """`field`: of her row; within `page_choices` it begins with OF_PAGES."""

    section: str
    field: str
    read: Reader
    usual: Any = None


# --- how a value is read -------------------------------------------------------------------------


def _or_none(read: Reader) -> Reader:
    """Null: the platform's, as usual, or none."""
    return lambda body, name: None if body.is_null(name) else read(body, name)


def _whole(lowest: int, highest: int) -> Reader:
    return lambda body, name: body.integer(name, minimum=lowest, maximum=highest)


def _one_of(names: tuple[str, ...]) -> Reader:
    return lambda body, name: body.choice(name, names, "")


def _flag(body: Fields, name: str) -> bool:
    if body.is_null(name):
        raise Malformed(name, "must be true or false")
    return body.flag(name)


def _allowed_bridge(body: Fields, name: str) -> str:
    return body.choice(name, tuple(settings.LOVENSE_BRIDGES), "")


def _zone(body: Fields, name: str) -> str:
    if (zone := body.text(name, maximum=64)) not in zones():
        raise Malformed(name, "must be a time zone, as Europe/Berlin")
    return zone


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """Those that a person knows by a place; and UTC."""
    places = (each for each in available_timezones() if "/" in each)
    return ("UTC", *sorted(each for each in places if not each.startswith(("Etc/", "SystemV/"))))


def _email(body: Fields, name: str) -> str:
    address = body.text(name, maximum=LONGEST_EMAIL)
    try:
        validate_email(address)
    except ValidationError:
        raise Malformed(name, "must be an e-mail address") from None
    return address


def _words(body: Fields, name: str) -> list[str]:
    said = body.raw(name)
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise Malformed(name, "must be a list of words")
    if len(said) > MOST_WORDS:
        raise Malformed(name, f"must hold at most {MOST_WORDS} words")
    if any(not each or len(each) > LONGEST_WORD or each != _plain(each) for each in said):
        raise Malformed(
            name, f"must be words of 1 to {LONGEST_WORD} characters that can be seen, each alone"
        )
    return list({each.casefold(): each for each in said}.values())


def _plain(text: str) -> str:
    return words.cleaned(text, maximum=LONGEST_WORD)


# --- which there are -----------------------------------------------------------------------------


def _of_pages(section: str, name: str, read: Reader, usual: Any) -> dict[str, Preference]:
    return {name: Preference(section, OF_PAGES + name, read, usual)}


# By their names at the wire.
PREFERENCES: dict[str, Preference] = {
    "bridge": Preference(BRIDGE, "bridge", _allowed_bridge),
    "maximumIntensity": Preference(LIMITS, "maximum_intensity", _whole(1, MAXIMUM_LEVEL)),
    "maximumSeconds": Preference(
        LIMITS,
        "maximum_seconds",
        # Below the vendor's shortest run no menu item could ever play.
        _or_none(_whole(SHORTEST_RUN_SECONDS, LONGEST_ITEM_SECONDS)),
    ),
    "maximumContinuousSeconds": Preference(
        LIMITS,
        "maximum_continuous_seconds",
        _or_none(_whole(LEAST_CONTINUOUS_SECONDS, LONGEST_ITEM_SECONDS)),
    ),
    "restSeconds": Preference(LIMITS, "rest_seconds", _or_none(_whole(1, LONGEST_ITEM_SECONDS))),
    "minimumTip": Preference(QUEUE, "minimum_tip", _or_none(_whole(1, MAX_AMOUNT))),
    "queueMode": Preference(QUEUE, "queue_mode", _or_none(_one_of(tuple(Mode.values)))),
    "owedPolicy": Preference(
        LIMITS, "owed_policy", _one_of(tuple(OwedPolicy.values)), OwedPolicy.REPORT.value
    ),
    "autoConnect": Preference(BRIDGE, "auto_connect", _or_none(lambda body, name: body.flag(name))),
    **_of_pages(VIEWERS, "showsNames", _flag, True),
    **_of_pages(VIEWERS, "showsMessages", _flag, True),
    **_of_pages(VIEWERS, "hiddenWords", _words, []),
    **_of_pages(NOTICING, "noticeSound", _flag, False),
    **_of_pages(NOTICING, "noticeTitle", _flag, False),
    **_of_pages(NOTICING, "noticeDesktop", _flag, False),
    **_of_pages(NOTICING, "noticeVibration", _flag, False),
    **_of_pages(NOTICING, "noticeEmail", _or_none(_email), None),
    **_of_pages(KEYS, "ownKeys", _flag, True),
    **_of_pages(KEYS, "stopKey", _or_none(_one_of(STOP_KEYS)), None),
    **_of_pages(LOOK, "theme", _one_of(THEMES), "system"),
    **_of_pages(LOOK, "density", _one_of(DENSITIES), "roomy"),
    **_of_pages(LOOK, "timeZone", _or_none(_zone), None),
    **_of_pages(LOOK, "clock", _one_of(CLOCKS), CLOCKS[0]),
}
SECTIONS = (LIMITS, QUEUE, BRIDGE, VIEWERS, NOTICING, KEYS, LOOK)
_SECTION_OF = {each.field: each.section for each in PREFERENCES.values()}


def names_of(section: str) -> list[str]:
    return [name for name, each in PREFERENCES.items() if each.section == section]


def sections_of(fields: Iterable[str]) -> list[str]:
    """Of fields of her row, each once."""
    return sorted({_SECTION_OF[field] for field in fields})


# --- in her row ----------------------------------------------------------------------------------


def chosen(choices: Json | None, name: str) -> Any:
    """What her pages go by: her choice among `page_choices`, or as usual."""
    return (choices or {}).get(name, PREFERENCES[name].usual)


def stored(row: PerformerRow, field: str) -> Any:
    """None: nothing is chosen."""
    if field.startswith(OF_PAGES):
        return (row.get("page_choices") or {}).get(field.removeprefix(OF_PAGES))
    return row.get(field)


def told(row: PerformerRow, names: Iterable[str]) -> Json:
    """As the wire has them."""
    found = {name: stored(row, PREFERENCES[name].field) for name in names}
    return {
        name: PREFERENCES[name].usual if value is None else value for name, value in found.items()
    }


def written(row: PerformerRow, changes: Statement) -> Statement:
    """The fields of her row as they are to be."""
    own = {name: value for name, value in changes.items() if not name.startswith(OF_PAGES)}
    choices = dict(row.get("page_choices") or {})
    for field in changes.keys() - own.keys():
        choices[field.removeprefix(OF_PAGES)] = changes[field]
    kept = {name: value for name, value in choices.items() if value is not None}
    return own if kept == (row.get("page_choices") or {}) else own | {"page_choices": kept}


def versions(row: PerformerRow) -> dict[str, int]:
    """How often each section has been changed."""
    return dict.fromkeys(SECTIONS, 0) | cast(Json, row.get("preference_versions") or {})
