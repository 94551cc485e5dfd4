"""Her patterns as they are kept: each change once, guarded by the revision that was seen, with its audit
entry; and never more than there may be."""

import pytest
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.json.fields import Fields
from ground.mongodb.collections import collection
from lovense.models import Pattern
from lovense.patterns import library
from lovense.patterns.library import (
    MOST,
    NoSuchPattern,
    PatternChanged,
    PatternNameTaken,
    TooManyPatterns,
    WrongPattern,
)
from tests.ground.conftest import fail_command, in_threads
from tests.ground.plans import fill, recorded, scans
from tests.lovense.conftest import in_collection
from tests.lovense.patterns.written import TIDE, names, rewritten, saved, writing

__all__ = ["fail_command", "in_threads"]
pytestmark = pytest.mark.django_db


def entries():
    return list(collection(AuditEntry).find({"type": "pattern"}).sort("_id", 1))


# --- what one is -------------------------------------------------------------------------------------------


def test_they_are_listed_by_name_whatever_its_case(ana, carol):
    for name in ("tide", "Alarm", "Breath 2"):
        saved(ana, name)
    saved(carol, "Hers")
    assert names(ana) == ["Alarm", "Breath 2", "tide"]


def test_a_name_is_hers_once_whatever_its_case(ana, carol):
    saved(ana, "Tide")
    for same in ("tide", "TIDE", "Ｔide"):
        with pytest.raises(PatternNameTaken):
            saved(ana, same)
    other = saved(ana, "Other")
    with pytest.raises(PatternNameTaken):
        rewritten(ana, other, name="tIDE")
    assert saved(carol, "Tide")["name"] == "Tide"
    assert rewritten(ana, other, name="OTHER")["name"] == "OTHER"


def test_what_is_archived_gives_its_name_and_its_place_free(ana):
    row = saved(ana)
    library.archive(writing(ana), row["_id"], seen=1)
    assert names(ana) == []
    with pytest.raises(NoSuchPattern):
        library.owned(ana.pk, row["_id"])
    again = saved(ana)
    assert (again["slot"], again["_id"] == row["_id"]) == (row["slot"], False)
    assert collection(Pattern).find_one({"_id": row["_id"]})["text"] == TIDE


def test_another_performers_pattern_is_not_there(ana, carol):
    row = saved(ana)
    for attempt in (
        lambda: library.owned(carol.pk, row["_id"]),
        lambda: rewritten(carol, row, text="1 1s"),
        lambda: library.archive(writing(carol), row["_id"], seen=1),
    ):
        with pytest.raises(NoSuchPattern):
            attempt()
    assert library.owned(ana.pk, row["_id"]) == row


def test_who_saw_another_revision_is_told_and_nothing_is_written(ana):
    row = saved(ana)
    now = rewritten(ana, row, text="5 1s")
    with pytest.raises(PatternChanged) as late:
        rewritten(ana, row, text="6 1s")
    assert (late.value.details["seen"], late.value.details["revision"]) == (1, 2)
    assert late.value.details["pattern"]["text"] == "5 1s"
    with pytest.raises(PatternChanged):
        library.archive(writing(ana), row["_id"], seen=1)
    assert library.owned(ana.pk, row["_id"]) == now


def test_the_same_again_moves_no_revision(ana):
    row = saved(ana)
    assert rewritten(ana, row, name="Tide", text=TIDE) == row
    assert len(entries()) == 1


def test_each_change_is_in_the_audit_log_with_before_and_after(ana):
    row = rewritten(ana, saved(ana), text="5 1s")
    library.archive(writing(ana), row["_id"], seen=2)
    assert [(each["action"], each["target"], each["lane"]) for each in entries()] == [
        (action, row["_id"], ana.pk) for action in ("add", "change", "archive")
    ]
    changed, archived = entries()[1:]
    assert (changed["before"]["text"], changed["after"]["text"]) == (TIDE, "5 1s")
    assert archived["after"]["archived"]


# --- once, at once, and never more -------------------------------------------------------------------------


def test_there_are_no_more_than_may_be(ana, now):
    def row(n):
        about = {"name": f"n{n}", "name_key": f"n{n}", "slot": n + 1, "text": "1 1s"}
        kept = {"revision": 1, "changed_at": now, "archived_at": None}
        return {"_id": f"p{n}", "performer_id": ana.pk, **about, **kept}

    fill(Pattern, row, MOST - 1)
    last = saved(ana, "last")
    with pytest.raises(TooManyPatterns):
        saved(ana, "one more")
    library.archive(writing(ana), last["_id"], seen=1)
    assert saved(ana, "one more")["slot"] == last["slot"]


def test_one_name_at_the_same_moment_is_one_pattern(ana, in_threads):
    spelled = iter(("Tide", "tide", "TIDE", "tiDe"))

    def attempt():
        try:
            return saved(ana, next(spelled))["_id"]
        except PatternNameTaken:
            return ""

    made = in_threads(attempt, times=4, workers=4)
    assert len([each for each in made if each]) == 1
    assert len(names(ana)) == 1


def test_several_at_the_same_moment_have_places_of_their_own(ana, in_threads):
    spelled = iter("abcd")
    in_threads(lambda: saved(ana, next(spelled)), times=4, workers=4)
    assert sorted(row["slot"] for row in library.of(ana.pk)) == [1, 2, 3, 4]
    assert len(entries()) == 4


def test_of_two_writers_at_the_same_moment_one_is_late(ana, in_threads):
    row, texts = saved(ana), iter(("5 1s", "6 1s"))

    def attempt():
        try:
            return rewritten(ana, row, text=next(texts))["text"]
        except PatternChanged:
            return ""

    assert sorted(map(bool, in_threads(attempt, times=2, workers=2))) == [False, True]
    assert library.owned(ana.pk, row["_id"])["revision"] == 2


def test_a_change_that_cannot_be_recorded_is_not_made(ana, fail_command):
    saved(ana)
    fail_command("insert", errorCode=8000, **in_collection(AuditEntry))
    with pytest.raises(PyMongoError):
        saved(ana, "Other")
    assert (names(ana), len(entries())) == (["Tide"], 1)


def test_what_is_asked_of_patterns_is_found_by_an_index(ana, now):
    def row(n):
        about = {"name": f"n{n}", "name_key": f"n{n}", "slot": 1, "text": "1 1s"}
        kept = {"revision": 1, "changed_at": now, "archived_at": None}
        return {"_id": f"p{n}", "performer_id": f"{n:024x}", **about, **kept}

    fill(Pattern, row)
    with recorded() as plans:
        made = saved(ana)
        names(ana)
        library.texts(ana.pk, ["my/Tide", "level", "my/none"])
        library.archive(writing(ana), rewritten(ana, made, text="5 1s")["_id"], seen=2)
    assert scans(plans) == []


# --- what is said of one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name", "text"]),
        ({"name": "", "text": "1 1s"}, ["name"]),
        ({"name": "x" * 41, "text": "1 1s"}, ["name"]),
        ({"name": "a\u202eb", "text": "1 1s"}, ["name"]),
        ({"name": "a\x00", "text": "1 1s"}, ["name"]),
        ({"name": "a\ud800", "text": "1 1s"}, ["name"]),
        ({"name": 5, "text": 5}, ["name", "text"]),
        ({"name": "  ", "text": "21 1s"}, ["name", "text"]),
        ({"name": "a", "text": "1 1s", "performer_id": "x"}, ["performer_id"]),
        ({"name": "a", "text": "1 1s", "slot": 3}, ["slot"]),
    ],
)
def test_all_that_is_wrong_is_said_at_once(body, fields):
    with pytest.raises(WrongPattern) as wrong:
        library.wish(Fields(body, ""), is_new=True)
    assert [each["field"] for each in wrong.value.errors] == fields
    assert all(each["rule"] for each in wrong.value.errors)


def test_what_is_wrong_with_a_text_has_its_place():
    with pytest.raises(WrongPattern) as wrong:
        library.wish(Fields({"name": "a", "text": "1 1s\n21 1s"}, ""), is_new=True)
    assert (wrong.value.details["line"], wrong.value.details["column"]) == (2, 1)


def test_a_change_may_leave_out_what_stays():
    assert library.wish(Fields({"revision": 1, "text": "1 1s\r\n"}, ""), is_new=False) == (None, "1 1s\n")


def test_an_item_names_one_of_hers_with_a_prefix():
    names = ("my/Tide", "my/", "my/ a", "My/a", "my/a\n", "tide")
    assert [name for name in names if library.is_mine(name)] == ["my/Tide"]
