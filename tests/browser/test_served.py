"""What production serves: the same scripts, joined and smaller, each naming the others by their content."""

import re
from pathlib import Path

import pytest

from config import static
from config.settings import BASE_DIR
from tests.browser.served import collect

# What a browser says where a script is none, or names one that is not there.
BROKEN = re.compile(r"SyntaxError|Failed to (load|fetch)|does not provide an export")
SITE = "http://served.test"


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    to = tmp_path_factory.mktemp("served")
    collect(to)
    return to


def scripts(root: Path) -> list[str]:
    """All of ours, by the address that a page names: `js/frame.7143db2a20bc.js`."""
    found = (str(file.relative_to(root)) for file in root.glob("js/**/*.js"))
    return sorted(name for name in found if re.search(r"\.[0-9a-f]{12}\.js$", name))


def test_a_script_names_others_by_their_content(collected):
    named = re.findall(
        r'(?:from|import\(?|new URL\()"([^"]+)"',
        "".join((collected / name).read_text() for name in scripts(collected)),
    )
    assert len(named) > 20
    assert [name for name in named if not re.search(r"\.[0-9a-f]{12}\.js$", name)] == []


def test_what_is_served_is_what_is_joined_and_carries_no_comment(collected):
    written = (BASE_DIR / "static").glob("js/**/*.js")
    texts = {str(file.relative_to(BASE_DIR / "static")): file.read_text() for file in written}
    served = {re.sub(r"\.[0-9a-f]{12}\.js$", ".js", name) for name in scripts(collected)}
    assert served == set(static.served(texts))
    assert {str(file.relative_to(collected)) for file in collected.glob("js/**/*.js")} == {
        *served,
        *scripts(collected),
    }
    assert [
        name for name in scripts(collected) if re.search(r"^\s*//|/\*", (collected / name).read_text())
    ] == []


def test_collecting_twice_serves_the_same(collected):
    before = {file: file.read_bytes() for file in collected.rglob("*.js")}
    collect(collected)
    assert {file: file.read_bytes() for file in collected.rglob("*.js")} == before


def test_what_others_made_is_served_as_they_made_it(collected):
    htmx = "vendor/htmx.min.js"
    assert (collected / htmx).read_bytes() == (BASE_DIR / "static" / htmx).read_bytes()


def test_a_browser_can_read_every_script(collected, chrome):
    page = chrome.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"{error.name}: {error.message}"))
    page.on("console", lambda said: complaints.append(said.text))
    page.route(
        "**/static/**", lambda route: route.fulfill(path=collected / route.request.url.split("/static/")[1])
    )
    tags = "".join(f'<script type="module" src="/static/{name}"></script>' for name in scripts(collected))
    page.route(f"{SITE}/", lambda route: route.fulfill(body=tags, content_type="text/html"))
    page.goto(SITE, wait_until="load")
    page.close()
    assert [said for said in complaints if BROKEN.search(said)] == []
