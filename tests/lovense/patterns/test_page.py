"""The page of patterns: hers alone, what it says, and what its buttons do."""

import html
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from lovense import regions
from lovense.patterns import library, shipped
from tests.lovense.menus.offers import added
from tests.lovense.patterns.written import TIDE, names, rewritten, saved
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(client, ana):
    """`page()` is her page, `page("/add")` a form of it, as text."""
    client.force_login(ana.user)

    def get(path="", **query):
        headers = HTMX if path or query else {}
        response = client.get(f"/patterns{path}", query, headers=headers)
        assert response.status_code == 200
        return response.content.decode()

    return get


@pytest.fixture
def press(client, ana):
    client.force_login(ana.user)
    return lambda path, **values: client.post(f"/patterns/{path}", values, headers=HTMX)


def told(answer):
    assert answer.status_code == 204
    return json.loads(answer["HX-Trigger"])["said"]["text"]


def test_only_a_performer_sees_it(client, dina):
    assert client.get("/patterns")["Location"] == "/login?next=/patterns"
    client.force_login(dina)
    assert client.get("/patterns")["Location"] == "/staff"


def test_without_one_it_says_how_to_begin_and_lists_what_is_shipped(page):
    shown = page()
    assert "You have none yet" in shown
    assert all(name.capitalize() in shown for name in shipped.NAMES)


def test_a_region_is_the_same_html_as_in_the_page(page, ana):
    saved(ana)
    part = page(region="patterns")
    assert "<html" not in part
    assert " ".join(part.split()) in " ".join(page().split())
    assert set(regions.of("patterns")) == {"patterns", "stop", "strip"}


def test_nothing_is_inline_and_every_field_has_its_label(page, ana, client):
    row = saved(ana, "\"'><script>x</script>", "# </textarea><i>\n10 1s")
    forms = [
        "/add",
        "/add?from=wave",
        "/import",
        *(f"/{row['_id']}/{each}" for each in ("change", "test", "archive")),
    ]
    for shown in (page(), *map(page, forms)):
        assert inline_code(shown) == []
        assert "<script>x" not in shown
        assert "</textarea><i>" not in shown
        assert unlabelled_fields(shown) == set()


def test_a_shipped_one_is_copied_to_be_changed(page, press, ana):
    shown = page("/add?from=heartbeat")
    assert "My heartbeat" in shown
    assert "20 0.2s, 4 0.2s" in shown
    assert "saved" in told(press("add", name="My heartbeat", text=shipped.TEXTS["heartbeat"]))
    assert names(ana) == ["My heartbeat"]


def test_a_text_is_drawn_while_it_is_typed_or_says_where_it_is_wrong(press, ana):
    assert "<path" in press("drawn", text="5>15 3s\r\n0 1s").content.decode()
    wrong = press("drawn", text="5>15 3s\r\n0 1").content.decode()
    assert "Line 2, column 4" in wrong
    assert "<path" not in wrong


def test_what_was_typed_wrongly_stays_with_what_is_wrong_beside_it(press, ana):
    saved(ana)
    shown = press("add", name="tide", text="10 2s").content.decode()
    assert "Another pattern of yours has this name." in shown
    assert "10 2s" in shown
    shown = press("add", name="", text="21 2s").content.decode()
    assert "Must be 1 to 40 characters" in shown
    assert "Line 1, column 1" in shown
    assert names(ana) == ["Tide"]


def test_who_saves_late_keeps_what_was_typed_and_sees_what_is_there_now(press, ana):
    row = saved(ana)
    rewritten(ana, row, text="7 7s")
    late = press(f"{row['_id']}/change", name="Tide", text="9 9s", revision=1).content.decode()
    assert "changed on another page" in late
    assert "7 7s" in late
    assert "9 9s" in late
    told(press(f"{row['_id']}/change", name="Tide", text="9 9s", revision=2))
    assert library.of(ana.pk)[0]["text"] == "9 9s"


def test_a_file_is_looked_at_before_anything_is_saved(client, press, ana):
    script = json.dumps({"actions": [{"at": 0, "pos": 0}, {"at": 1000, "pos": 100}]}).encode()
    shown = press("import", file=SimpleUploadedFile("a.funscript", script)).content.decode()
    assert "Nothing is saved yet" in shown
    assert "The speed of each stroke became the strength" in shown
    assert "5 1s" in shown
    assert names(ana) == []
    wrong = press("import", file=SimpleUploadedFile("a.json", b"PK\x03")).content.decode()
    assert "field__error" in wrong
    large = press("import", file=SimpleUploadedFile("a.json", b" " * (2**20 + 1))).content.decode()
    assert "at most 1 MiB" in large
    assert "choose one" in press("import").content.decode()


def test_archiving_asks_first(page, press, ana):
    row = saved(ana)
    assert "Archive “Tide”?" in page(f"/{row['_id']}/archive")
    assert told(press(f"{row['_id']}/archive?revision=1")) == "Tide is archived."
    assert names(ana) == []


def test_a_test_says_that_no_device_is_there(page, ana):
    row = saved(ana)
    assert "None of your devices can play now" in page(f"/{row['_id']}/test")


def test_the_form_of_an_item_offers_hers_and_keeps_one_that_is_gone(client, ana):
    client.force_login(ana.user)
    saved(ana)
    item_id = added(ana, "a", pattern="my/Gone").items[0]["itemId"]
    shown = client.get(f"/menu/items/{item_id}/change", headers=HTMX).content.decode()
    assert '<option value="my/Tide">Tide</option>' in shown
    assert '<option value="my/Gone" selected>Gone (not there any more)</option>' in shown
    assert "You have no pattern Gone." in client.get("/menu").content.decode()
    assert TIDE not in shown


# --- recorded ----------------------------------------------------------------------------------------------


def recorded(press, samples):
    said = samples if isinstance(samples, str) else json.dumps(samples)
    answer = press("record", samples=said)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_what_was_recorded_is_shown_with_what_was_changed_and_nothing_is_saved(press, ana):
    samples = [{"ms": 200, "level": 10}, {"ms": 1200, "level": 0}, {"ms": 1700, "level": 0}]
    form = recorded(press, samples)
    assert "10 1s" in form
    assert "Nothing is saved yet" in form
    assert "It begins with its first sample" in form
    assert library.of(ana.pk) == []


@pytest.mark.parametrize(
    ("samples", "rule"),
    [
        ("", "give one of pattern, samples, funscript"),
        ([{"ms": 0, "level": 5}], "must hold at least two samples"),
        ([{"ms": 0, "level": 21}, {"ms": 9, "level": 0}], "samples[0].level: must be between 0 and 20"),
        ([{"ms": 5, "level": 1}, {"ms": 5, "level": 0}], "samples[1].ms: must be between 6 and 86400000"),
        ('[],"pattern":{}', "give one of pattern, samples, funscript"),
        ("[" * 5000, ""),
        ([{"ms": n, "level": n % 2} for n in range(6001)], "at most 6000"),
    ],
)
def test_what_is_no_recording_is_refused_in_the_dialog_with_the_rule(press, ana, samples, rule):
    form = recorded(press, samples)
    assert "Nothing was recorded" in form
    assert rule in form
    assert library.of(ana.pk) == []


def test_the_recorder_knows_the_limits_and_has_no_code_of_its_own(page):
    form = page("/record", x="1")
    assert 'data-longest-ms="300000" data-most="6000"' in form
    assert inline_code(form) == []
    assert unlabelled_fields(form) == set()
