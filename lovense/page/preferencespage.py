"""What a page of her preferences shows: the fields of one section with what the platform allows
beside each, what was wrong, and what another page has changed meanwhile. Nothing is changed
here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.forms import BoundField
from django.urls import reverse

from ground import clock
from lovense.bridges import choosing, own_levels
from lovense.deciding import rest
from lovense.menus import drafts, reactions
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import Performer
from lovense.page import days
from lovense.page.devicespage import NO_SITE_NAME, PATHS
from lovense.page.preferencesform import (
    FORMS,
    FlagField,
    OneOfField,
    SectionForm,
    WholeField,
    WordsField,
    as_typed,
)
from lovense.performers import overrides, preferences, sections
from lovense.rows import Json, PerformerRow

# Their order, their words, and what is said of all of them.
SECTIONS = {
    sections.LIMITS: (
        "Limits",
        "They bind whatever plays, whoever sent it. What starts next keeps to them; what is told "
        "to your devices in slices takes them with its next slice.",
    ),
    sections.QUEUE: ("Queue", "In which order tips play, and which do nothing at all."),
    sections.BRIDGE: (
        "Bridge",
        "By which path your devices are told. Another path ends what plays on the one you leave.",
    ),
    sections.VIEWERS: (
        "What viewers see",
        "What of a viewer's own words stands on your pages, which others may see beside you or in "
        "your stream. Nothing is deleted, and your CSV file has all of it.",
    ),
    sections.NOTICING: (
        "Noticing",
        "How you are told of what is to be mended while you look elsewhere. On this page and on "
        "Live it is shown in any case.",
    ),
    sections.KEYS: (
        "Keys",
        "Esc twice within a second stops everything, always. The question mark lists the others.",
    ),
    sections.LOOK: ("Look", "Of all your pages, on every device that you log in with."),
}
# What the platform may set for her, in words, and in which section it stands.
OVERRIDES = {
    overrides.TIP: "Minimum {} tokens",
    overrides.SECONDS: "At most {} s a run",
    overrides.STRENGTH: "Strength at most {}",
    overrides.RATE: "At most {} runs a minute",
    overrides.MODE: "Tips play in order ({})",
}
OVERRIDDEN = {
    sections.LIMITS: (overrides.SECONDS, overrides.STRENGTH),
    sections.QUEUE: (overrides.TIP, overrides.RATE, overrides.MODE),
}
NOTHING = "nothing"
NO_MAIL = "Kept, but this site sends no e-mail yet: its operator has to set EMAIL_HOST."
STRONGEST = f"1 to {MAXIMUM_LEVEL}. No device gets more, whatever an item asks for."
HINTS = {
    "maximumIntensity": STRONGEST,
    "maximumContinuousSeconds": f"{sections.LEAST_CONTINUOUS_SECONDS} to {LONGEST_ITEM_SECONDS}: "
    "after so long without a pause the next tip waits. Empty: never.",
    "restSeconds": f"1 to {LONGEST_ITEM_SECONDS}. Empty: {rest.USUAL}.",
    "owedPolicy": "When a run ends early, for what ends from now on.",
    "hiddenWords": f"At most {sections.MOST_WORDS}, as whole words, in names and messages.",
    "noticeEmail": "Of what lasts longer than 2 min while you are on air: once each, and never "
    "more than 6 an hour. Empty: none.",
    "stopKey": "It works while you type, too.",
    "timeZone": "Of times and of the days of your history. Not chosen, days are counted in "
    f"{settings.TIME_ZONE}.",
    "density": "Compact: more rows fit on a screen.",
}


@dataclass(frozen=True, slots=True)
class ShownField:
    """`kind`: switch, segmented, or one of `ui_field`. `theirs`: what another page has made of it
    meanwhile, in words."""

    name: str
    label: str
    kind: str
    value: str
    hint: str
    error: str
    options: Sequence[tuple[str, str]] = ()
    unit: str = ""
    maximum: int = 0
    theirs: str = ""

    @property
    def is_on(self) -> bool:
        return self.value == "1"


class PreferencesPage:
    """`form`: what was typed and refused; None: nothing was. `late`: her row, where it is not as
    that form had seen it."""

    def __init__(
        self,
        performer: Performer,
        section: str,
        form: SectionForm | None = None,
        late: PerformerRow | None = None,
    ) -> None:
        self._performer, self.section, self._typed, self._late = performer, section, form, late
        self.title, self.words = SECTIONS[section]
        self.address = self.address_of(section)

    @staticmethod
    def address_of(section: str) -> str:
        return reverse("preferences-section", args=[section])

    @property
    def sections(self) -> list[Json]:
        return [
            {
                "href": self.address_of(name),
                "words": words,
                "on": name == self.section,
            }
            for name, (words, _) in SECTIONS.items()
        ]

    # --- the form --------------------------------------------------------------------------------
    @cached_property
    def _row(self) -> PerformerRow:
        return self._late or preferences.of(self._performer.performer_id)

    @cached_property
    def _now(self) -> Json:
        return preferences.told(self._row)

    @cached_property
    def _form(self) -> SectionForm:
        return self._typed or FORMS[self.section](row=self._row)

    @property
    def version(self) -> int:
        """Which one a press of Save has seen."""
        return int(self._now["versions"][self.section])

    @property
    def is_typed(self) -> bool:
        return self._typed is not None

    @property
    def is_late(self) -> bool:
        return self._late is not None

    @property
    def errors(self) -> list[tuple[str, str, str]]:
        """All that is wrong, for the summary: the field's id, its label, what is wrong. What
        belongs to no field has neither."""
        form = self._form
        general = [("", "", str(each)) for each in form.non_field_errors()] if form.is_bound else []
        own = [(each.name, each.label, each.error) for each in self.fields if each.error]
        return general + own

    @cached_property
    def fields(self) -> list[ShownField]:
        return [self._shown(self._form[name]) for name in sections.names_of(self.section)]

    def _shown(self, bound: BoundField) -> ShownField:
        field, name = bound.field, bound.name
        kind, options = _kind(field), self._options(name, field)
        value = as_typed(bound.value())
        return ShownField(
            name,
            str(bound.label),
            kind,
            value,
            self._hint(name, field),
            " ".join(str(each) for each in bound.errors) if self._form.is_bound else "",
            options,
            getattr(field, "unit", ""),
            getattr(field, "longest", 0),
            self._theirs(name, value, kind, dict(options)),
        )

    def _options(self, name: str, field: Any) -> list[tuple[str, str]]:
        if name == "timeZone":
            return [("", "As the device"), *((zone, zone) for zone in sections.zones())]
        if name == "bridge":
            return [(each, PATHS.get(each, (each, ""))[0]) for each in self.paths]
        return list(getattr(field, "options", ()))

    @property
    def paths(self) -> list[str]:
        """What may be chosen, and what is."""
        chosen = self._now["bridge"]
        offered = [each for each in settings.LOVENSE_BRIDGES if not self._lacks_name(each)]
        return offered if chosen in offered else [*offered, chosen]

    def _theirs(self, name: str, value: str, kind: str, options: Mapping[str, str]) -> str:
        now = as_typed(self._now[name])
        if self._late is None or now == value:
            return ""
        if kind == "switch":
            return "on" if now == "1" else "off"
        return options.get(now, now.replace("\n", ", ")) or NOTHING

    # --- what the platform allows ----------------------------------------------------------------
    @cached_property
    def _caps(self) -> preferences.PlatformCaps:
        return preferences.caps()

    def _hint(self, name: str, field: Any) -> str:
        if name == "maximumSeconds":
            most = self._caps.maximum_seconds
            return f"{SHORTEST_RUN_SECONDS} to {most}, which is the platform's. Empty: {most}."
        if name == "minimumTip":
            least = self._caps.minimum_tip
            return f"{least} or more, which is the platform's. Empty: {least}."
        if name == "bridge" and any(map(self._lacks_name, settings.LOVENSE_BRIDGES)):
            return f"The extension: {NO_SITE_NAME[0].lower()}{NO_SITE_NAME[1:]}"
        if name == "noticeEmail" and not settings.EMAIL_HOST:
            return NO_MAIL
        return str(field.help_text) or HINTS.get(name, "")

    def _lacks_name(self, bridge: str) -> bool:
        return own_levels(bridge) is not None and not self._has_site_name

    @cached_property
    def _has_site_name(self) -> bool:
        return choosing.has_site_name()

    @cached_property
    def overrides(self) -> Json | None:
        """What the platform has set for her in this section, until when, and why."""
        now = clock.now()
        said = overrides.in_force(self._row, now)
        limits = said["limits"] if said else {}
        names = [name for name in OVERRIDDEN.get(self.section, ()) if name in limits]
        if said is None or not names:
            return None
        found = [OVERRIDES[name].format(limits[name]) for name in names]
        calendar, until = days.calendar_of(self._performer, now), said["until"]
        day = days.words(days.of_moment(until, calendar.zone), calendar.today)
        return {
            "title": f"Set by the platform until {day}, {calendar.told(until)}",
            "words": f"{'; '.join(found)}. {said['why']}",
        }

    # --- what stands elsewhere -------------------------------------------------------------------
    @property
    def elsewhere(self) -> list[tuple[str, str, str, str]]:
        """What belongs here and is chosen on another page: its name, how it is, where, and the
        word of the link."""
        if self.section == sections.QUEUE:
            shows = "Each item says in which shows it answers"
            return [
                ("Default reaction", self._reaction, reverse("menu"), "Menu"),
                ("Private and group shows", shows, reverse("menu"), "Menu"),
            ]
        if self.section == sections.BRIDGE:
            words = "What each path means, and what it reaches"
            return [("Your devices", words, reverse("devices"), "Devices")]
        return []

    @property
    def _reaction(self) -> str:
        if not self._performer.menu_version:
            return "The platform's, until you publish a menu"
        draft = drafts.of(self._performer.performer_id)
        now = draft.reaction or reactions.usual()
        if not now["active"]:
            return "Off: what no item answers does nothing"
        return f"{now['pattern'].capitalize()}, strength {now['intensity']}, {now['durationSec']} s"


def _kind(field: Any) -> str:
    if isinstance(field, FlagField):
        return "switch"
    if isinstance(field, OneOfField):
        return "segmented" if field.is_close else "select"
    if isinstance(field, WordsField):
        return "area"
    return "number" if isinstance(field, WholeField) else "text"
