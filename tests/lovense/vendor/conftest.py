"""One simulator for each test, started fresh; no database is touched."""

from collections.abc import Iterator

import pytest

from tests.vendor import Door, Vendor
from tests.vendor import vendor as started


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """A phone with lush, nora and max, which nobody has paired."""
    with started() as made:
        yield made


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as opened:
        yield opened
