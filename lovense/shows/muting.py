"""A device is muted for the show that goes on: nothing is sent to it, as if it were switched off,
until she unmutes it or the show is over. Which show that is stands on its row, so that no later
show is held to it."""

from datetime import datetime

from ground.json.errors import Refusal
from lovense.devices import choices
from lovense.rows import DeviceRow
from lovense.sending import groups
from lovense.shows import onair

ENDED = "end of the show"  # who unmutes, where nobody did


class NoShow(Refusal):
    """A device is muted for a show that goes on."""

    code, status, words = "no_show", 409, "You are off air: there is no show to mute it for."


def mute(*, performer_id: str, device_id: str, by: str, now: datetime) -> DeviceRow:
    """Said again, it changes nothing. Raises NoShow, NoSuchDevice."""
    show = onair.current(performer_id, now=now)
    if show is None:
        choices.owned(performer_id, device_id)
        raise NoShow
    key = onair.show_key(performer_id, show["since"])
    return _told(performer_id, device_id, key, by, now)


def unmute(*, performer_id: str, device_id: str, by: str, now: datetime) -> DeviceRow:
    """Raises NoSuchDevice."""
    return _told(performer_id, device_id, "", by, now)


def _told(performer_id: str, device_id: str, show: str, by: str, now: datetime) -> DeviceRow:
    whose = {"performer_id": performer_id, "device_id": device_id}
    row = choices.mute(**whose, show=show, by=by, now=now)
    groups.devices_changed([performer_id])
    return row


def lift(performer_id: str, *, now: datetime, but: str = "") -> bool:
    """What was muted for any show but this one plays again; whether something was. May be said
    again for ever."""
    muted = choices.muted_of(performer_id, but=but)
    for row in muted:
        choices.mute(performer_id=performer_id, device_id=row["_id"], show="", by=ENDED, now=now)
    if muted:
        groups.devices_changed([performer_id])
    return bool(muted)
