"""The ground of every test: a real MongoDB emptied after each test, a real Redis, the fixed cast and the
fixed `now`.

MongoDB has no roll-back around a test, and Django's flush costs 90 ms. So after each test only the
collections that it wrote are emptied (2 ms), and those that the migrations filled get their first content
back."""

import gc
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import override_settings
from pymongo.database import Database
from xdist.scheduler import LoadFileScheduling

from adminpanel.staff import enrol
from config.stack.services import LOOPBACK
from ground.mongodb.collections import client
from ground.people import Role
from lovense.menus import reading
from lovense.sending import groups
from tests import factories, services
from tests.commands import WRITES
from tests.flows.nursery import opened
from tests.pipeline import Broken, Pipeline

_pipeline = Pipeline()
BROWSER = "tests/browser/"
LONG = (BROWSER, "tests/flows/test_kill.py")


_failed: list[str] = []


class _ByFile(LoadFileScheduling):
    """One process of the tests runs a whole file, and one all those with a browser, which share it: two cores
    have one load of theirs at a time. What else takes minutes begins beside them."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


# What a machine does in a second says nothing of what is tested.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


def pytest_configure() -> None:
    """Static files are looked for when one is asked for, as in development: to list all of them costs a
    client of Django's more than what it is made for."""
    settings.WHITENOISE_AUTOREFRESH = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """For `tools/again.py`: what failed; nothing where the run did not come to its end, for then nobody
    knows what else would have."""
    if not hasattr(session.config, "workerinput") and hasattr(session.config, "cache"):
        has_ended = exitstatus == pytest.ExitCode.TESTS_FAILED
        failed = _failed if has_ended else []
        session.config.cache.set("tests/failed", list(dict.fromkeys(failed)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _failed.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first. By pytest-django's order it comes last, where one process works and
    the others are done."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: the collector need not look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _first_content(django_db_setup: None, django_db_blocker: Any) -> dict[str, list[dict[str, Any]]]:
    """What the migrations wrote, by collection."""
    with django_db_blocker.unblock():
        connection.ensure_connection()
        database = client()[connection.settings_dict["NAME"]]
        content = {
            name: list(database[name].find())
            for name in database.list_collection_names()
            if not name.startswith("system.")
        }
    WRITES.take(database.name)
    return {name: rows for name, rows in content.items() if rows}


@pytest.fixture
def _django_db_helper(
    request: pytest.FixtureRequest, _first_content: dict[str, list[dict[str, Any]]], django_db_blocker: Any
) -> Iterator[None]:
    """Replaces the heart of pytest-django's `db`, `transactional_db` and `django_db` mark, which flush
    everything."""
    with django_db_blocker.unblock():
        yield
        clean(_first_content)
        # Menus are immutable and cached by `<performer>.<version>`: true in production, not from one test to
        # the next.
        reading._kept.clear()
        # What this test changed is told a moment later, and the next test listens.
        groups.news.soon._asked.clear()


def clean(first_content: dict[str, list[dict[str, Any]]]) -> int:
    """Empty what was written; how many collections that was."""
    database = client()[connection.settings_dict["NAME"]]
    written = [name for name in WRITES.take(database.name) if not name.startswith("system.")]
    if written:
        assert services.running is not None
        where = (LOOPBACK, services.running.mongod.port)
        try:
            _pipeline.run(where, database.name, _emptying(written, first_content))
        except Broken:  # as where a test has killed mongod: the driver knows how to wait
            _empty_one_by_one(database, written, first_content)
        WRITES.take(database.name)
    return len(written)


def _emptying(written: list[str], first_content: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The last waits for the majority, and so for all."""
    commands: list[dict[str, Any]] = []
    for name in written:
        commands.append({"delete": name, "deletes": [{"q": {}, "limit": 0}], "writeConcern": {"w": 1}})
        if name in first_content:
            commands.append({"insert": name, "documents": first_content[name], "writeConcern": {"w": 1}})
    commands[-1]["writeConcern"] = {"w": "majority"}
    return commands


def _empty_one_by_one(
    database: Database[Any], written: list[str], first_content: dict[str, list[dict[str, Any]]]
) -> None:
    for name in written:
        database[name].delete_many({})
        if name in first_content:
            database[name].insert_many(first_content[name])


@pytest.fixture
def written_elsewhere(db: None) -> None:
    """For tests whose writes come from other processes: the listener cannot see those, so everything counts
    as written."""
    database = client()[connection.settings_dict["NAME"]]
    WRITES.seen |= {
        (database.name, name) for name in database.list_collection_names() if name != "django_migrations"
    }


@pytest.fixture(scope="session")
def redis_client() -> Generator["redis.Redis[bytes]"]:
    with redis.Redis.from_url(settings.REDIS_URL) as connected:
        yield connected


@pytest.fixture(autouse=True)
def _empty_redis(redis_client: "redis.Redis[bytes]") -> Iterator[None]:
    """0.1 ms: cheaper than finding out whether the test used it."""
    yield
    redis_client.flushall()


@pytest.fixture(autouse=True, scope="session")
def _fast_passwords() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def nursery(django_db_setup: None) -> Iterator[Any]:
    """`nursery(hop, last=n, **given)`: a process of ours that dies after its n-th write."""
    with opened(connection.settings_dict["NAME"]) as birth:
        yield birth


@pytest.fixture
def mongod() -> Any:
    """The tests' own mongod: `.url`, `.pid`, `.restart()`. Whoever kills it waits for what this test wrote
    to be played again, not for what all before it did."""
    assert services.running is not None
    client().admin.command("fsync")
    return services.running.mongod


# --- the fixed cast ----------------------------------------------------------------------------------------
@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 3, 4, 15, tzinfo=UTC)


@pytest.fixture
def ana(db: None) -> Any:
    """The performer."""
    return factories.PerformerFactory.create(performer_id="507f191e810c19729de860eb", user__username="ana")


@pytest.fixture
def bob() -> factories.Viewer:
    """The tipper. Viewers are the platform's people: here they are an id, a name and a wallet."""
    return factories.Viewer(user_id="507f191e810c19729de860ea", username="bob")


@pytest.fixture
def carol(db: None) -> Any:
    """The stranger: a performer too, who must never see or reach what is ana's."""
    return factories.PerformerFactory.create(performer_id="507f191e810c19729de860ec", user__username="carol")


@pytest.fixture
def dina(db: None) -> Any:
    """Staff: support, who looks and makes things calmer."""
    factories.UserFactory.create(username="dina", is_staff=True)
    return enrol(username="dina", role=Role.SUPPORT, password="").user
