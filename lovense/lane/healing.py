"""Healing: what a process that died, a page that went or a control that was cut short left undone.

Whoever starts lanes heals them: the pen while there is one, else the worker."""

from datetime import datetime

from lovense.deciding import batch
from lovense.lane import controls
from lovense.sending import leases


class Healer:
    """One of a process: after an outage it gives pages the time to return."""

    def __init__(self) -> None:
        self._run = leases.Healing()

    def heal(self, *, now: datetime, limit: int) -> int:
        """How many rows it has changed; each of its parts may be done again for ever."""
        healed = (
            leases.expire(now=now, limit=limit)
            + batch.heal(now=now, limit=limit)
            + controls.heal(now=now, limit=limit)
        )
        if self._run.has_lasted(now):
            healed += leases.expire_offline(now=now, limit=limit)
        return healed
