"""Bridges: the paths to a performer's devices, by the name that she chooses.

One more is a module here and a name in `LOVENSE_BRIDGES`; docs/bridges.md builds one."""

from django.conf import settings

from lovense.bridges.bridge import Bridge, DeviceLeg, OwnLevels, RunsIn
from lovense.bridges.extension import ExtensionBridge
from lovense.bridges.outcomes import CallAnswer, CallOutcome
from lovense.bridges.slices import SliceWindow
from lovense.bridges.standard import StandardBridge
from lovense.devices.summary import EXTENSION, SIMULATOR

__all__ = [
    "EXTENSION",
    "SIMULATOR",
    "Bridge",
    "CallAnswer",
    "CallOutcome",
    "DeviceLeg",
    "OwnLevels",
    "RunsIn",
    "SliceWindow",
    "find",
    "register",
]

STANDARD_SERVER, STANDARD_LAN = "STANDARD_SERVER", "STANDARD_LAN"

_known: dict[str, Bridge] = {}


def register(bridge: Bridge) -> Bridge:
    """Once for each name."""
    if bridge.name in _known:
        raise ValueError(f"There is a bridge of the name {bridge.name} already.")
    _known[bridge.name] = bridge
    return bridge


def find(name: str) -> Bridge | None:
    """None: nobody here knows it, or this site does not allow it."""
    return _known.get(name) if name in settings.LOVENSE_BRIDGES else None


def known(name: str) -> Bridge:
    """Also one that this site does not allow: what was paired for it must still be stopped."""
    return _known[name]


def own_levels(name: str) -> OwnLevels | None:
    """Of a path that is handed a tip, whole, and decides itself what it does; None: what is to be
    done is decided here."""
    bridge = find(name)
    return bridge.own_levels if bridge else None


def names() -> frozenset[str]:
    return frozenset(_known)


def running_in(place: RunsIn) -> frozenset[str]:
    """The names of those that this site allows and whose calls are made there."""
    return frozenset(
        name
        for name, bridge in _known.items()
        if bridge.runs_in is place and name in settings.LOVENSE_BRIDGES
    )


def told_in_slices_by_pages() -> frozenset[str]:
    """The names of those whose toys a page tells over her own network, so it must know where they
    are."""
    return frozenset(name for name in running_in(RunsIn.PAGE) if _known[name].lease_seconds)


register(StandardBridge(SIMULATOR, RunsIn.PAGE))
# One command a second is told to the cloud for a performer, so nothing there is finer than that.
register(
    StandardBridge(
        STANDARD_SERVER,
        RunsIn.SERVER,
        lease="SERVER_LEASE_SECONDS",
        start_lag_ms=400,
        step_ms=1000,
        hold_seconds=2,
    )
)
register(StandardBridge(STANDARD_LAN, RunsIn.PAGE, lease="LAN_LEASE_SECONDS", hold_seconds=1))
register(ExtensionBridge(EXTENSION))
