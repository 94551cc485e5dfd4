"""Find: which row a text names. It is known by its shape, so each kind costs a look-up by key, and
all of them at most MOST_LOOKS; what no shape fits is not searched for. Nothing is changed here."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from ground.inbox.models import WebhookDelivery
from ground.people import role_of
from ledger.books import posting
from ledger.models import Posting
from lovense.devices.changes import nickname_key
from lovense.lane.letter import DEAD
from lovense.models import Activation, Device, Performer
from tips.models import ArchivedTipActivated, Tip, TipActivated
from tips.queue import requests as queue

LONGEST, MOST_LOOKS, MOST_DEVICES = 300, 8, 5
_HEX_ID = "[0-9a-f]{24}"
_HERS = "staff-performer"


@dataclass(frozen=True, slots=True)
class Hit:
    """`route` and `key`: of the page that shows it."""

    kind: str
    title: str
    words: str
    route: str
    key: str


@dataclass(frozen=True, slots=True)
class FoundRows:
    """`tried`: the kinds whose shape the text has."""

    asked: str
    hits: list[Hit]
    tried: list[str]


def find(text: str) -> FoundRows:
    """At most one row of each kind, and a few devices."""
    asked = text.strip()
    if not asked or len(text) > LONGEST or not asked.isprintable():
        return FoundRows(asked[:LONGEST], [], [])
    fitting = [(name, look) for name, shape, look in _LOOKS if shape.fullmatch(asked)]
    hits = [hit for _, look in fitting for hit in look(asked)]
    return FoundRows(asked, list(dict.fromkeys(hits)), [name for name, _ in fitting])


def _tip(asked: str) -> Iterator[Hit]:
    tip_id = asked.lower()
    if tip := Tip.objects.only("total", "settlement_status").filter(pk=tip_id).first():
        yield _of_tip(tip)


def _of_tip(tip: Tip) -> Hit:
    return Hit("Tip", f"{tip.total} tokens", tip.settlement_status, "staff-tip", tip.pk)


def _performer(asked: str) -> Iterator[Hit]:
    if hers := Performer.objects.only("display_name").filter(pk=asked.lower()).first():
        yield _of_performer(hers)


def _of_performer(hers: Performer) -> Hit:
    return Hit("Performer", hers.display_name, hers.pk, _HERS, hers.pk)


def _event(asked: str) -> Iterator[Hit]:
    for model in (TipActivated, ArchivedTipActivated):
        rows = model._default_manager.filter(event_id=asked.lower())
        for key in rows.values_list("pk", flat=True)[:1]:
            yield Hit("Event", f"of tip {key}", "TipActivated", "staff-tip", str(key))
            return


def _request(asked: str) -> Iterator[Hit]:
    row = queue.find(asked.lower(), "status", "type", "payload.tipId")
    if row is None:
        return
    tip_id = (row.get("payload") or {}).get("tipId")
    if row["status"] == DEAD:
        yield Hit("Dead letter", row["type"], "given up", "staff-dead-letter", row["_id"])
    elif tip_id:
        yield Hit("Request", f"of tip {tip_id}", row["status"], "staff-tip", str(tip_id))
    else:
        record = "admin:tips_queuerequest_change"
        yield Hit("Request", row["type"], row["status"], record, row["_id"])


def _activation(asked: str) -> Iterator[Hit]:
    run = Activation.objects.only("tip_id", "status").filter(pk=asked).first()
    if run is None:
        return
    if run.tip_id:
        yield Hit("Run", f"of tip {run.tip_id}", run.status, "staff-tip", run.tip_id)
    else:
        yield Hit("Run", run.pk, run.status, "admin:lovense_activation_change", run.pk)


def _delivery(asked: str) -> Iterator[Hit]:
    row = WebhookDelivery.objects.only("subject", "repeats", "status").filter(pk=asked).first()
    if row is None:
        return
    about = (row.subject or row.repeats or "").rpartition("/")[2]
    if re.fullmatch(_HEX_ID, about):
        yield Hit("Delivery", f"about tip {about}", row.status, "staff-tip", about)
    else:
        yield Hit("Delivery", row.pk, row.status, "staff-delivery", row.pk)


def _reference(asked: str) -> Iterator[Hit]:
    """Of our own books, or of a ledger that is only looked at: its references are its own."""
    kept = Posting.objects.only("subject").filter(pk=posting.key_of(asked)).first()
    if kept is not None and kept.subject.startswith("tip/"):
        yield from _tip(kept.subject.removeprefix("tip/"))
        return
    looked_at = Tip.objects.only("total", "settlement_status").filter(looks__gte=0)
    if tip := looked_at.filter(source_ref=asked).first():
        yield _of_tip(tip)


def _account(asked: str) -> Iterator[Hit]:
    user = User.objects.filter(username=asked).first()
    if user is None:
        return
    hers = Performer.objects.only("display_name").filter(user_id=user.pk).first()
    if hers is not None:
        yield _of_performer(hers)
    elif (role := role_of(user)) is not None:
        yield Hit("Staff", user.username, role.value, "admin:auth_user_change", str(user.pk))


def _devices(asked: str) -> Iterator[Hit]:
    wanted = Device.objects.filter(nickname_key=nickname_key(asked), nickname_key__gt="")
    for row in wanted.only("nickname", "performer_id", "toy_type")[:MOST_DEVICES]:
        whose = f"{row.toy_type} of performer {row.performer_id}"
        yield Hit("Device", row.nickname, whose, _HERS, row.performer_id)


_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NEITHER = f"(?!({_HEX_ID}|{_UUID})$)"
_LOOKS: tuple[tuple[str, re.Pattern[str], Callable[[str], Iterator[Hit]]], ...] = tuple(
    (name, re.compile(shape, re.IGNORECASE), look)
    for name, shape, look in (
        ("tip id", _HEX_ID, _tip),
        ("performer id", _HEX_ID, _performer),
        ("event id", _UUID, _event),
        ("request id", _UUID, _request),
        ("id of a run", r"[\w-]{1,80}\.all", _activation),
        ("delivery key", r"\w{1,20}/\S{1,280}", _delivery),
        ("reference of a ledger", rf"{_NEITHER}\S{{6,160}}", _reference),
        ("name of a performer or of staff", rf"{_NEITHER}[\w.@+-]{{1,150}}", _account),
        ("nickname of a device", rf"{_NEITHER}.{{1,64}}", _devices),
    )
)
