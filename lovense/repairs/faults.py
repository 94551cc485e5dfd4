"""Faults: what the vendor's cloud says of every command to an app, heard where one was told.

Kept with the app, so that whoever looks finds it; gone as soon as a command reaches the app, or the
app is paired again."""

from datetime import datetime

from lovense.bridges.outcomes import CallOutcome
from lovense.devices import hosts
from lovense.rows import HostRow
from lovense.sending import groups

_FAULTS = frozenset({CallOutcome.PAIRING_LOST, CallOutcome.OPERATOR_FAULT})
# The cloud knew us and the app, whatever became of the command.
_WELL = frozenset(
    {
        CallOutcome.ACCEPTED,
        CallOutcome.APP_OFFLINE,
        CallOutcome.NOT_CONNECTED,
        CallOutcome.TOY_GONE,
    }
)


def is_news(host: HostRow | None, outcome: CallOutcome) -> bool:
    """Pure, since it is asked after every command."""
    if host is None:
        return False
    known = host.get("fault", "")
    return outcome != known if outcome in _FAULTS else bool(known) and outcome in _WELL


def heard(*, performer_id: str, host_id: str, outcome: CallOutcome, now: datetime) -> None:
    """Again, it changes nothing."""
    fault = outcome.value if outcome in _FAULTS else ""
    if hosts.faulted(performer_id=performer_id, host_id=host_id, fault=fault, now=now):
        groups.devices_changed([performer_id])
