"""The audit log as a file, over REST and at a terminal: what is asked for and nothing more, and recorded."""

import csv
import io
import json
import re

import pytest
from bson import ObjectId
from django.core.management import call_command
from django.core.management.base import CommandError

from adminpanel.lists import audit, export
from config.settings import BASE_DIR
from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from tests.adminpanel.audited import PAGE, post, record, seen, shown, staff
from tests.factories import token_of

__all__ = ["seen", "staff"]
pytestmark = pytest.mark.django_db
API = "/api/admin/lovense/audit-log"


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
