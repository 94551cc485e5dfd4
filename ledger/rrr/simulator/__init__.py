"""RedRoomRewards on loopback: what docs/rrr.md says of it, with faults to order. For development,
the demo and tests."""

from ledger.rrr.simulator.simulator import Simulator

__all__ = ["Simulator"]
