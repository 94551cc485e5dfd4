"""The vendor on loopback: cloud, phone and pairing of docs/simulator.md, with faults to order and a
journal. For development, the demo and tests; nothing here reaches another machine."""

from lovense.vendor_simulator.simulator import VendorSimulator

__all__ = ["VendorSimulator"]
