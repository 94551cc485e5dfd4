"""What a platform may say about a tip: the parsed order, what makes two deliveries of it equal, and
its call on the inbox.

A tip comes by the signed webhook or over REST. Both are the same message under the same business
key, so a tip sent by both doors is one tip."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ground.inbox.inbox import Call
from ground.json.fields import Fields, Malformed, read
from tips.intake import purchases
from tips.intake.purchases import Purchase
from tips.rows import Payload

PAYMENTS, REST = "payments", "rest"
SOURCES = (PAYMENTS, REST)
"""The doors whose deliveries are payment messages; settlement takes both in one order."""
ROLES = ("user", "performer")
LONGEST_NAME, LONGEST_MESSAGE = 64, 500
STREAMS = ("public", "group", "private")


@dataclass(frozen=True, slots=True)
class TipOrder:
    """A tip as the platform describes it (`data` of the payment webhook). Amounts
    are whole tokens."""

    tip_id: str
    source_ref: str
    total: int
    commission: (
        int | None
    )  # in percent, as it was sent; without one the setting holds when the tip is recorded
    studio_commission: int
    tipper_id: str
    tipper_username: str
    tipper_role: str
    is_anonymous: bool
    performer_id: str
    performer_username: str
    studio_id: str | None
    conversation_id: str | None
    conversation_type: str | None
    stream_type: str | None
    message: str | None
    happened_at: datetime

    @property
    def content(self) -> tuple[object, ...]:
        """The business content: another amount, party or reference under the same tip id is a
        conflict. Of what was sent, so that no change of a setting makes a repeat another
        content."""
        return (
            self.tip_id,
            self.source_ref,
            self.total,
            self.commission,
            self.studio_commission,
            self.tipper_id,
            self.performer_id,
        )

    def is_about(self, other: "TipOrder") -> bool:
        """Whether both can be said of one tip."""
        return self.agrees(other.total, other.tipper_id, other.performer_id, other.source_ref)

    def agrees(self, total: int, tipper_id: str, performer_id: str, source_ref: str) -> bool:
        """With what is known under this tip id, from another message: in amount, people and, where
        both name one, reference. What the other leaves out says nothing."""
        default = f"TIP_{self.tip_id}"
        is_other_ref = self.source_ref != source_ref and default not in (
            self.source_ref,
            source_ref,
        )
        people = (self.tipper_id, self.performer_id)
        return (self.total, people) == (total, (tipper_id, performer_id)) and not is_other_ref


def parse_tip(data: Fields) -> TipOrder:
    """Raises Malformed naming the field and the rule."""
    tipper, recipient, context = (
        data.object("tipper"),
        data.object("recipient"),
        data.object_or_empty("context"),
    )
    tip_id = data.hex_id("tipId")
    return TipOrder(
        tip_id=tip_id,
        source_ref=data.underived_reference("sourceRef", f"TIP_{tip_id}"),
        total=data.amount("totalPrice"),
        commission=data.integer("commission", minimum=0, maximum=100)
        if data.has("commission")
        else None,
        studio_commission=data.integer("studioCommission", minimum=0, maximum=100, default=0),
        tipper_id=tipper.hex_id("userId"),
        tipper_username=tipper.shown("username", maximum=LONGEST_NAME),
        tipper_role=tipper.choice("role", ROLES, "user"),
        is_anonymous=data.flag("isAnonymous"),
        performer_id=recipient.hex_id("performerId"),
        performer_username=recipient.shown("username", maximum=LONGEST_NAME),
        studio_id=recipient.optional_hex_id("studioId"),
        conversation_id=data.optional_hex_id("conversationId"),
        conversation_type=context.shown("conversationType", maximum=40) or None,
        stream_type=context.choice("streamType", STREAMS, "")
        if context.has("streamType")
        else None,
        message=context.shown("customMessage", maximum=LONGEST_MESSAGE, keeps_lines=True) or None,
        happened_at=data.moment("createdAt"),
    )


Order = TipOrder | Purchase
TIP_TYPES = ("tip.succeeded", "tip.cancelled", "tip.failed")
_PARSERS: dict[str, Callable[[Fields], Order]] = {
    **dict.fromkeys(TIP_TYPES, parse_tip),
    "tokens.purchased": purchases.parse,
}


@dataclass(frozen=True, slots=True)
class Message:
    """A payment webhook body. `order` is None for an event type that we store and do not act on."""

    event_type: str
    order: Order | None

    @property
    def business_key(self) -> str:
        """The tip's or the purchase's id; empty for a type that we do not act on."""
        if isinstance(self.order, TipOrder):
            return self.order.tip_id
        return self.order.purchase_id if self.order else ""

    @property
    def fingerprint(self) -> str:
        content = self.order.content if self.order else ()
        return hashlib.sha256(repr((self.event_type, content)).encode()).hexdigest()

    @property
    def answer(self) -> Payload:
        """The body of the answer: the same the first time and on every repeat."""
        if isinstance(self.order, TipOrder):
            return {"received": True, "tipId": self.order.tip_id}
        return (
            {"received": True, "purchaseId": self.order.purchase_id}
            if self.order
            else {"received": True}
        )


def parse(body: bytes) -> Message:
    """Raises Malformed naming the field and the rule."""
    fields = read(body)
    event_type = fields.text("type", maximum=40)
    parser = _PARSERS.get(event_type)
    if parser is None:
        return Message(event_type, None)
    fields.moment("timestamp")
    return Message(event_type, parser(fields.object("data")))


def tip_id_in(body: bytes) -> str:
    """The tip that a malformed message is about, as far as that can be read; else nothing."""
    try:
        return read(body).object("data").hex_id("tipId")
    except Malformed:
        return ""


def as_call(
    source: str,
    delivery_id: str,
    body: bytes,
    message: Message,
    *,
    position: int,
    received_at: datetime,
) -> Call:
    """The message as the inbox keeps it. `position` is our clock in nanoseconds at acceptance."""
    return Call(
        source=source,
        delivery_id=delivery_id,
        event_type=message.event_type,
        subject=f"{message.event_type}/{message.business_key or delivery_id}",
        fingerprint=message.fingerprint,
        body=body,
        position=position,
        received_at=received_at,
        is_ignored=message.order is None,
        keys=_keys(f"{source}/{delivery_id}", message),
    )


def _keys(delivery: str, message: Message) -> tuple[str, ...]:
    """A tip's default reference stands for its id, so whoever names another tip's takes that id."""
    order = message.order
    if not isinstance(order, TipOrder):
        return (delivery,)
    named = order.source_ref.removeprefix("TIP_")
    return (delivery, order.tip_id) if named == order.tip_id else (delivery, order.tip_id, named)
