"""Acceptance: payment messages enter the inbox here, by whichever door they came.

The inbox counts one delivery of each business fact. A tip has three of them: that it succeeded, was
cancelled, failed. They are about one tip only if they agree on its amount, its people and its
reference; one that does not is a conflict, like any other content under a known tip id. Two that
come at the very same time may both pass here: settlement compares again, with the tip that is
recorded."""

from collections.abc import Iterable

from ground.inbox import inbox
from ground.inbox.inbox import Acceptance, Call
from ground.json.fields import Malformed
from tips.intake import payloads
from tips.intake.payloads import TIP_TYPES, TipOrder


def accept(calls: list[Call]) -> list[Acceptance]:
    """Makes the calls durable. The answers may be sent when this returns."""
    return inbox.accept(calls, contradicting=_contradicting(calls))


def _contradicting(calls: list[Call]) -> set[int]:
    tips = [place for place, call in enumerate(calls) if call.event_type in TIP_TYPES]
    said = inbox.bodies_of({rival for place in tips for rival in _rivals(calls[place])})
    found: set[int] = set()
    for place in tips:
        call = calls[place]
        rivals = [said[rival] for rival in _rivals(call) if rival in said]
        if rivals and not inbox.is_known(call.subject) and _disagree(call.body, rivals):
            found.add(place)
        else:
            said.setdefault(call.subject, call.body)
    return found


def _rivals(call: Call) -> Iterable[str]:
    """What else may have been said of the same tip."""
    kind, _, tip_id = call.subject.partition("/")
    return (f"{other}/{tip_id}" for other in TIP_TYPES if other != kind)


def _disagree(body: bytes, rivals: Iterable[bytes]) -> bool:
    order = _order(body)
    return order is not None and any(
        rival is not None and not order.is_about(rival) for rival in map(_order, rivals)
    )


def _order(body: bytes) -> TipOrder | None:
    """None for what was accepted under rules that have changed since."""
    try:
        order = payloads.parse(body).order
    except Malformed:
        return None
    return order if isinstance(order, TipOrder) else None
