"""Two admins, one of support, and deeds by their hands at the fixed time."""

from datetime import UTC, datetime

import pytest

from adminpanel.people import members
from adminpanel.people.deeds import Deed
from adminpanel.staff import enrol
from ground.people import Role
from tests.factories import NOW, PASSWORD

# Rows that expire are deleted by MongoDB when its own clock says so.
FUTURE = datetime(2100, 1, 3, 4, 15, tzinfo=UTC)


def deed(user, why="because they asked", now=NOW):
    return Deed(str(user.pk), user.get_username(), why, now)


def version(user):
    return members.find(str(user.pk)).version


@pytest.fixture
def ada(db):
    return enrol(username="ada", role=Role.ADMIN, password=PASSWORD).user


@pytest.fixture
def amy(db):
    return enrol(username="amy", role=Role.ADMIN, password=PASSWORD).user


@pytest.fixture
def sam(db):
    return enrol(username="sam", role=Role.SUPPORT, password=PASSWORD).user
