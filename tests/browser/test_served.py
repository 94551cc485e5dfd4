"""What production serves: the same scripts, smaller, each naming the others by their content."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from config.settings import BASE_DIR

# What a browser says where a script is none, or names one that is not there.
BROKEN = re.compile(r"SyntaxError|Failed to (load|fetch)|does not provide an export")
SITE = "http://served.test"


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    from django.test import override_settings

    to = tmp_path_factory.mktemp("served")
    storages = {"staticfiles": {"BACKEND": "config.static.ServedFiles"}}
    with override_settings(STATIC_ROOT=to, STORAGES=storages, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
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
    assert len(named) > 60
    assert [name for name in named if not re.search(r"\.[0-9a-f]{12}\.js$", name)] == []


def test_every_script_is_served_once_and_carries_no_comment(collected):
    written = {file.relative_to(BASE_DIR / "static") for file in (BASE_DIR / "static/js").rglob("*.js")}
    assert len(scripts(collected)) == len(written)
    assert [
        name for name in scripts(collected) if re.search(r"^\s*//|/\*", (collected / name).read_text())
    ] == []


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
