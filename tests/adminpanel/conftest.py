"""A performer with a menu and a funded tipper, on the fixed time."""

import pytest

from tests.chain import Chain
from tests.factories import fund
from tests.ground.conftest import fail_command, time_is_up

__all__ = ["fail_command", "time_is_up"]


@pytest.fixture
def chain(ana, bob):
    made = Chain(ana)
    made.publish_menu()
    fund(bob, 100_000)
    return made
