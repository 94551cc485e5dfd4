"""The body of a delivery, as far as a role may see it: an admin the whole of it, for five minutes
after saying why; an auditor what is left without words of people; support nothing."""

import json
import re
from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, TimestampSigner

SHOWN_FOR = timedelta(minutes=5)
LONGEST_SHOWN, DEEPEST = 65_536, 12
_SALT = "body of a delivery"
# What tells of nobody: ids, hashes, codes of ours, times, and the names of fields.
_PLAIN = re.compile(
    r"[0-9a-f]{24}|[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|"
    r"\d{4}-\d\d-\d\dT[\d:.]{5,15}(Z|[+-]\d\d:\d\d)|(tip|tokens|ledger|points)\.[a-z_.]{1,40}"
)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)


# --- the permit ----------------------------------------------------------------------------------


def permit(*, key: str, account: str) -> str:
    """Good for this account and this delivery, until SHOWN_FOR is over."""
    return TimestampSigner(salt=_SALT).sign_object([key, account])


def is_permitted(said: str, *, key: str, account: str) -> bool:
    try:
        told = TimestampSigner(salt=_SALT).unsign_object(said, max_age=SHOWN_FOR)
    except BadSignature:
        return False
    return bool(told == [key, account])


# --- what is shown -------------------------------------------------------------------------------


def whole(body: bytes) -> str:
    return body[:LONGEST_SHOWN].decode(errors="replace")


def redacted(body: bytes) -> str:
    """Numbers, ids, times and the names of fields stay; every other text is replaced by its
    length."""
    try:
        return json.dumps(_redacted(json.loads(body), DEEPEST), indent=2)[:LONGEST_SHOWN]
    except (ValueError, RecursionError):
        return f"no JSON, {len(body)} bytes"


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, dict) and depth:
        return {_field(key): _redacted(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list) and depth:
        return [_redacted(inner, depth - 1) for inner in value]
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return text if _PLAIN.fullmatch(text) else _hidden(text)


def _field(name: str) -> str:
    return name if _FIELD.fullmatch(name) else _hidden(name)


def _hidden(text: str) -> str:
    return f"({len(text)} characters)"
