"""The regions of her pages: named once, asked for conditionally, and unchanged without a render where a stamp
says so."""

import html
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

from ground.json.fields import Fields
from lovense import regions
from lovense.lane import controls
from lovense.models import Performer
from lovense.page import stamps
from lovense.patterns import library
from lovense.patterns.library import PatternWriting
from lovense.views import pages
from tests.factories import NOW
from tests.lovense.live_page import chain, press

__all__ = ["chain"]
pytestmark = pytest.mark.django_db
NAMES = ("devices", "menu", "patterns", "history", "statistics")
ADDRESSES = {"live": "/", "devices-pair": "/devices/pair", "menu-versions": "/menu/versions"}
ADDRESSES |= {name: f"/{name}" for name in NAMES}
WAVE = {"name": "Mine", "text": "10 1s"}
HTMX = {"HX-Request": "true"}
ALL = [(page, name) for page in ADDRESSES for name in regions.of(page)]


@pytest.fixture
def ask(client, ana):
    """`ask(page, region, tag)`: as the browser does that has, or has not, an answer from before."""
    client.force_login(ana.user)

    def asked(page, name, tag=""):
        headers = HTMX | ({"If-None-Match": tag} if tag else {})
        return client.get(ADDRESSES[page], {"region": name}, headers=headers)

    return asked


# --- the registry ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "name"), ALL)
def test_each_region_stands_in_its_page_with_what_it_is_fetched_for(client, ana, page, name):
    client.force_login(ana.user)
    shown, region = client.get(ADDRESSES[page]).content.decode(), regions.of(page)[name]
    assert shown.count(f'id="region-{name}"') == 1
    assert f'hx-get="{ADDRESSES[page]}?region={name}" hx-trigger="{region.triggers}"' in shown


def test_pages_have_no_region_that_is_not_registered(client, ana):
    client.force_login(ana.user)
    for page, address in ADDRESSES.items():
        found = re.findall(r'id="region-(\w+)"', client.get(address).content.decode())
        assert sorted(found) == sorted(regions.of(page))


def test_the_page_listens_to_every_topic_that_a_region_names():
    named = {topic for region in regions.REGIONS for topic in region.topics}
    script = (Path(settings.BASE_DIR) / "static/js/news.js").read_text()
    [listed] = re.findall(r"const TOPICS = (\[.*?\]);", script)
    assert named <= regions.TOPICS == set(re.findall(r'"(\w+)"', listed))


def test_every_partial_is_there():
    for region in regions.REGIONS:
        template, _, block = region.partial.partition("#")
        assert f"{{% block {block} %}}" in get_template(template).template.source if block else template


def test_every_stamp_is_that_of_a_region():
    assert set(stamps.STAMPS) <= {(region.page, region.name) for region in regions.REGIONS}


@pytest.mark.parametrize("page", ADDRESSES)
def test_a_page_says_under_which_tags_its_regions_came_with_it(client, ask, page):
    shown = client.get(ADDRESSES[page]).content.decode()
    [said] = re.findall(r'<i hidden data-tags="([^"]+)">', shown)
    tags = json.loads(html.unescape(said))
    assert tags == {name: ask(page, name)["ETag"] for name in regions.of(page)}


# --- one region, conditionally -----------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "name"), ALL)
def test_what_is_unchanged_is_304_with_nothing_in_it(ask, page, name):
    first = ask(page, name)
    again = ask(page, name, first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again["ETag"] == first["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{24}"', first["ETag"])
    assert first["Cache-Control"] == again["Cache-Control"] == "private, no-cache"
    assert {"HX-Request", "Cookie"} <= set(first["Vary"].split(", "))


def test_what_has_changed_is_sent_under_another_tag(ask, ana):
    before = ask("live", "queue")
    press(ana, controls.pause, why="", until=None, now=NOW)
    after = ask("live", "queue", before["ETag"])
    assert after.status_code == 200
    assert after["ETag"] != before["ETag"]
    assert b"Paused" in after.content


def test_a_tag_that_a_proxy_has_marked_as_compressed_is_known(ask):
    tag = ask("live", "stop")["ETag"]
    for marked in (f'{tag[:-1]}-gzip"', f'W/{tag[:-1]}-zstd"', f'"other", {tag}'):
        assert ask("live", "stop", marked).status_code == 304
    assert ask("live", "stop", '"other"').status_code == 200


@pytest.mark.parametrize(
    ("page", "name"), [("live", "feed"), ("live", "stop"), ("menu-versions", "versions")]
)
def test_where_a_stamp_says_so_nothing_is_rendered(ask, monkeypatch, page, name):
    tag = ask(page, name)["ETag"]

    def refused(*_):
        raise AssertionError("rendered")

    monkeypatch.setattr(pages, "rendered", refused)
    assert ask(page, name, tag).status_code == 304


def test_the_stamp_of_the_stop_changes_with_it(ask, ana):
    before = ask("live", "stop")["ETag"]
    Performer.objects.filter(pk=ana.pk).update(stopped_at=NOW, stopped_by="ana")
    after = ask("live", "stop", before)
    assert (after.status_code, b"Stopped" in after.content) == (200, True)


def test_the_stamp_of_the_feed_changes_with_every_row(ask, chain, bob):
    tags = [ask("live", "feed")["ETag"]]
    chain.hold()
    chain.played(bob, 100)
    tags.append(ask("live", "feed")["ETag"])
    chain.played(bob, 50)
    tags.append(ask("live", "feed")["ETag"])
    assert len(set(tags)) == 3


def test_the_stamp_of_the_patterns_changes_with_a_pattern(ask, ana):
    before = ask("patterns", "patterns")["ETag"]
    library.add(PatternWriting(ana.pk, "ana", NOW), library.wish(Fields(WAVE, ""), is_new=True))
    assert ask("patterns", "patterns", before).status_code == 200


def test_the_stamp_of_the_history_changes_with_a_version(ask, chain):
    before = ask("menu-versions", "versions")["ETag"]
    chain.publish_menu()
    assert ask("menu-versions", "versions", before).status_code == 200


# --- all of them in one answer -----------------------------------------------------------------------------


@pytest.mark.parametrize("page", ADDRESSES)
def test_the_stamps_of_a_page_are_the_tags_of_its_regions(client, ask, page):
    answer = client.get(ADDRESSES[page], {"stamps": ""}, headers=HTMX)
    assert answer.json() == {name: ask(page, name)["ETag"] for name in regions.of(page)}
    assert answer["Cache-Control"] == "private, no-store"


def test_without_htmx_it_is_the_whole_page(client, ana):
    client.force_login(ana.user)
    assert b"<html" in client.get("/", {"stamps": ""}).content


# --- what is no region -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["region=secrets", "region=queue&region=feed", f"region={'q' * 10_000}", "region="]
)
def test_a_region_that_is_none_is_the_whole_page_which_nobody_keeps(client, ana, query):
    client.force_login(ana.user)
    answer = client.get(f"/?{query}", headers=HTMX)
    assert (answer.status_code, b"<html" in answer.content) == (200, True)
    assert (answer["Cache-Control"], "ETag" in answer) == ("private, no-store", False)
    assert {"HX-Request", "Cookie"} <= set(answer["Vary"].split(", "))


def test_a_region_of_another_page_is_none_of_this_one(client, ana):
    client.force_login(ana.user)
    assert b"<html" in client.get("/devices", {"region": "queue"}, headers=HTMX).content
