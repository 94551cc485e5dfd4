"""Fixtures of the tips' tests: faults of the server, threads that start at once, and the proof after each
test."""

from collections.abc import Iterator

import pytest

from ledger.books import reconcile
from tests.ground.conftest import fail_command, in_threads
from tips.log import eventlog

__all__ = ["fail_command", "in_threads"]


@pytest.fixture
def proven(db: None) -> Iterator[None]:
    """Whatever the test did: the books agree and the event log holds."""
    yield
    assert [str(finding) for finding in reconcile.findings()] == []
    eventlog.verify()
