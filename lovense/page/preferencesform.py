"""The forms of her preferences, one for each section: which fields it has, and what was typed as
the values that the rule reads. What may be said is decided by `lovense/performers/preferences.py`
alone."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from ground.json.fields import Fields
from lovense.menus.vibration import MAXIMUM_LEVEL
from lovense.models import OwedPolicy
from lovense.page.livepage import MODES
from lovense.page.partsform import whole
from lovense.performers import preferences, sections
from lovense.performers.preferences import InvalidPreferences, WrongPreference
from lovense.rows import Json, PerformerRow
from tips.rows import Statement

OURS = frozenset({"csrfmiddlewaretoken", "version"})
Options = Sequence[tuple[str, str]]


class TypedField(forms.Field):
    """A text, as the value that it stands for; one too long, or with a NUL, stands for none."""

    longest = 64

    def __init__(self, label: str) -> None:
        super().__init__(label=label, required=False)

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if len(text) > self.longest:
            raise ValidationError(f"Must be at most {self.longest} characters.")
        if "\x00" in text:
            raise ValidationError("Must be text without NUL.")
        return self.read(text)

    def read(self, text: str) -> Any:
        """Empty: nothing is chosen."""
        return text or None


class WholeField(TypedField):
    """What is no number is refused by the rule that wants one."""

    longest = 16

    def __init__(self, label: str, *, unit: str = "", is_needed: bool = False) -> None:
        super().__init__(label)
        self.unit, self.is_needed = unit, is_needed

    def read(self, text: str) -> Any:
        return None if not text and not self.is_needed else whole(text)


class FlagField(forms.BooleanField):
    def __init__(self, label: str, hint: str = "") -> None:
        super().__init__(label=label, help_text=hint, required=False)


class OneOfField(TypedField):
    """One of a few; `is_close`: they stand beside each other."""

    def __init__(self, label: str, options: Options, *, is_close: bool = False) -> None:
        super().__init__(label)
        self.options, self.is_close = options, is_close


class DecisionField(OneOfField):
    """Yes, no, or whatever the platform does."""

    def read(self, text: str) -> Any:
        return {"": None, "1": True, "0": False}.get(text, text)


class WordsField(TypedField):
    """One a line."""

    longest = sections.MOST_WORDS * (sections.LONGEST_WORD + 2)

    def read(self, text: str) -> Any:
        return [line.strip() for line in text.splitlines() if line.strip()]


class AddressField(TypedField):
    longest = sections.LONGEST_EMAIL


class SectionForm(forms.Form):
    """`changes`: of her row, once it is valid. Every field is sent, and no other."""

    section: ClassVar[str]
    version = TypedField("Version")

    def __init__(self, typed: Any = None, *, row: PerformerRow) -> None:
        now = preferences.told(row)
        super().__init__(typed, auto_id="%s", initial=initial(self.section, now))
        self.changes: Statement = {}
        self._row = row

    def clean(self) -> Json:
        cleaned: Json = super().clean() or {}
        names = sections.names_of(self.section)
        for name in sorted(self.data.keys() - OURS - set(names)):
            shown = name if Fields.is_reference(name) else "One of its names"
            self.add_error(None, f"{shown} is no field of this form.")
        for name in names:
            if name not in self.data and not isinstance(self.fields[name], FlagField):
                self.add_error(name, "Is missing.")
        said = {name: cleaned[name] for name in names if name not in self.errors}
        try:
            self.changes = preferences.parse(Fields(said, ""), self._row)
        except InvalidPreferences as wrong:
            self.refuse(wrong.errors)
        return cleaned

    def refuse(self, wrong: Sequence[WrongPreference]) -> None:
        """What a rule says, beside its field."""
        for each in wrong:
            self.add_error(each.field, f"{each.rule[0].upper()}{each.rule[1:]}.")

    @property
    def seen(self) -> dict[str, int]:
        """What is no number is no version that anything ever had."""
        found = whole(self.cleaned_data["version"] or "")
        return {self.section: found if isinstance(found, int) else -1}


def initial(section: str, now: Json) -> Json:
    """As a form writes it."""
    found = {name: as_typed(now[name]) for name in sections.names_of(section)}
    return found | {"version": str(now["versions"][section])}


def as_typed(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else str(value)


# --- the sections --------------------------------------------------------------------------------


class LimitsForm(SectionForm):
    section = sections.LIMITS
    maximumIntensity = WholeField("Strongest level", unit=f"of {MAXIMUM_LEVEL}", is_needed=True)
    maximumSeconds = WholeField("Longest run", unit="s")
    maximumContinuousSeconds = WholeField("Rest after", unit="s")
    restSeconds = WholeField("Rest for", unit="s")
    owedPolicy = OneOfField(
        "Seconds that were promised and not played",
        [
            (OwedPolicy.REPORT.value, "Stay listed until I decide"),
            (OwedPolicy.REQUEUE.value, "Play again by themselves"),
            (OwedPolicy.WAIVE.value, "Are waived"),
        ],
    )


class QueueForm(SectionForm):
    section = sections.QUEUE
    queueMode = OneOfField(
        "Order", [("", "As the platform does"), *((value, words) for value, words, _ in MODES)]
    )
    minimumTip = WholeField("Smallest tip that does something", unit="tokens")


class BridgeForm(SectionForm):
    """What there is to choose is the site's: `bridges` says it."""

    section = sections.BRIDGE
    bridge = OneOfField("Who tells your devices", ())
    autoConnect = DecisionField(
        "A page that had your devices takes them again when it is opened",
        [("", "As the platform does"), ("1", "Yes"), ("0", "No, I go on air by hand")],
    )


class ViewersForm(SectionForm):
    section = sections.VIEWERS
    showsNames = FlagField("Names", "Off: everybody is “Someone”.")
    showsMessages = FlagField("Messages", "What viewers write beside a tip.")
    hiddenWords = WordsField("Words that are never shown, one a line")


class NoticingForm(SectionForm):
    section = sections.NOTICING
    noticeSound = FlagField("Sound", "Two soft tones.")
    noticeTitle = FlagField("Title of the tab", "As “⚠ Lush lost”.")
    noticeDesktop = FlagField("Notification", "Of the desktop; your browser asks whether it may.")
    noticeVibration = FlagField("Vibration", "Of a phone that can.")
    noticeEmail = AddressField("E-mail to")


class KeysForm(SectionForm):
    section = sections.KEYS
    ownKeys = FlagField("Keys", "Off: only Esc twice, and the key below, do something.")
    stopKey = OneOfField(
        "One more key for STOP", [("", "None"), *((key, key) for key in sections.STOP_KEYS)]
    )


class LookForm(SectionForm):
    section = sections.LOOK
    theme = OneOfField(
        "Theme",
        [("system", "As the device"), ("light", "Light"), ("dark", "Dark")],
        is_close=True,
    )
    density = OneOfField("Rows", [("roomy", "Roomy"), ("compact", "Compact")], is_close=True)
    timeZone = OneOfField("Time zone", ())
    clock = OneOfField("Clock", [("24", "21:04"), ("12", "9:04 pm")], is_close=True)


FORMS: dict[str, type[SectionForm]] = {
    form.section: form
    for form in (
        *(LimitsForm, QueueForm, BridgeForm, ViewersForm),
        *(NoticingForm, KeysForm, LookForm),
    )
}
