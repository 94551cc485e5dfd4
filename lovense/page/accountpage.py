"""What the page of her account shows: where she is logged in, since when her token is, who has
looked at her screen, and what was done to her account and her queue, by whom. Nothing is changed
here."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.contrib.auth.forms import PasswordChangeForm

from ground.audit import log as audit_log
from lovense.models import Performer
from lovense.performers import credentials, loggedin, seenby
from lovense.performers.loggedin import WhereLoggedIn
from lovense.performers.seenby import ScreenSeen

DONE_SHOWN = 50
_LABELS = {
    "old_password": "Your password",
    "new_password1": "The new one",
    "new_password2": "The new one again",
}
_AUTOCOMPLETE = {"old_password": "current-password"}
_HINTS = {"new_password1": "At least 10 characters, and none of the common ones."}


@dataclass(frozen=True, slots=True)
class PasswordField:
    name: str
    label: str
    hint: str
    error: str
    autocomplete: str


@dataclass(frozen=True, slots=True)
class ShownDeed:
    """An entry of the audit log."""

    at: datetime
    who: str
    what: str
    why: str
    is_hers: bool
    was_done: bool


class AccountPage:
    """`form`: a new password that was refused; None: none was. `token`: the new one, shown this
    once. `wrong`: why the rest was refused."""

    def __init__(
        self,
        performer: Performer,
        here: str,
        now: datetime,
        *,
        form: PasswordChangeForm | None = None,
        token: str = "",
        wrong: str = "",
    ) -> None:
        self._performer, self._here, self._now = performer, here, now
        self._typed, self.token, self.wrong = form, token, wrong

    @cached_property
    def log_ins(self) -> list[WhereLoggedIn]:
        found = loggedin.of(str(self._performer.user.pk), here=self._here, now=self._now)
        return sorted(found, key=lambda each: not each.is_here)

    @property
    def is_here_unlisted(self) -> bool:
        """It was logged in before that was kept."""
        return not any(each.is_here for each in self.log_ins)

    @property
    def token_since(self) -> datetime | None:
        return credentials.token_since(self._performer.user)

    @cached_property
    def _form(self) -> PasswordChangeForm:
        return self._typed or PasswordChangeForm(self._performer.user)

    @cached_property
    def fields(self) -> list[PasswordField]:
        return [
            PasswordField(
                each.name,
                _LABELS[each.name],
                _HINTS.get(each.name, ""),
                " ".join(str(error) for error in each.errors),
                _AUTOCOMPLETE.get(each.name, "new-password"),
            )
            for each in self._form
        ]

    @property
    def errors(self) -> list[PasswordField]:
        return [each for each in self.fields if each.error]

    @cached_property
    def seen_by(self) -> list[ScreenSeen]:
        """Who of the staff has looked at her screen, the newest first."""
        return seenby.latest(self._performer.pk)

    @cached_property
    def done(self) -> list[ShownDeed]:
        """By whomever, the newest first."""
        name = self._performer.user.get_username()
        return [
            ShownDeed(
                row["at"],
                "You" if row["actor"] == name else row["actor"],
                _deed(row["type"], row["action"]),
                row["why"],
                row["actor"] == name,
                row["success"],
            )
            for row in audit_log.of_lane(self._performer.pk, limit=DONE_SHOWN)
        ]


# What an act was done to, where its word alone does not say so.
_ABOUT = {
    "performer": {"change": "Preferences"},
    "menu": "Menu",
    "pattern": "Pattern",
    "device": "Device",
    "host": "App",
    "pairing": "Pairing",
    "owed": "Owed",
}


def _deed(kind: str, action: str) -> str:
    about, act = _ABOUT.get(kind, ""), action.replace("_", " ")
    said = about.get(action, "") if isinstance(about, dict) else about
    return f"{said}: {act}" if said else act.capitalize()
