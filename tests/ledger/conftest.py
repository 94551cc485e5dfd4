"""Fixtures of the ledger's tests: faults of the server, and threads that start at once."""

from tests.ground.conftest import fail_command, in_threads

__all__ = ["fail_command", "in_threads"]
