"""What she is told on the live page without being asked: what is missing, and what went wrong a
moment ago. What holds her queue the stage says, and her stop and pause the bottom edge."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from lovense.bridges import extensionreport
from lovense.deciding import drift
from lovense.deciding.activation import STOPPED
from lovense.devices import summary
from lovense.menus.vibration import MAXIMUM_LEVEL
from lovense.models import ActivationStatus
from lovense.page import outcome
from lovense.page.livepage import LivePage
from lovense.rows import PerformerRow

TROUBLE_SHOWN_FOR = timedelta(minutes=10)
TROUBLE = {ActivationStatus.FAILED, ActivationStatus.TIMEOUT, ActivationStatus.DEAD}


@dataclass(frozen=True, slots=True)
class Notice:
    """`since` and `until` are times that the page says in the reader's own clock."""

    tone: str
    title: str
    text: str
    since: datetime | None = None
    until: datetime | None = None


def of(live: LivePage) -> list[Notice]:
    """In the order in which they are shown."""
    kinds = (_set_up, _held, _queue, _devices, _trouble)
    return [notice for kind in kinds for notice in kind(live)]


def _hers(live: LivePage) -> PerformerRow:
    return live.rules.performers[live.performer_id]


def _set_up(live: LivePage) -> Iterator[Notice]:
    if not live.rules.platform["enable_lovense"]:
        text = (
            "The platform has switched activations off. Tips are still recorded, and "
            "have no effect."
        )
        yield Notice("warn", "Devices are switched off", text)
    if live.has_own_levels:
        yield from _extension(live)
    elif not _hers(live)["menu_version"]:
        yield _without_menu(live)


def _extension(live: LivePage) -> Iterator[Notice]:
    if not live.rules.platform["cam_site_name"]:
        text = "Its operator has taken it away, so no tip reaches your extension."
        yield Notice("bad", "This site has no name at Lovense", text)
    told = _hers(live).get("extension")
    if live.is_held and told and told["state"] == extensionreport.SILENT:
        text = "No tip reaches it; they wait. What to check stands beside its switch."
        yield Notice("bad", "The extension does not answer", text)
    if said := drift.words(drift.of(live.performer_id, live.rules)):
        text = f"They differ for {said}: compare them on the page of your devices."
        yield Notice("info", "Your extension decides, not your menu", text)


def _without_menu(live: LivePage) -> Notice:
    if live.rules.platform["require_tip_menu"]:
        text = "Settled tips do nothing until a tip menu is published."
        return Notice("warn", "No published menu", text)
    text = (
        "Until a tip menu is published, every settled tip gets the platform's default "
        f"reaction: intensity {live.rules.platform['default_intensity']} of {MAXIMUM_LEVEL} "
        f"for {live.rules.platform['default_seconds']} s, within your limits."
    )
    return Notice("info", "No published menu", text)


def _held(live: LivePage) -> Iterator[Notice]:
    if live.rules.platform["is_draining"]:
        text = (
            "The platform is about to be updated, so nothing new starts. What waits is "
            "kept, and plays afterwards."
        )
        yield Notice("warn", "Starting again soon", text)


def _queue(live: LivePage) -> Iterator[Notice]:
    if not live.waiting or (live.is_held and not live.is_away):
        return
    what = "device" if live.is_held else "page"
    wait = "tip waits" if live.waiting == 1 else "tips wait"
    limit = f"A tip expires after {settings.TIP_FRESH_SECONDS // 60} min without a {what}."
    text = _takes(live) if what == "page" else "Switch a device on, or allow one to play."
    if what == "device" and live.has_own_levels:
        text = "Your extension is not ready, or names no toy that is connected."
    yield Notice("warn", f"{live.waiting_words} {wait} for a {what}", f"{text} {limit}")


def _takes(live: LivePage) -> str:
    """How her devices are taken, on her path."""
    if live.is_told_by_server:
        return "Go on air: this server tells your toys then, and no page has to be open."
    if live.has_virtual_device:
        return "Open the page that has your devices, or switch the virtual device on."
    return "Open the page that has your devices."


def _devices(live: LivePage) -> Iterator[Notice]:
    is_shown = live.is_held and not live.has_own_levels  # whose toys are not these
    back = list[str]()
    for device in live.devices if is_shown else []:
        if not device.is_enabled:
            continue
        if device.is_away:
            yield Notice(
                "bad",
                f"{device.nickname}: {device.words.lower()}",
                "Check that it is switched on and near.",
            )
        elif device.is_low:
            tone = "bad" if device.is_empty else "warn"
            yield Notice(tone, f"{device.nickname}: battery low", f"{device.battery} % left.")
        elif device.is_back:
            back.append(device.nickname)
    if back:
        yield Notice("good", summary.together(back, "back"), "")


def _trouble(live: LivePage) -> Iterator[Notice]:
    since = live.now - TROUBLE_SHOWN_FOR
    found = [
        row
        for row in live.latest
        if row.status in TROUBLE
        and row.reason != STOPPED  # as she wished
        and row.finished_at
        and row.finished_at >= since
    ]
    if found:
        told = outcome.of(found[0])
        others = f" {len(found) - 1} more in the last minutes." if len(found) > 1 else ""
        what = f"A tip of {found[0].amount} tokens" if found[0].tip_id else "A test"
        yield Notice("bad", f"{what}: {told.word.lower()}", told.text + others)
