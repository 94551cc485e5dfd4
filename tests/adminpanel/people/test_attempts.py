"""Log-ins that failed: one row for an account, an address and a cause in a day, and never too many."""

from datetime import timedelta

import pytest

from adminpanel.models import FailedLogIn
from adminpanel.people import attempts
from adminpanel.people.attempts import Cause
from ground.mongodb.collections import collection
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import FUTURE as NOW

pytestmark = pytest.mark.django_db
HERE, THERE = "203.0.113.5", "203.0.113.6"


def failed(name="ana", cause=Cause.PASSWORD, *, address=HERE, now=NOW, **more):
    attempts.failed(name, cause, address=address, now=now, **more)


def shown():
    return [(each.account, each.cause, each.times) for each in attempts.newest()]


def test_the_same_again_is_counted_in_its_row(ana):
    for minute in range(3):
        failed(now=NOW + timedelta(minutes=minute))
    [row] = attempts.newest()
    assert (row.times, row.first_at, row.last_at) == (3, NOW, NOW + timedelta(minutes=2))


def test_many_at_once_are_all_counted(ana):
    together(8, lambda _: failed())
    assert shown() == [("ana", "password", 8)]


def test_another_address_cause_or_day_is_another_row(ana, carol):
    failed()
    failed(address=THERE)
    failed(cause=Cause.TOO_MANY)
    failed(now=NOW + timedelta(days=1))
    failed("carol")
    assert len(shown()) == 5
    assert len({each.origin for each in attempts.newest()}) == 2


def test_a_name_that_is_no_account_is_not_kept(ana):
    for typed in ("my password, typed into the wrong field", "\x00", "x" * 500, ""):
        failed(typed)
    assert shown() == [("", "password", 4)]


def test_no_address_is_kept(ana):
    failed()
    assert HERE not in str(list(collection(FailedLogIn).find()))


def test_the_oldest_goes_where_there_are_too_many(ana, monkeypatch):
    monkeypatch.setattr(attempts, "MOST_KEPT", 3)
    for number in range(5):
        failed(address=f"203.0.113.{number}", now=NOW + timedelta(minutes=number))
    assert [each.first_at.minute for each in attempts.newest()] == [19, 18, 17]


def test_a_row_goes_after_a_month(ana):
    failed()
    assert collection(FailedLogIn).find_one({})["expires_at"] == NOW + timedelta(days=30)
