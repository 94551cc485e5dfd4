"""Before she goes on air: each check of the preflight with the one button that helps, as the
template of the live page reads it. What only the page itself knows (its connection, what its
browser allows, whether the screen stays on) it adds."""

from collections.abc import Mapping
from typing import Literal, TypedDict

from django.urls import reverse

from lovense.page.livepage import LivePage
from lovense.repairs import preflight
from lovense.repairs.preflight import Check

CheckState = Literal["pass", "warn", "fault"]
_STATES: Mapping[str, CheckState] = {"ok": "pass", "warn": "warn", "bad": "fault"}
_TONES = {"ok": "good", "warn": "warn", "bad": "bad"}
# Where it is mended: its label, the name of the address, and whether it is pressed there.
_HELPS: Mapping[str, tuple[str, str, bool]] = {
    "bridge": ("Choose a path", "devices", False),
    "holder": ("Go on air", "live-show-begin", True),
    "devices": ("Open Devices", "devices", False),
    "battery": ("Open Devices", "devices", False),
    "tested": ("Test one", "devices", False),
    "caps": ("Change limits", "devices", False),
    "menu": ("Open Menu", "menu", False),
    "stop": ("Resume", "live-resume-all", True),
}


class LiveAction(TypedDict):
    """`is_press`: the address is posted to; else it is a page."""

    label: str
    url: str
    is_press: bool


class LiveCheck(TypedDict):
    """`words`: one sentence. `tone`: how `state` is shown. `action` is None where all is well, or
    nothing here helps."""

    name: str
    state: CheckState
    tone: str
    words: str
    action: LiveAction | None


def of(live: LivePage) -> list[LiveCheck]:
    """In the order in which they are mended."""
    return [
        {
            "name": check.name,
            "state": _STATES[check.state],
            "tone": _TONES[check.state],
            "words": check.words,
            "action": _action(live, check),
        }
        for check in preflight.checks(live.performer_id, now=live.now)
    ]


def _action(live: LivePage, check: Check) -> LiveAction | None:
    help_ = _HELPS.get(check.name)
    if check.name == "queue" and live.pause is not None:
        help_ = ("Resume", "live-resume", True)
    if check.state == "ok" or help_ is None:
        return None
    label, name, is_press = help_
    return {"label": label, "url": reverse(name), "is_press": is_press}
