"""Unpairing an app: what plays ends first, since nothing of ours reaches its toys afterwards."""

from datetime import datetime

from lovense.devices import hosts
from lovense.rows import HostRow
from lovense.stopping import halts


def unpair(*, performer_id: str, host_id: str, by: str, now: datetime) -> HostRow:
    """Again, it changes nothing. Raises NoSuchHost."""
    if any(host["_id"] == host_id for host in hosts.of(performer_id)):
        halts.tell([performer_id])
    return hosts.unpair(performer_id=performer_id, host_id=host_id, by=by, now=now)
