"""The databases of the tests: mongod and redis-server of their own, started before Django reads its settings.

An early plugin (`-p tests.services` in pyproject.toml): by the time conftest.py is imported the settings have
been read. What the environment says about MongoDB and Redis is overwritten: the tests empty what they write.
"""

import os
from collections.abc import Generator

import pytest
from pymongo import monitoring

from config.stack.services import Services
from tests import memory
from tests.commands import RECORDER, WRITES

running: Services | None = None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper runs before pytest-django, which reads the settings in the same hook."""
    global running
    if _only_hands_out(early_config):
        return (yield)
    monitoring.register(WRITES)
    monitoring.register(RECORDER)
    running = Services(memory.directory(), enable_test_commands=True, cache_gb=0.25)
    os.environ["MONGODB_URI"], os.environ["REDIS_URL"] = running.mongodb_uri, running.redis_url
    running.mongod.launch()
    running.redis.launch()
    return (yield)


def _only_hands_out(config: pytest.Config) -> bool:
    """Whether this process runs no test itself: with `-n`, each worker has databases of its own."""
    return bool(getattr(config.known_args_namespace, "numprocesses", None)) and not os.environ.get(
        "PYTEST_XDIST_WORKER"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """The databases came up while the tests were collected."""
    if running is not None and session.items and not session.config.option.collectonly:
        running.redis.wait()
        running.mongod.wait()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if running is not None:
        running.discard()
