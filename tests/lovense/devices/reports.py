"""Reports as the tests of the register send them."""

from lovense.devices import readings, register
from lovense.devices.changes import ToyReport


def toy(toy_id="toy-1", *, name="lush", status=1, **more):
    return {"id": toy_id, "name": name, "status": status} | more


def from_host(performer, host_id, *toys, now):
    """A full report of one app; the performers to whom it is news."""
    return register.record([ToyReport(performer.pk, host_id, readings.toys_of(list(toys)).kept)], now=now)


def from_page(performer, *toys, now):
    """A full report of her page; whether it is news."""
    return register.report(performer.pk, list(toys), now=now)
