"""The REST doors of what is said about a menu, and of menus that come in and go out."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from ground import clock
from lovense.lane import submissions
from lovense.menus import drafts, parts
from lovense.models import Performer
from tests.lovense.callers import Caller, _nobody_is_woken
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.menus.offers import added, said
from tests.lovense.menus.test_api import ROOT, error, hers, strangers
from tests.lovense.menus.test_files import LEVEL
from tests.lovense.rounds import hold
from tips.queue import requests as queue

__all__ = ["_nobody_is_woken", "hers", "strangers"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def lush(ana):
    """Ana has a lush; its toy's id."""
    from_page(ana, toy("l1", name="lush"), toy("n1", name="nora"), now=clock.now())
    return "l1"


def level(title, low, high, **more):
    return said(title, pattern="level", minimum=low, maximum=high, **more)


def listed(hers, *offers):
    return [hers("post", "", each).json()["itemId"] for each in offers]


# --- items -------------------------------------------------------------------------------------------------


def test_an_item_names_her_devices_and_what_is_not_hers_is_refused(hers, lush):
    device = {"device": "LUSH", "offsetMs": 500}
    made = hers("post", "", said("x", devices=[device], functions={"Vibrate": 50}, loops=2, pauseSec=1))
    assert made.json()["devices"] == [{"device": lush, "offsetMs": 500}]
    assert made.json()["functions"] == {"Vibrate": 50}
    wrong = said("y", devices=[{"device": "max"}], functions={"Pump": 10}, rampInSec=-1)
    details = error(hers("post", "", wrong), 400, "malformed")
    assert {each["field"] for each in details["errors"]} == {"devices", "functions", "rampInSec"}
    file = {"format": "tip-menu/1", "items": [said("x"), wrong]}
    details = error(hers("post", "/import", {"menu": file}), 400, "invalid_file")
    assert {(each["item"], each["field"]) for each in details} >= {(2, "rampInSec"), (2, "functions")}


def test_a_draft_from_before_there_were_these_fields_is_read(hers, ana):
    added(ana, "Old")
    drafts.collection(drafts.MenuDraft).update_one(
        {"_id": ana.pk}, {"$unset": {f"items.0.{name}": "" for name in parts.FIELDS}}
    )
    (item,) = hers("get", "").json()["items"]
    assert (item["loops"], item["devices"]) == (1, [])
    assert hers("post", "/publish", {}).status_code == 201


# --- preview -----------------------------------------------------------------------------------------------


def test_a_preview_says_what_each_device_would_play(hers, lush):
    device = {"device": "nora", "offsetMs": 700}
    listed(hers, level("Hi", 10, 49, devices=[device, {"device": lush}], functions={"Rotate": 50}))
    found = hers("get", "/preview?amount=20&version=draft").json()
    assert (found["item"]["title"], found["promisedSeconds"], found["reason"]) == ("Hi", 8, "")
    lushs, noras = found["devices"]
    assert (lushs["cannot"]["reason"], lushs["cannot"]["function"], lushs["calls"]) == (
        "function_off",
        "Rotate",
        [],
    )
    assert (noras["nickname"], noras["offsetMs"], noras["effect"]) == ("Nora", 700, 1.6)
    assert noras["calls"] == [{"command": "Function", "action": "Rotate:4", "timeSec": 8, "apiVer": 1}]
    assert noras["waveform"] == [{"function": "Rotate", "path": "M0 20V16H1000V20Z"}]
    assert [gate["gate"] for gate in found["gates"]][:3] == ["kill_switch", "performer", "minimum"]


def test_a_preview_is_what_a_tip_gets(hers, ana, lush):
    listed(hers, level("Hi", 10, 49, durationSec=600))
    found = hers("get", "/preview?amount=20&version=draft").json()
    assert found["devices"][0]["notes"][0]["code"] == "shortened_to_cap"
    from_page(ana, toy(lush, name="lush", status=0), toy("n1", name="nora", status=0), now=clock.now())
    away = hers("get", "/preview?amount=20&version=draft").json()
    assert (away["reason"], away["devices"][0]["isReady"]) == ("device_offline", False)
    assert away["promisedSeconds"] == found["promisedSeconds"]


def test_many_amounts_at_once_and_the_cheapest_that_reaches_an_item(hers, strangers):
    ids = listed(hers, level("a", 10, 49), level("b", 30, 30), level("c", 1, 5, active=False))
    table = hers("get", "/preview/table?version=draft&amounts=5,20,30,90").json()
    assert [each["itemId"] for each in table["amounts"]] == [None, ids[0], ids[1], None]
    assert hers("get", f"/preview/cheapest?version=draft&item={ids[1]}").json()["amount"] == 30
    assert hers("get", f"/preview/cheapest?version=draft&item={ids[2]}").json()["amount"] is None
    error(strangers("get", f"/preview/cheapest?version=draft&item={ids[1]}"), 404, "not_found")
    error(hers("get", "/preview/cheapest?version=draft"), 400, "malformed")
    for amounts in ("", "0", "1,x", ",".join("1" * 201), "9" * 300):
        error(hers("get", f"/preview/table?amounts={amounts}"), 400, "malformed")


# --- lint, ruler, patch ------------------------------------------------------------------------------------


def test_the_lint_suggests_a_fix_that_can_be_applied(hers):
    ids = listed(hers, level("a", 10, 20), level("b", 50, None))
    found = hers("get", "/lint").json()
    (gap,) = [each for each in found["findings"] if each["code"] == "gap" and each["amount"] == 21]
    assert (gap["until"], gap["fix"]) == (49, [{"itemId": ids[0], "change": {"maximum": 49}}])
    patched = hers("post", "/patch", {"revision": found["revision"], "changes": gap["fix"]})
    assert patched.json()["items"][0]["maximum"] == 49
    assert 21 not in [each["amount"] for each in hers("get", "/lint").json()["findings"]]
    late = hers("post", "/patch", {"revision": found["revision"], "changes": gap["fix"]})
    error(late, 409, "changed_meanwhile")


def test_a_patch_changes_adds_and_moves_and_says_which_change_is_wrong(hers):
    first, _ = listed(hers, level("a", 10, 20), level("b", 30, 40))
    changes = [{"add": level("c", 50, 60) | {"order": 1}}, {"itemId": first, "change": {"order": 3}}]
    patched = hers("post", "/patch", {"revision": 2, "changes": changes}).json()
    assert [item["title"] for item in patched["items"]] == ["c", "b", "a"]
    wrong = [changes[1], {"itemId": first, "change": {"intensity": 21, "price": 1}}]
    details = error(hers("post", "/patch", {"revision": 3, "changes": wrong}), 400, "malformed")
    assert {(each["item"], each["field"]) for each in details["errors"]} == {(2, "intensity"), (2, "price")}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"itemId": "none", "change": {"maximum": 9}}, 404),
        ({"add": {"title": "x"}}, 400),
        ({"itemId": "none", "more": 1}, 400),
        ({"itemId": "none"}, 400),
    ],
)
def test_a_patch_that_is_none_changes_nothing(hers, change, status):
    listed(hers, level("a", 10, 20))
    good = {"add": level("b", 30, 40)}
    answer = hers("post", "/patch", {"revision": 1, "changes": [good, change]})
    assert answer.status_code == status
    assert len(hers("get", "").json()["items"]) == 1


def test_the_ruler_names_the_whole_range(hers):
    ids = listed(hers, level("a", 1, 20), level("b", 50, None))
    parts_of_it = hers("get", "/ruler").json()["intervals"]
    assert [(each["low"], each["high"], each["itemId"]) for each in parts_of_it] == [
        (parts_of_it[0]["low"], 20, ids[0]),
        (21, 49, None),
        (50, None, ids[1]),
    ]
    assert parts_of_it[1]["codes"] == ["gap"]


def test_the_ruler_marks_each_part_that_gets_less_than_a_smaller_amount(hers):
    listed(hers, level("a", 1, 20), level("b", 50, 60, durationSec=20), level("c", 100, None, durationSec=25))
    weak = {"revision": 3, "active": True, "pattern": "level", "intensity": 1, "durationSec": 2}
    assert hers("put", "/default-reaction", weak).status_code == 200
    inverted = [each for each in hers("get", "/lint").json()["findings"] if each["code"] == "price_inversion"]
    assert [each["amount"] for each in inverted] == [21]
    intervals = hers("get", "/ruler").json()["intervals"]
    marked = [each["low"] for each in intervals if "price_inversion" in each["codes"]]
    assert marked == [21, 61]


def test_an_error_of_the_lint_keeps_a_menu_from_being_published(hers, lush):
    (item_id,) = listed(hers, level("a", 1, None, devices=[{"device": lush}]))
    fixed = {"revision": 1, "functions": {"Rotate": 100}}
    assert hers("put", f"/{item_id}", fixed).status_code == 200
    (told,) = error(hers("post", "/publish", {}), 422, "invalid_menu")
    assert (told["itemId"], told["field"], told["code"]) == (item_id, "devices", "device_cannot")
    assert not hers("get", "/lint").json()["isPublishable"]
    hers("put", f"/{item_id}", {"revision": 2, "functions": {}, "durationSec": 600})
    published = hers("post", "/publish", {})
    assert published.status_code == 201
    assert "over_cap" in [each["code"] for each in published.json()["lint"]]


# --- test --------------------------------------------------------------------------------------------------


def test_an_item_is_tested_for_ten_seconds(hers, strangers, ana, lush):
    hold(ana.pk)
    (item_id,) = listed(hers, level("a", 10, 20, durationSec=60, loops=2, rampInSec=30))
    made = hers("post", f"/items/{item_id}/test", None, **{"Idempotency-Key": "one"})
    assert made.status_code == 201
    item = queue.find(made.json()["requestId"])["payload"]["item"]
    assert (item["durationSec"], item["rampInSec"], item.get("loops", 1)) == (10, 5, 1)
    assert hers("post", f"/items/{item_id}/test", None, **{"Idempotency-Key": "one"}).status_code == 200
    error(strangers("post", f"/items/{item_id}/test"), 404, "not_found")
    assert submissions.TYPES[0] == queue.find(made.json()["requestId"])["type"]


# --- what comes in and goes out ----------------------------------------------------------------------------


def test_a_draft_starts_from_a_template_or_an_older_version(hers):
    names = [each["name"] for each in hers("get", "/templates").json()["templates"]]
    assert len(names) >= 5
    begun = hers("post", "/start", {"revision": 0, "template": names[1]}).json()
    assert (begun["revision"], len(begun["items"]) >= 4) == (1, True)
    hers("post", "/publish", {})
    error(hers("post", "/start", {"revision": 1, "template": names[0]}), 409, "has_items")
    other = hers("post", "/start", {"revision": 1, "template": names[0], "replace": True}).json()
    assert other["isChanged"]
    back = hers("post", "/start", {"revision": 2, "version": 1, "replace": True}).json()
    assert (back["items"], back["isChanged"]) == (begun["items"], False)
    error(hers("post", "/start", {"revision": 3, "version": 9, "replace": True}), 404, "not_found")
    for body in ({}, {"template": "none"}, {"template": names[0], "version": 1}, {"extension": False}):
        error(hers("post", "/start", {"revision": 3} | body), 400, "malformed")


def test_a_draft_starts_from_the_levels_of_her_extension(hers, ana):
    levels = [LEVEL, LEVEL | {"special": "giveControl", "minimum": 20, "maximum": 20}]
    ana_row = drafts.collection(Performer)
    ana_row.update_one({"_id": ana.pk}, {"$set": {"extension": {"levels": levels}}})
    assert hers("get", "/templates").json()["extensionLevels"] == 2
    begun = hers("post", "/start", {"revision": 0, "extension": True}).json()
    assert [(item["minimum"], item["intensity"]) for item in begun["items"]] == [(5, 4)]
    assert [each["outcome"] for each in begun["lines"]] == ["taken", "refused"]


def test_a_text_menu_is_seen_line_by_line_and_then_taken_in(hers):
    text = "10-20 hello, 5 sec, low; 30-20 x; 50+ wave"
    seen = hers("post", "/import", {"text": text}).json()
    assert [each["outcome"] for each in seen["lines"]] == ["taken", "refused", "noted"]
    assert (seen["isApplied"], hers("get", "").json()["items"]) == (False, [])
    done = hers("post", "/import", {"text": text, "apply": True, "revision": 0}).json()
    assert [item["title"] for item in done["diff"]["added"]] == ["hello, 5 sec, low", "wave"]
    none = hers("post", "/import", {"text": "nothing", "apply": True, "revision": 1})
    assert error(none, 400, "malformed")["field"] == "apply"
    for body in ({}, {"text": "1 x", "csv": "title"}, {"csv": 7}, {"csv": "a,b"}):
        error(hers("post", "/import", body), 400, "malformed")


def test_a_sheet_goes_out_and_comes_back_as_it_was(hers, strangers, ana):
    listed(hers, level("=1+1", 10, 20, loops=3), level("b", 50, None, active=False))
    answer = Client().get(f"{ROOT}/export?format=csv", headers=hers.headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert "'=1+1" in answer.content.decode()
    taken = strangers("post", "/import", {"csv": answer.content.decode(), "apply": True, "revision": 0})
    assert {each["outcome"] for each in taken.json()["lines"]} == {"taken"}
    assert strangers("get", "/export").content == hers("get", "/export").content
    text = Client().get(f"{ROOT}/export?format=text", headers=hers.headers)
    assert text.content.decode() == "10-20 - =1+1 (level, strength 8, 8 s)\n"
    error(hers("get", "/export?format=xls"), 400, "malformed")


def command(name, *args, **options):
    out = io.StringIO()
    call_command(name, *args, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_operators_lint_a_draft_and_take_files_in(ana, tmp_path):
    file = tmp_path / "menu.txt"
    file.write_text("10-20 hello, 5 sec, low\nnothing\n50+ all, 9 sec, high\n")
    assert "2 items would be" in command("import_menu", str(file), performer=ana.pk, dry_run=True)
    assert drafts.of(ana.pk).items == []
    said_of_it = command("import_menu", str(file), performer=ana.pk)
    assert "does not begin with an amount" in said_of_it
    assert [item["minimum"] for item in drafts.of(ana.pk).items] == [10, 50]
    assert "gap" in command("lint_menu", ana.pk)
    sheet_file = tmp_path / "menu.csv"
    sheet_file.write_bytes("title\nx".encode("utf-16"))
    with pytest.raises(CommandError, match="UTF-8"):
        command("import_menu", str(sheet_file), performer=ana.pk)
    (tmp_path / "menu.json").write_text(json.dumps({"format": "tip-menu/1", "items": [said("J")]}))
    command("import_menu", str(tmp_path / "menu.json"), performer=ana.pk)
    assert [item["title"] for item in drafts.of(ana.pk).items] == ["J"]
    for name, options in (("lint_menu", {}), ("import_menu", {"performer": "nobody"})):
        with pytest.raises(CommandError, match="no performer"):
            command(name, "nobody" if name == "lint_menu" else str(file), **options)


def test_nobody_is_answered_without_a_token():
    for path in ("/lint", "/ruler", "/templates", "/preview?amount=1"):
        error(Caller(root=ROOT)("get", path), 401, "not_authenticated")
