"""A plugin of pytest for `make tour`: before the tests of a file it shows what the file says of
itself."""

from collections.abc import Iterator

import pytest

CHAPTER = pytest.StashKey[object]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Function) -> Iterator[None]:
    """Around everything else that is told of a test."""
    if item.module is not item.session.stash.get(CHAPTER, None):
        item.session.stash[CHAPTER] = item.module
        terminal = item.config.pluginmanager.get_plugin("terminalreporter")
        assert terminal is not None
        terminal.ensure_newline()
        terminal.write_line(f"\n{item.module.__doc__ or ''}\n")
    return (yield)
