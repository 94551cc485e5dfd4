"""Failing commands and threads, as in `tests/ground`."""

from tests.ground.conftest import fail_command, in_threads

__all__ = ["fail_command", "in_threads"]
