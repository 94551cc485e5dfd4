"""Her history as a file: what the address shows, all of it, safe in a spreadsheet, and no larger than it may
be."""

import csv
import io

import pytest

from ground.mongodb.collections import collection
from lovense.models import Owed
from lovense.page import historyfile
from lovense.page.historyfile import COLUMNS, MARK
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.history.rows import add, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(client, ana):
    """The rows of the file that an address gives, its header left out."""
    client.force_login(ana.user)

    def get(**query):
        answer = client.get("/history.csv", query)
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
        text = b"".join(answer.streaming_content).decode()
        assert text.startswith(MARK)
        head, *rows = csv.reader(io.StringIO(text.removeprefix(MARK), newline=""))
        assert head == list(COLUMNS)
        return rows

    return get


def test_an_anonymous_visitor_is_sent_to_the_login_and_staff_to_the_tips(client, dina):
    assert client.get("/history.csv")["Location"] == "/login?next=/history.csv"
    client.force_login(dina)
    assert client.get("/history.csv")["Location"] == "/staff"


def test_a_stranger_gets_nothing_of_hers(file, carol):
    fill(carol, 3)
    assert file() == []


def test_it_has_what_the_page_shows_and_more_than_a_slice(file, ana):
    key = add(ana, 9000, delivered_seconds=3.2)
    collection(Owed).insert_one({"_id": key, "performer_id": ana.pk, "state": "open", "owed": 68})
    fill(ana, 120, tipper_name="Anonymous")
    rows = file()
    assert len(rows) == 121
    assert rows[0][2] == "Anonymous"
    assert rows[-1][2:7] == ["bob", "Tip", "100", "Fireworks", "Shortened"]
    assert rows[-1][8:] == ["10", "3.2", "6.8", key]


def test_it_is_asked_as_the_page_is(file, ana):
    fill(ana, 3)
    mine = add(ana, 50, tipper_name="kim")
    assert [row[-1] for row in file(name="KI", at_least="nonsense")] == [mine]


def test_times_are_those_of_her_zone(file, ana, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    add(ana, 1, at=NOW)
    assert file()[0][:2] == ["2026-01-03", "13:15:00"]


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@x", "\tx"])
def test_no_cell_is_taken_for_a_formula(file, ana, name):
    add(ana, 1, tipper_name=name, item={"title": name, "itemId": "x"})
    row = file()[0]
    assert (row[2], row[5]) == (f"'{name}", f"'{name}")


def test_it_ends_at_its_most_and_says_so(file, ana, monkeypatch):
    fill(ana, 12)
    monkeypatch.setattr(historyfile, "MOST_ROWS", 10)
    *rows, last = file()
    assert len(rows) == 10
    assert last == ["Only your newest 10 were looked through: ask for fewer days."]
    monkeypatch.setattr(historyfile, "MOST_ROWS", 12)
    assert len(file()) == 12


def test_it_reads_by_the_index(file, ana):
    fill(ana, 1200)
    with recorded() as plans:
        file()
    assert scans(plans) == []
