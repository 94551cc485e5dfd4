"""The staff's page of the audit log: what is asked, what is shown, what is said of both, and the file."""

import csv
import io
import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from bson import ObjectId
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from adminpanel.lists import audit, export
from adminpanel.staff import enrol
from config.settings import BASE_DIR
from ground import clock
from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from tests.factories import token_of
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
PAGE, API = "/staff/audit", "/api/admin/lovense/audit-log"
TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% now %}",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "'; drop table",
    "$where",
    "=1+1",
    "\\",
    '"',
    "%00%0a",
)


@pytest.fixture
def staff():
    return {role: enrol(username=f"a-{role}", role=role, password="").user for role in Role}


@pytest.fixture
def seen(staff):
    """A client of each role."""
    made = {role: Client() for role in Role}
    for role, each in made.items():
        each.force_login(staff[role])
    return made


def record(number=0, **more):
    said = {"kind": "performer", "action": "pause", "by": "dina", "target": f"t-{number}"}
    audit_log.record(**{**said, "now": clock.now() - timedelta(minutes=number + 1), **more})


def shown(client, query="", **more):
    asked = client.get(PAGE, {"q": query, **more})
    assert asked.status_code == 200
    return asked.content.decode()


# --- the page ----------------------------------------------------------------------------------------------


def test_an_entry_is_shown_with_who_did_what_why_and_what_changed(seen, ana):
    record(by="dina", lane=ana.pk, before={"mode": "fifo"}, after={"mode": "batch"}, why="a party")
    html = shown(seen[Role.SUPPORT])
    for said in ("dina", "Pause", "a party", "mode: fifo → batch", ana.display_name, "1 entries", "Done"):
        assert said in html, said
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


def test_only_what_is_asked_for_is_shown_and_each_term_can_be_taken_away(seen):
    record(1, by="dina")
    record(2, by="page")
    html = shown(seen[Role.ADMIN], "actor:page -action:stop")
    assert "t-2" in shown(seen[Role.ADMIN], "actor:page", columns="at,target,action")
    assert "<bdi>page</bdi>" in html
    assert "<bdi>dina</bdi>" not in html
    assert 'href="/staff/audit?q=-action%3Astop"' in html
    assert 'href="/staff/audit?q=actor%3Apage"' in html
    assert 'value="actor:page -action:stop"' in html


@pytest.mark.parametrize(
    "query", ["colour:red", "since:tomorrow", '"open', "$where", '{"$gt":""}', "tip:xyz", "a\0b", "x" * 4096]
)
def test_what_is_no_query_is_shown_with_its_place_and_nothing_is_searched(seen, query):
    record()
    html = shown(seen[Role.ADMIN], query)
    assert "<mark>" in html
    assert "Not understood, so nothing was searched." in html
    assert "Possible:" in html
    assert "data-record" not in html


def test_words_of_others_are_words_wherever_they_are_said(seen):
    for number, text in enumerate(TEXTS):
        record(number, by=text[:64], why=text, after={text[:20]: text})
    html = shown(seen[Role.ADMIN])
    assert "<script>" not in html
    assert inline_code(html) == []
    for text in TEXTS:
        assert inline_code(shown(seen[Role.ADMIN], f"actor:{text}")) == []


def test_a_long_list_goes_on_and_back_by_links_that_stay(seen):
    for number in range(60):
        record(number, target=f"t-{number:02}")
    first = seen[Role.ADMIN].get(PAGE, {"columns": "at,target,action"})
    older = first.context["shown"].older
    second = seen[Role.ADMIN].get(older).content.decode()
    assert ("t-49" in first.content.decode(), "t-50" in second, "t-59" in second) == (True, True, True)
    record(target="t-new")
    assert "t-50" in seen[Role.ADMIN].get(older).content.decode()
    anew = shown(seen[Role.ADMIN], after="forged")
    assert "That place is not in this list" in anew


def test_entries_of_one_change_stand_together(seen):
    at = clock.now()
    record(target="one", now=at)
    record(target="two", now=at)
    record(3, target="three")
    html = shown(seen[Role.ADMIN])
    assert html.count("data-same") == 1
    entry = AuditEntry.objects.get(target="one")
    page = seen[Role.ADMIN].get(f"{PAGE}/{entry.pk}").content.decode()
    assert "2 entries of one change" in page
    assert ("two" in page, "three" in page) == (True, False)


def test_an_entry_says_how_many_others_came_from_its_address(seen):
    with audit_log.coming_from("203.0.113.9"):
        for number in range(3):
            record(number)
    with audit_log.coming_from("203.0.113.10"):
        record(5)
    first, *_, other = AuditEntry.objects.order_by("-at")
    page = seen[Role.SUPPORT].get(f"{PAGE}/{first.pk}").content.decode()
    assert "Same as 2 others" in page
    assert "203.0.113" not in page
    link = f"address:{first.hashed_ip[:12]} archive:yes"
    assert shown(seen[Role.SUPPORT], link).count("data-record=") == 3
    assert "No other came from it" in seen[Role.SUPPORT].get(f"{PAGE}/{other.pk}").content.decode()


def test_what_changed_is_told_by_what_was_and_what_is(seen):
    record(before={"a": 1, "same": 2, "gone": "x"}, after={"a": 3, "same": 2, "new": [1]})
    page = seen[Role.ADMIN].get(f"{PAGE}/{AuditEntry.objects.get().pk}").content.decode()
    for said in ("<del>1</del>", "<ins>3</ins>", "<ins>[1]</ins>", "<del>x</del>"):
        assert said in page
    assert "same" not in page.partition("ui-diff")[2]


def test_to_htmx_an_entry_is_what_fills_the_drawer(seen):
    record()
    address = f"{PAGE}/{AuditEntry.objects.get().pk}"
    part = seen[Role.ADMIN].get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "t-0" in part


@pytest.mark.parametrize("key", ["x", "507f191e810c19729de860ea", "507f191e810c19729de860e\0", "news2"])
def test_an_entry_that_is_not_there_is_not_found(seen, key):
    assert seen[Role.ADMIN].get(f"{PAGE}/{quote(key)}").status_code == 404


def test_what_is_new_is_counted_without_being_shown(seen):
    record(5)
    page = seen[Role.ADMIN].get(PAGE)
    news = page.context["shown"].news
    assert seen[Role.ADMIN].get(news).json() == {"newer": 0}
    record(1)
    record(2)
    assert seen[Role.ADMIN].get(news).json() == {"newer": 2}


# --- what may be typed -------------------------------------------------------------------------------------


def suggested(client, text):
    return client.get(f"{PAGE}/suggest", {"text": text}).json()


def test_keys_and_the_values_that_occur_are_offered(seen):
    for by, action in (("dina", "pause"), ("dana", "publish"), ("eve", "stop")):
        record(by=by, action=action)

    def texts(text):
        return [one["text"] for one in suggested(seen[Role.ADMIN], text)["found"]]

    assert texts("act") == ["actor:", "action:"]
    assert texts("success:false -s") == ["-success:"]
    assert texts("actor:d") == ["actor:dana", "actor:dina"]
    assert texts("actor:dina,e") == ["actor:dina,eve"]
    assert texts("since:1h action:p") == ["action:pause", "action:publish"]
    assert texts("success:") == ["success:true", "success:false"]
    assert texts("has:re") == ["has:reason"]
    assert texts('"actor:d') == texts("colour:") == texts("tip:5") == []
    assert len(texts("")) == 8


def test_whatever_is_typed_is_answered(seen):
    for text in [*TEXTS, "actor:$ne", "actor:\uffff", "a" * 5000]:
        assert seen[Role.ADMIN].get(f"{PAGE}/suggest", {"text": text}).status_code == 200


# --- columns and views -------------------------------------------------------------------------------------


def post(client, what, **said):
    return client.post(f"/staff/lists/audit/{what}", said)


def test_columns_are_a_persons_own_and_those_of_the_role(seen):
    record(why="because", target="t-x")
    post(seen[Role.SUPPORT], "columns", column=["at", "target", "address", "nothing"])
    hers = shown(seen[Role.SUPPORT])
    assert ("t-x" in hers, "because" in hers) == (True, False)
    assert 'value="address"' not in hers
    assert "because" in shown(seen[Role.ADMIN])
    assert 'value="address"' in shown(seen[Role.AUDITOR])
    post(seen[Role.SUPPORT], "columns")
    assert "because" in shown(seen[Role.SUPPORT])


def test_the_views_that_are_shipped_find_what_they_say(seen):
    record(1, action="stop", target="t-stop")
    record(2, kind="platform", action="set", target="t-set")
    record(3, success=False, target="t-no")
    record(4, by="a-admin", target="t-mine")
    page = seen[Role.ADMIN].get(PAGE)
    views = {view["words"]: view["href"] for view in page.context["shown"].views}
    found = {
        name: seen[Role.ADMIN].get(href + "&columns=target,action").content.decode()
        for name, href in views.items()
    }
    wanted = {"Stops": "t-stop", "Settings changed": "t-set", "Refused": "t-no", "What I did": "t-mine"}
    assert set(views) == {"Today", *wanted}
    for name, target in wanted.items():
        assert [each for each in wanted.values() if f"<code>{each}</code>" in found[name]] == [target]


def test_a_view_is_kept_opened_shown_first_and_removed(seen):
    record(by="eve", target="t-eve")
    record(1, by="dina", target="t-dina")
    client = seen[Role.SUPPORT]
    post(client, "view", name="Eve", q="actor:eve", columns="at,target,action")
    view = client.get(PAGE).context["shown"].views[-1]
    assert view["words"] == "Eve"
    opened = client.get(view["href"]).content.decode()
    assert ("t-eve" in opened, "t-dina" in opened) == (True, False)
    assert "Eve" not in shown(seen[Role.ADMIN])
    post(client, "first", view=view["key"])
    assert client.get(PAGE).context["shown"].query == "actor:eve"
    assert client.get(PAGE, {"q": ""}).context["shown"].query == ""
    post(client, "forget", view=view["key"])
    assert client.get(PAGE).context["shown"].query == ""


def test_only_an_admin_shares_a_view_and_that_is_recorded(seen):
    post(seen[Role.SUPPORT], "view", name="Mine", q="actor:eve", is_shared="1")
    assert not AuditEntry.objects.filter(type="view").exists()
    post(seen[Role.ADMIN], "view", name="Ours", q="actor:eve", is_shared="1")
    assert "Ours" in shown(seen[Role.AUDITOR])
    assert "Mine" not in shown(seen[Role.SUPPORT])
    entry = AuditEntry.objects.get(type="view")
    assert (entry.action, entry.before, entry.after["query"]) == ("save_view", None, "actor:eve")


def test_a_list_that_is_not_there_is_not_found(seen):
    for what in ("columns", "view", "forget", "first"):
        assert seen[Role.ADMIN].post(f"/staff/lists/nothing/{what}").status_code == 404


# --- the file ----------------------------------------------------------------------------------------------


def file(client, query="", **more):
    answer = client.get(f"{PAGE}/export", {"q": query, **more})
    return answer, b"".join(answer.streaming_content).decode()


def test_a_file_has_what_is_asked_for_and_no_more_and_is_recorded(seen):
    for number in range(7):
        record(number, by="eve" if number % 2 else "dina")
    answer, text = file(seen[Role.AUDITOR], "actor:dina")
    head, *rows = csv.reader(io.StringIO(text))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert [row[head.index("target")] for row in rows] == ["t-0", "t-2", "t-4", "t-6"]
    entry = AuditEntry.objects.get(type="export")
    assert (entry.actor, entry.target) == ("a-auditor", "audit")
    assert entry.after == {"query": "actor:dina", "format": "csv", "rows": 4}
    assert entry.hashed_ip


def test_a_looked_up_file_is_recorded_once_and_a_head_is_none(seen):
    record()
    seen[Role.AUDITOR].head(f"{PAGE}/export")
    assert not AuditEntry.objects.filter(type="export").exists()
    assert "Not understood" in seen[Role.AUDITOR].get(f"{PAGE}/export", {"q": "colour:red"}).content.decode()
    assert not AuditEntry.objects.filter(type="export").exists()


def test_support_gets_what_its_page_shows(seen):
    record(target="t-x", why="because")
    post(seen[Role.SUPPORT], "columns", column=["at", "actor"])
    _, text = file(seen[Role.SUPPORT])
    head, _row = csv.reader(io.StringIO(text))
    assert head == ["id", "at", "actor"]
    head, *_ = csv.reader(io.StringIO(file(seen[Role.ADMIN])[1]))
    assert {"why", "target", "before", "after", "address"} <= set(head)


def test_no_cell_is_a_formula_and_a_mark_stands_at_the_beginning_when_it_is_asked_for(seen):
    signs = ("=1+1", "+1", "-1", "@a", "\ta", "\ra")
    for number, sign in enumerate(signs):
        record(number, by=f"{sign}", why=sign)
    _, text = file(seen[Role.ADMIN], mark="1")
    assert text.startswith("\ufeffid,")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert sum(cell == f"'{sign}" for cell in cells for sign in signs) == 2 * len(signs)


def test_json_lines_are_one_object_a_row(seen):
    record(1, after={"mode": "batch"})
    record(2)
    answer, text = file(seen[Role.ADMIN], format="jsonl")
    rows = [json.loads(line) for line in text.splitlines()]
    assert answer["Content-Type"].startswith("application/jsonl")
    assert [row["target"] for row in rows] == ["t-1", "t-2"]
    assert json.loads(rows[0]["after"]) == {"mode": "batch"}


def test_a_file_that_was_cut_says_so_in_its_last_line(seen, monkeypatch):
    monkeypatch.setattr(export, "MOST_ROWS", 3)
    for number in range(5):
        record(number)
    _, text = file(seen[Role.ADMIN])
    *_, last = csv.reader(io.StringIO(text))
    assert last == ["Only the newest 3 rows were looked through."]
    assert AuditEntry.objects.get(type="export").after["rows"] == 3
    _, text = file(seen[Role.ADMIN], "actor:dina since:3m", format="jsonl")
    assert "looked through" not in text


# --- the door ----------------------------------------------------------------------------------------------


def asked(client, user, **said):
    return client.get(API, said, headers={"Authorization": f"Token {token_of(user)}"})


def test_the_door_tells_the_log_a_slice_at_a_time(client, staff):
    for number in range(5):
        record(number)
    first = asked(client, staff[Role.AUDITOR], limit=3).json()
    second = asked(client, staff[Role.AUDITOR], limit=3, after=first["next"]).json()
    assert [row["target"] for row in first["entries"] + second["entries"]] == [f"t-{n}" for n in range(5)]
    assert (second["next"], second["beganAnew"]) == (None, False)
    anew = asked(client, staff[Role.AUDITOR], limit=3, after="forged").json()
    assert (anew["entries"], anew["beganAnew"]) == (first["entries"], True)


def test_the_door_says_where_a_query_is_none(client, staff):
    answer = asked(client, staff[Role.ADMIN], q="actor:a colour:red")
    told = answer.json()["error"]
    assert (answer.status_code, told["code"], told["details"]["at"]) == (400, "not_understood", 8)
    assert "actor" in told["details"]["possible"]
    for query in ("since:tomorrow", "$where", "x" * 4096, "a:b " * 10_000, '{"$gt":""}', "tip:xyz", '"open'):
        assert asked(client, staff[Role.ADMIN], q=query).status_code == 400
    assert asked(client, staff[Role.ADMIN], limit=201).status_code == 400


@pytest.mark.parametrize("said", [{"format": "csv"}, {}])
def test_the_door_streams_a_file(client, staff, said):
    record()
    headers = {"Authorization": f"Token {token_of(staff[Role.ADMIN])}"} | (
        {} if said else {"Accept": "text/csv"}
    )
    answer = client.get(API, said, headers=headers)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert b"t-0" in b"".join(answer.streaming_content)
    assert AuditEntry.objects.filter(type="export").count() == 1


def test_a_hash_of_an_address_is_not_told_to_support(client, staff):
    with audit_log.coming_from("203.0.113.9"):
        record()
    told = {role: asked(client, user).json()["entries"][0] for role, user in staff.items()}
    assert told[Role.SUPPORT]["addressHash"] is None
    assert told[Role.AUDITOR]["addressHash"] == told[Role.ADMIN]["addressHash"] != ""


def test_nothing_of_it_is_written(seen, staff, client):
    """Whoever looks changes nothing but what a file leaves."""
    record()
    before = list(collection(AuditEntry).find())
    for made in seen.values():
        shown(made)
        made.get(f"{PAGE}/{ObjectId()}")
    asked(client, staff[Role.ADMIN])
    assert list(collection(AuditEntry).find()) == before


# --- the document ------------------------------------------------------------------------------------------


def examples(kind):
    document = (BASE_DIR / "docs/staff.md").read_text()
    return [
        line for block in re.findall(rf"```{kind}\n(.*?)```", document, re.S) for line in block.splitlines()
    ]


def test_every_example_of_the_document_is_answered_and_every_other_refused(client, staff, ana):
    record()
    good, bad = examples("query"), examples("refused")
    assert (len(good), len(bad)) > (5, 9)
    assert {
        query: asked(client, staff[Role.ADMIN], q=query).status_code for query in good if query
    } == dict.fromkeys(good, 200)
    assert {query: asked(client, staff[Role.ADMIN], q=query).status_code for query in bad} == dict.fromkeys(
        bad, 400
    )


def test_every_key_is_in_the_document():
    document = (BASE_DIR / "docs/staff.md").read_text().partition("### Keys")[2].partition("**How")[0]
    assert [key.name for key in audit.KEYS if f"`{key.name}`" not in document] == []


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_writes_the_same_file_and_is_recorded(capsys, tmp_path):
    record(1, by="eve")
    record(2, by="dina")
    call_command("audit_export", q="actor:eve", format="csv", by="olga")
    head, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert row[head.index("target")] == "t-1"
    entry = AuditEntry.objects.get(type="export")
    assert (entry.actor, entry.after["rows"]) == ("olga", 1)
    to = tmp_path / "log.jsonl"
    call_command("audit_export", output=to)
    assert [json.loads(line)["action"] for line in to.read_text().splitlines()] == [
        "export",
        "pause",
        "pause",
    ]
    for wrong in ({"output": to}, {"q": "colour:red"}):
        with pytest.raises(CommandError) as caught:
            call_command("audit_export", **wrong)
        assert caught.value.returncode == 2
    assert AuditEntry.objects.filter(type="export").count() == 2
