"""Strict reading of JSON that came from outside: every refusal names the field and the rule it
broke."""

import codecs
import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

from ground import clock, words
from ground.json.errors import Refusal

MAX_AMOUNT = 2**53 - 1  # the largest integer that every JSON reader holds exactly
MAX_DEPTH = 32
"""Of objects and lists within each other: whoever reads a body later, on whatever stack, can."""
DERIVED = ("_COMMISSION", "_REVERSAL")  # how keys end that are derived from a reference
_HEX24 = re.compile(r"[0-9a-f]{24}")
_REFERENCE = re.compile(r"[A-Za-z0-9_.\-]{1,120}")


class Malformed(Refusal):
    """A body or a field of it breaks a rule; `field` is its path, `rule` says what was expected."""

    code, status = "malformed", 400

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule = field, rule
        self.details = {"field": field, "rule": rule}

    @property
    def message(self) -> str:
        return f"{self}."


def read(body: bytes, *, deepest: int = MAX_DEPTH) -> "Fields":
    """The body as one JSON object. Refuses NaN, repeated keys and nesting deeper than `deepest`."""
    if body.startswith(codecs.BOM_UTF8):
        raise Malformed("body", "must be JSON without a byte order mark before it")
    check_depth(body, deepest)
    try:
        data = _DECODER.decode(body.decode("utf-8"))
    except Malformed:
        raise
    except UnicodeDecodeError:
        raise Malformed("body", "must be UTF-8") from None
    except (ValueError, RecursionError):
        raise Malformed("body", "must be JSON") from None
    if not isinstance(data, dict):
        raise Malformed("body", "must be a JSON object")
    return Fields(data, "")


# A string is passed over as a whole, also one that never ends: each byte is looked at once.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)


def check_depth(body: bytes, deepest: int, field: str = "body") -> None:
    """Of JSON as it came, before anybody walks into it."""
    if body.count(b"{") + body.count(b"[") <= deepest:  # as good as always
        return
    depth = 0
    for found in _BRACKETS.finditer(body):
        if found[0][0] != _QUOTE:
            depth += 1 if found[1] else -1
            if depth > deepest:
                raise Malformed(field, f"must not be nested deeper than {deepest}")


_QUOTE = ord('"')


def _number(text: str) -> int | float:
    """`100.0` and `1e2` are whole numbers; exactly, not as a float would round it."""
    try:
        exact = Decimal(text)
        return (
            int(exact)
            if abs(exact) < _WHOLE and exact == exact.to_integral_value()
            else float(text)
        )
    except ArithmeticError:
        return float(text)


_WHOLE = 2**63


def _not_json(name: str) -> NoReturn:
    raise Malformed("body", f"must not contain {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("body", "must not repeat a key of one object")
    return found


_DECODER = json.JSONDecoder(
    parse_constant=_not_json, parse_float=_number, object_pairs_hook=_once
)  # made once: making it costs as much as using it


class Fields:
    """Typed access to one JSON object; `path` prefixes the names in errors."""

    __slots__ = ("_data", "_path")

    def __init__(self, data: dict[str, Any], path: str) -> None:
        self._data, self._path = data, path

    def _refuse(self, name: str, rule: str) -> NoReturn:
        raise Malformed(self._path + name, rule)

    def _get(self, name: str) -> Any:
        value = self._data.get(name)
        if value is None:
            self._refuse(name, "is required")
        return value

    @property
    def whole(self) -> dict[str, Any]:
        """As it came, for a reader with rules of its own."""
        return self._data

    def has(self, name: str) -> bool:
        return self._data.get(name) is not None

    def only(self, *names: str) -> None:
        """Where a field that nobody reads would be a slip of the pen: refuses it by its name."""
        for name in self._data.keys() - set(names):
            shown = name if self.is_reference(name) else ""
            raise Malformed(
                f"{self._path}{shown}" if shown else "body",
                f"there is no such field, only {', '.join(names)}",
            )

    def given(self, name: str) -> bool:
        """Whether it is there, where leaving it out means "as it is": null would mean nothing, and
        is refused."""
        if self.is_null(name):
            self._refuse(name, "must not be null")
        return self.has(name)

    def raw(self, name: str) -> Any:
        """The value as it came, for rules of its own; None when there is none."""
        return self._data.get(name)

    def is_null(self, name: str) -> bool:
        """Whether it was given, and as null: where that means something."""
        return name in self._data and self._data[name] is None

    def says(self, name: str, value: str) -> bool:
        """Whether the field is exactly this text; anything else, of whatever type, is not."""
        return bool(self._data.get(name) == value)

    def object(self, name: str) -> "Fields":
        value = self._get(name)
        if not isinstance(value, dict):
            self._refuse(name, "must be an object")
        return Fields(value, f"{self._path}{name}.")

    def object_or_empty(self, name: str) -> "Fields":
        return self.object(name) if self.has(name) else Fields({}, f"{self._path}{name}.")

    def objects(self, name: str, *, maximum: int) -> list["Fields"]:
        value = self._get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._refuse(name, "must be a list of objects")
        if len(value) > maximum:
            self._refuse(name, f"must hold at most {maximum} objects")
        return [Fields(item, f"{self._path}{name}[{place}].") for place, item in enumerate(value)]

    def integer(self, name: str, *, minimum: int, maximum: int, default: int | None = None) -> int:
        if default is not None and not self.has(name):
            return default
        value = self._get(name)
        if type(value) is not int:  # bool is an int to Python, a fraction is not one to us
            self._refuse(name, "must be a whole number")
        if not minimum <= value <= maximum:
            self._refuse(name, f"must be between {minimum} and {maximum}")
        return int(value)

    def amount(self, name: str) -> int:
        return self.integer(name, minimum=1, maximum=MAX_AMOUNT)

    def text(self, name: str, *, maximum: int) -> str:
        value = self._get(name)
        if not isinstance(value, str):
            self._refuse(name, "must be a string")
        if len(value) > maximum:
            self._refuse(name, f"must be at most {maximum} characters")
        if not words.is_text(value):
            self._refuse(name, "must be text without NUL or lone surrogates")
        return value

    def text_or(self, name: str, default: str, *, maximum: int) -> str:
        return self.text(name, maximum=maximum) if self.has(name) else default

    def optional_text(self, name: str, *, maximum: int) -> str | None:
        return self.text(name, maximum=maximum) if self.has(name) else None

    def shown(self, name: str, *, maximum: int, keeps_lines: bool = False) -> str:
        """What is only shown is cut and cleaned, so that it never refuses what it stands beside;
        empty when there is none, or none that would be seen."""
        value = self._data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._refuse(name, "must be a string")
        return words.cleaned(value, maximum=maximum, keeps_lines=keeps_lines)

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text_or(name, default, maximum=40)
        if value not in allowed:
            self._refuse(name, f"must be one of {', '.join(allowed)}")
        return value

    def hex_id(self, name: str) -> str:
        value = self.text(name, maximum=24)
        if not _HEX24.fullmatch(value):
            self._refuse(name, "must be 24 lower-case hexadecimal digits")
        return value

    def optional_hex_id(self, name: str) -> str | None:
        return self.hex_id(name) if self.has(name) else None

    def reference(self, name: str, default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        value = self.text(name, maximum=120)
        if not self.is_reference(value):
            self._refuse(name, "must be 1 to 120 letters, digits, '_', '-' or '.'")
        return value

    def underived_reference(self, name: str, default: str | None = None) -> str:
        """A reference of theirs under which we derive others: those are never given by anybody."""
        value = self.reference(name, default)
        if value.endswith(DERIVED):
            self._refuse(name, f"must not end in {' or '.join(DERIVED)}: those are derived here")
        return value

    @staticmethod
    def is_reference(value: str) -> bool:
        return bool(_REFERENCE.fullmatch(value))

    def every(self, name: str) -> list[Any]:
        """The values that stand under this name anywhere inside, as many as the body holds. Not
        recursive: nesting is the sender's."""
        found: list[Any] = []
        within: list[Any] = [self._data]
        while within:
            part = within.pop()
            if isinstance(part, dict):
                found += [part[name]] if name in part else []
                within += part.values()
            elif isinstance(part, list):
                within += part
        return found

    def flag(self, name: str) -> bool:
        value = self._data.get(name)
        if value is None:
            return False
        if type(value) is not bool:
            self._refuse(name, "must be true or false")
        return bool(value)

    def moment(self, name: str, *, ahead: timedelta = clock.AHEAD) -> datetime:
        """A time since 1970, and not later than `ahead` of now."""
        value = self.text(name, maximum=60)
        try:
            moment = clock.parse(value)
        except clock.NoSuchMoment:
            self._refuse(name, "must be a moment that the calendar has")
        except ValueError:
            self._refuse(name, "must be an ISO 8601 time with its offset, as 2026-01-03T04:15:00Z")
        if moment < clock.EARLIEST:
            self._refuse(name, "must not be before 1970-01-01T00:00:00Z")
        if moment > clock.now() + ahead:
            days = "a day" if ahead.days == 1 else f"{ahead.days} days"
            self._refuse(name, f"must be at most {days} from now")
        return moment
