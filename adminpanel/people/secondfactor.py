"""The second factor of staff: a code of her phone (TOTP, RFC 6238), or one of the recovery codes
that she was shown once.

The secret is kept nowhere. It follows from a salt, which is in the row, and from the server's
`SECRET_KEY`, which is not in the database: who reads the one cannot make codes without the other.
It is shown while it is set up, and never again.

A code counts once: what counts moves `last_step` forward, and is refused where that has happened.
A recovery code is taken out of the row."""

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import User
from django_otp.oath import TOTP
from pymongo.client_session import ClientSession

from adminpanel.models import SecondFactor
from adminpanel.people.deeds import ACCOUNT, Deed, DeedChange, DeedTarget, recorded
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection

ISSUER = "Settled Tips"
TOLERANCE = 1  # steps of 30 s that a phone's clock may be off, either way
RECOVERY_CODES, RECOVERY_BYTES = 10, 10  # 80 bits each: nobody tries them all, so a hash will do
_DIGITS = re.compile(r"\d{6}", re.ASCII)
_RECOVERY = re.compile(r"[A-Z2-7]{16}", re.ASCII)


class WrongCode(Refusal):
    """A code is the one that her phone shows now, or a recovery code that was not used."""

    code, status, words = "wrong_code", 422, "That is not a code of now. Nothing was changed."


class CodeUsed(Refusal):
    """A code counts once."""

    code, status = "code_used", 422
    words = "That code was used. Wait for the next one."


class AlreadySetUp(Refusal):
    """An account has one second factor."""

    code, status, words = "already_set_up", 409, "There is a second factor already."


class NotSetUp(Refusal):
    """What is taken away is there."""

    code, status, words = "not_set_up", 409, "There is no second factor any more."


class ProvedBy(StrEnum):
    """What proved it."""

    CODE = "code"
    RECOVERY = "recovery code"


class Factor(NamedTuple):
    """`last_step`: no code up to it counts. `left`: recovery codes that were not used."""

    account: str
    salt: str
    last_step: int
    left: int
    made_at: datetime


def of(account: str, *, session: ClientSession | None = None) -> Factor | None:
    row = collection(SecondFactor).find_one({"_id": account}, session=session)
    if row is None:
        return None
    return Factor(account, row["salt"], row["last_step"], len(row["recovery"]), row["made_at"])


# --- the secret: pure but for the server's key ---------------------------------------------------


def fresh_salt() -> str:
    return secrets.token_hex(16)


def secret_of(account: str, salt: str) -> bytes:
    """20 bytes, as the standard asks for."""
    about = f"second-factor\n{account}\n{salt}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), about, "sha256")[:20]


def to_type(account: str, salt: str) -> str:
    """The secret as a person types it, in groups of four."""
    text = base64.b32encode(secret_of(account, salt)).decode()
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def to_scan(account: str, salt: str, *, username: str) -> str:
    """The secret as an app reads it from a picture."""
    label = quote(f"{ISSUER}:{username}")
    secret = to_type(account, salt).replace(" ", "")
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(ISSUER)}&digits=6&period=30"


def step_of(secret: bytes, code: str, *, now: datetime) -> int | None:
    """Which step's code it is, near now; None: none's."""
    if not _DIGITS.fullmatch(code):
        return None
    totp = TOTP(secret)
    totp.time = now.timestamp()
    return totp.t() if totp.verify(int(code), tolerance=TOLERANCE) else None


# --- set up, and taken away ----------------------------------------------------------------------


def set_up(user: User, *, salt: str, code: str, deed: Deed) -> list[str]:
    """The recovery codes, which are shown now and never again. Her phone has proved by a code that
    it has the secret. Raises WrongCode, AlreadySetUp."""
    account = str(user.pk)
    step = step_of(secret_of(account, salt), _plain(code), now=deed.now)
    if step is None:
        raise WrongCode
    codes = _fresh_codes()
    row = {"_id": account, "salt": salt, "last_step": step, "made_at": deed.now}
    row["recovery"] = [_hash(account, each) for each in codes]

    def body(session: ClientSession) -> None:
        if of(account, session=session) is not None:
            raise AlreadySetUp
        collection(SecondFactor).insert_one(row, session=session)
        recorded(deed, "set_up_second_factor", _target(user), session)

    transactions.run(body)
    return codes


def remove(user: User, *, salt: str, deed: Deed) -> None:
    """By herself, who has proved it, or by an admin. `salt`: of the one that was seen. Raises
    NotSetUp."""

    def body(session: ClientSession) -> None:
        removed_in(str(user.pk), salt, session)
        recorded(deed, "remove_second_factor", _target(user), session)

    transactions.run(body)


def removed_in(account: str, salt: str, session: ClientSession) -> None:
    """Raises NotSetUp."""
    gone = collection(SecondFactor).delete_one({"_id": account, "salt": salt}, session=session)
    if not gone.deleted_count:
        raise NotSetUp


def renew_codes(user: User, *, salt: str, deed: Deed) -> list[str]:
    """New recovery codes in place of all before. Raises NotSetUp."""
    account, codes = str(user.pk), _fresh_codes()
    kept = [_hash(account, each) for each in codes]

    def body(session: ClientSession) -> None:
        factor = of(account, session=session)
        if factor is None or factor.salt != salt:
            raise NotSetUp
        fields = {"$set": {"recovery": kept}}
        collection(SecondFactor).update_one({"_id": account}, fields, session=session)
        change = DeedChange({"left": factor.left}, {"left": len(kept)})
        recorded(deed, "renew_recovery_codes", _target(user), session, change)

    transactions.run(body)
    return codes


# --- proved --------------------------------------------------------------------------------------


def prove(user: User, *, code: str, action: str, deed: Deed) -> ProvedBy:
    """What she typed counts, now and never again; the entry says for what. Raises WrongCode,
    CodeUsed, NotSetUp."""
    account, typed = str(user.pk), _plain(code)
    by = ProvedBy.RECOVERY if _RECOVERY.fullmatch(typed) else ProvedBy.CODE

    def body(session: ClientSession) -> None:
        factor = of(account, session=session)
        if factor is None:
            raise NotSetUp
        left = factor.left
        if by is ProvedBy.CODE:
            _use_code(factor, typed, deed.now, session)
        else:
            _use_recovery(factor, typed, session)
            left -= 1
        after = {"second_factor": by.value, "recovery_codes_left": left}
        recorded(deed, action, _target(user), session, DeedChange(None, after))

    transactions.run(body)
    return by


def _use_code(factor: Factor, typed: str, now: datetime, session: ClientSession) -> None:
    step = step_of(secret_of(factor.account, factor.salt), typed, now=now)
    if step is None:
        raise WrongCode
    where = {"_id": factor.account, "salt": factor.salt, "last_step": {"$lt": step}}
    change = {"$set": {"last_step": step}}
    if not collection(SecondFactor).update_one(where, change, session=session).modified_count:
        raise CodeUsed


def _use_recovery(factor: Factor, typed: str, session: ClientSession) -> None:
    kept = _hash(factor.account, typed)
    where = {"_id": factor.account, "recovery": kept}
    change = {"$pull": {"recovery": kept}}
    if not collection(SecondFactor).update_one(where, change, session=session).modified_count:
        raise WrongCode


# --- as they are written -------------------------------------------------------------------------


def _fresh_codes() -> list[str]:
    return [_shown(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def _shown(code: bytes) -> str:
    text = base64.b32encode(code).decode()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def _plain(typed: str) -> str:
    """Without what a person or an app puts between the characters."""
    return re.sub(r"[\s-]", "", typed[:64]).upper()


def _hash(account: str, code: str) -> str:
    return hashlib.sha256(f"{account}\n{_plain(code)}".encode()).hexdigest()


def _target(user: User) -> DeedTarget:
    return DeedTarget(ACCOUNT, user.get_username())
