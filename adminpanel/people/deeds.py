"""What staff do to an account: by whose hand, and why. Every rule of this room takes a deed, and
leaves an entry of it in the audit log: with the change, in its transaction; or of the refusal."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from pymongo.client_session import ClientSession

from ground import words
from ground.audit import log as audit_log
from ground.audit.log import LONGEST_WHY
from ground.json.errors import Refusal

SHORTEST_WHY = 3
ACCOUNT, CLIENT = "account", "client"  # kinds of what a deed is done to


class Deed(NamedTuple):
    """`account` is the key of the account whose hand it is, `by` its name."""

    account: str
    by: str
    why: str
    now: datetime


class DeedTarget(NamedTuple):
    """What it is done to, as the audit log names it; `lane`: the performer whose account it is."""

    kind: str
    name: str
    lane: str = ""


class DeedChange(NamedTuple):
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


UNSAID = DeedChange(None, None)


class WrongField(Refusal):
    """What was typed into a field follows the rule that stands beside it."""

    code, status = "invalid", 422

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field = field
        self.details = {"field": field, "rule": rule}


class Outdated(Refusal):
    """Who changes something has seen what it is."""

    code, status = "outdated", 409

    def __init__(self, words: str, present: Any) -> None:
        super().__init__(words)
        self.details = {"present": present}


def deed_of(user: AbstractBaseUser | AnonymousUser, *, now: datetime, why: str = "") -> Deed:
    """By the hand of who asks."""
    return Deed(str(user.pk), user.get_username(), why, now)


def reason_of(said: Any) -> str:
    """What is no text is no reason. Raises WrongField."""
    said = " ".join(said.split()) if isinstance(said, str) else ""
    if not words.is_text(said):
        raise WrongField("reason", "Say why, without NUL or lone surrogates.")
    if not SHORTEST_WHY <= len(said) <= LONGEST_WHY:
        rule = f"Say why, in {SHORTEST_WHY} to {LONGEST_WHY} characters."
        raise WrongField("reason", rule)
    return str(said)


def recorded(
    deed: Deed, action: str, target: DeedTarget, session: ClientSession, change: DeedChange = UNSAID
) -> None:
    """In the transaction of what it tells of."""
    audit_log.record(
        kind=target.kind,
        action=action,
        by=deed.by,
        target=target.name,
        lane=target.lane,
        now=deed.now,
        before=change.before,
        after=change.after,
        why=deed.why,
        session=session,
    )


@contextmanager
def refusals_recorded(deed: Deed, action: str, target: DeedTarget) -> Iterator[None]:
    """Around the whole of it, outside its transaction: what is refused has changed nothing, and is
    told with the rule that it broke."""
    try:
        yield
    except Refusal as refused:
        audit_log.record(
            kind=target.kind,
            action=action,
            by=deed.by,
            target=target.name,
            lane=target.lane,
            now=deed.now,
            after={"refused": refused.code},
            why=deed.why,
            success=False,
        )
        raise
