"""How long a session of staff lasts."""

from datetime import timedelta

import pytest

from adminpanel.people import sessions
from adminpanel.people.sessions import Over
from tests.factories import NOW

HALF, TWELVE = timedelta(minutes=30), timedelta(hours=12)
SECOND = timedelta(seconds=1)


def over(passed, *, seen=None, is_admin=True, is_required=True, is_proved=True):
    mark = sessions.begun(is_proved=is_proved, now=NOW)
    if seen is not None:
        mark["seen"] = int((NOW + seen).timestamp())
    return sessions.over(mark, is_admin=is_admin, is_required=is_required, now=NOW + passed)


def test_an_admins_ends_after_half_an_hour_without_use():
    assert over(HALF - SECOND) is None
    assert over(HALF) is Over.IDLE
    assert over(HALF + HALF - SECOND, seen=HALF) is None


def test_others_of_staff_may_be_idle():
    assert over(TWELVE - SECOND, is_admin=False) is None


@pytest.mark.parametrize("is_admin", [True, False])
def test_it_ends_after_twelve_hours_of_whatever_use(is_admin):
    assert over(TWELVE - SECOND, seen=TWELVE - SECOND, is_admin=is_admin) is None
    assert over(TWELVE, seen=TWELVE - SECOND, is_admin=is_admin) is Over.LONG


def test_an_admins_proves_a_second_factor_where_that_is_required():
    assert over(SECOND, is_proved=False) is Over.UNPROVED
    assert over(SECOND, is_proved=False, is_required=False) is None
    assert over(SECOND, is_proved=False, is_admin=False) is None


def test_what_no_log_in_of_ours_has_marked_is_over_where_that_is_required():
    for is_admin in (True, False):
        assert sessions.over(None, is_admin=is_admin, is_required=True, now=NOW) is Over.UNPROVED
        assert sessions.over(None, is_admin=is_admin, is_required=False, now=NOW) is None


def test_its_use_is_written_once_a_minute():
    mark = sessions.begun(is_proved=True, now=NOW)
    assert sessions.used(mark, now=NOW + 59 * SECOND) is None
    moved = sessions.used(mark, now=NOW + 60 * SECOND)
    assert moved == {**mark, "seen": mark["seen"] + 60}
