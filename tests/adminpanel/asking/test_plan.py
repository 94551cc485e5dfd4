"""How a list is read: the index that finds the fewest, a bounded look at the rest, and places that nobody
makes up. The list is the audit log's."""

import random
from datetime import timedelta
from unittest import mock

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from adminpanel.asking import grammar, plan
from adminpanel.asking.grammar import NotUnderstood
from adminpanel.lists.audit import LISTED
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.ground.plans import fill, recorded, scans

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ACTORS, ACTIONS = ("ana", "dina", "page"), ("pause", "resume", "stop", "set")


def row(number, **more):
    """One a minute, the first the newest."""
    drawn = random.Random(number)
    usual = {
        "type": drawn.choice(("performer", "request")),
        "action": drawn.choice(ACTIONS),
        "actor": drawn.choice(ACTORS),
        "target": f"target-{number % 7}",
        "lane": "",
        "before": None,
        "after": {"n": number},
        "why": "",
        "at": NOW - number * MINUTE,
        "hashed_ip": None,
        "success": drawn.random() < 0.9,
    }
    return usual | more


def kept(*rows):
    collection(AuditEntry).insert_many([dict(each) for each in rows])


def made(query, now=NOW):
    return plan.made(LISTED, grammar.parse(query, LISTED.keys), now=now + MINUTE)


def numbers(found):
    return [each["after"]["n"] for each in found.rows]


def asked(query, **more):
    return plan.slice_of(made(query), **more)


# --- what is found -----------------------------------------------------------------------------------------

QUERIES = {
    "": lambda each: True,
    "actor:ana": lambda each: each["actor"] == "ana",
    "actor:ana,dina action:pause": lambda each: each["actor"] != "page" and each["action"] == "pause",
    "-actor:ana": lambda each: each["actor"] != "ana",
    "success:false": lambda each: not each["success"],
    "-success:false type:request": lambda each: each["success"] and each["type"] == "request",
    "target:target-3 -action:stop,set": lambda each: (
        each["target"] == "target-3" and each["action"] not in ("stop", "set")
    ),
    "since:2h": lambda each: each["at"] >= NOW + MINUTE - timedelta(hours=2),
    "before:1h actor:page": lambda each: (
        each["at"] < NOW + MINUTE - timedelta(hours=1) and each["actor"] == "page"
    ),
    '"a Party"': lambda each: "a party" in each["why"],
    '-"a party" has:reason': lambda each: each["why"] and "a party" not in each["why"],
    '".*"': lambda each: False,
    "actor:$ne": lambda each: False,
    "has:before": lambda each: False,
}


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_found_is_what_the_terms_say_newest_first(query):
    whys = ("", "at a party", "tired")
    rows = [row(number, why=whys[number % 3]) for number in range(300)]
    kept(*rows)
    wanted = [each["after"]["n"] for each in rows if QUERIES[query](each)]
    found = asked(query, limit=200)
    assert numbers(found) == wanted[:200]
    assert plan.count(made(query)).number == len(wanted)
    everything = [each["after"]["n"] for each in plan.every(made(query), most=1000)]
    assert everything == wanted
    assert plan.count_every(made(query), most=1000) == len(wanted)


def test_a_tip_is_its_request_and_its_activation_too(ana):
    tip = str(ObjectId())
    kept(row(1, target=tip), row(2, target=f"{tip}.all"), row(3), row(4, target=str(ObjectId())))
    assert numbers(asked(f"tip:{tip}")) == [1, 2]


def test_a_performer_is_named_or_her_id_is(ana, carol):
    kept(row(1, lane=ana.pk), row(2, lane="x"), row(3, lane=ana.pk))
    assert numbers(asked("performer:ana")) == numbers(asked(f"performer:{ana.pk}")) == [1, 3]
    with pytest.raises(NotUnderstood) as wrong:
        asked("actor:dina performer:nobody")
    assert wrong.value.at == 11


def test_an_address_is_named_by_the_beginning_of_its_hash():
    kept(row(1, hashed_ip="a" * 64), row(2, hashed_ip="a" * 20 + "b" * 44), row(3, hashed_ip="c" * 64))
    assert numbers(asked("address:cccccccccccc")) == [3]
    assert numbers(asked(f"address:{'a' * 64}")) == [1]
    for none in ("aaaaaaaaaaaa", "dddddddddddd"):
        with pytest.raises(NotUnderstood):
            asked(f"address:{none}")


# --- how far -----------------------------------------------------------------------------------------------


def test_without_a_bound_of_its_own_a_question_goes_back_ninety_days():
    day = timedelta(days=1)
    kept(row(1, at=NOW - 89 * day), row(2, at=NOW - 91 * day), row(3, at=NOW - 400 * day))
    assert (numbers(asked("")), made("").is_bounded) == ([1], True)
    assert (numbers(asked("archive:yes")), made("archive:yes").is_bounded) == ([1, 2, 3], False)
    assert numbers(asked("since:100d")) == [1, 2]
    assert numbers(asked("before:90d")) == [2]  # ninety days back from there


def test_what_no_index_answers_is_looked_for_in_so_many_rows_and_goes_on_from_there(monkeypatch):
    monkeypatch.setattr(plan, "LOOKED_AT", 100)
    kept(*(row(number, why="rare" if number in (30, 170, 250) else "") for number in range(260)))
    first = asked('"rare"')
    assert numbers(first) == [30]
    assert first.gave_up.moment == NOW - 99 * MINUTE
    assert plan.count(made('"rare"')) == (1, False)
    second = asked('"rare"', after=plan.cursor_of(LISTED, first.gave_up))
    third = asked('"rare"', after=plan.cursor_of(LISTED, second.gave_up))
    assert (numbers(second), numbers(third), third.gave_up) == ([170], [250], None)


def test_what_is_near_is_found_without_a_look_at_the_rest(many, monkeypatch):
    monkeypatch.setattr(plan, "NEAR", 1_200)
    _, plans = indexes_of("-actor:ana")
    assert max(each.examined for each in plans) <= 1_202
    found, plans = indexes_of("-actor:dina,page", limit=8)
    assert 0 < len(found.rows) < 8
    assert found.gave_up
    assert max(each.examined for each in plans) <= 1_202


def test_what_is_not_near_is_looked_for_farther_where_one_goes_on(monkeypatch):
    monkeypatch.setattr(plan, "NEAR", 20)
    kept(*(row(number, why="rare" if number in (30, 170) else "") for number in range(260)))
    first = asked('"rare"')
    assert (numbers(first), plan.count(made('"rare"'))) == ([], (0, False))
    found = asked('"rare"', after=plan.cursor_of(LISTED, first.gave_up))
    assert (numbers(found), found.gave_up) == ([30, 170], None)


def test_what_no_key_tells_is_looked_for_in_few_documents_and_then_in_more(db):
    fill(AuditEntry, lambda n: row(n, before={"n": n} if n % 200 == 7 else None), count=2_500)
    first, plans = indexes_of("has:before")
    assert (len(first.rows), bool(first.gave_up)) == (1, True)
    assert max(each.documents for each in plans) <= plan.NEAR_IN_FULL
    found = asked("has:before", after=plan.cursor_of(LISTED, first.gave_up))
    assert (len(found.rows), found.gave_up) == (12, None)


@pytest.mark.parametrize(
    "query", ['"rare"', "has:reason", "-has:reason", "-success:false", '-success:false "rare"']
)
@pytest.mark.parametrize("bound", ["", " archive:yes"])
def test_what_is_looked_at_is_told_by_keys_alone(db, query, bound):
    fill(AuditEntry, lambda n: row(n, why="a rare one" if n % 50 == 7 else ""), count=2_500)
    found, plans = indexes_of(f"{query}{bound}")
    assert found.rows
    assert max(each.documents for each in plans if each.command == "find") <= len(found.rows) + 1
    assert max(each.documents for each in plans if each.command == "aggregate") == 0


def test_what_an_index_answers_alone_is_not_given_up(monkeypatch):
    monkeypatch.setattr(plan, "LOOKED_AT", 10)
    kept(*(row(number, actor="ana") for number in range(30)))
    found = asked("actor:ana", limit=25)
    assert (len(found.rows), found.gave_up, bool(found.older)) == (25, None, True)


def test_no_more_than_a_thousand_are_counted():
    fill(AuditEntry, row, count=1500)
    assert plan.count(made("")) == (plan.COUNTED + 1, True)


# --- places ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "actor:ana", "-actor:page type:performer"])
def test_slices_older_and_newer_are_the_whole_list_each_row_once(query):
    same_moment = [row(number, at=NOW - (number // 9) * MINUTE) for number in range(150)]
    kept(*same_moment)
    whole = [each["_id"] for each in asked(query, limit=200).rows]
    slices, after = [], ""
    while True:
        found = asked(query, after=after, limit=10)
        slices.append([each["_id"] for each in found.rows])
        if not found.older:
            break
        after = found.older
    assert [key for some in slices for key in some] == whole
    back = asked(query, after=after, limit=10)
    for expected in reversed(slices[:-1]):
        back = asked(query, before=back.newer, limit=10)
        assert [each["_id"] for each in back.rows] == expected
    assert back.newer == ""


@given(
    by_moment=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    reaches=st.tuples(st.integers(1, 12), st.integers(1, 30)),
    limit=st.integers(1, 9),
    rare=st.integers(1, 9),
)
@settings(max_examples=40, deadline=None)
def test_however_far_is_looked_each_row_comes_once_there_and_back(by_moment, reaches, limit, rare):
    """Also where many are of one moment, and a look ends among them."""
    moments = [place for place, count in enumerate(by_moment) for _ in range(count)]
    rows = [
        row(n, at=NOW - place * MINUTE, why="" if n % rare else "rare") for n, place in enumerate(moments)
    ]
    collection(AuditEntry).delete_many({})
    kept(*rows)
    order = sorted(collection(AuditEntry).find({"why": "rare"}), key=lambda each: (each["at"], each["_id"]))
    with mock.patch.multiple(plan, NEAR=reaches[0], LOOKED_AT=reaches[1]):
        found, there, back = asked('"rare"', limit=limit), [], []
        there += found.rows
        while on := found.older or (found.gave_up and plan.cursor_of(LISTED, found.gave_up)):
            found = asked('"rare"', after=on, limit=limit)
            there += found.rows
        back = found.rows[::-1]
        while found.newer:
            found = asked('"rare"', before=found.newer, limit=limit)
            back += [each for each in found.rows[::-1] if found.newer or each not in back]
    assert [each["_id"] for each in there] == [each["_id"] for each in order[::-1]]
    assert [each["_id"] for each in back] == [each["_id"] for each in order]


def test_a_slice_stays_where_it_is_when_more_comes():
    kept(*(row(number) for number in range(10, 40)))
    place = asked("", limit=10).older
    before = numbers(asked("", after=place, limit=10))
    kept(*(row(number) for number in range(5)))
    assert numbers(asked("", after=place, limit=10)) == before
    assert plan.newer_than(made(""), asked("", after=place, limit=10).newer) > 0


def test_a_place_that_is_none_begins_anew_and_says_so():
    kept(*(row(number) for number in range(30)))
    place = asked("", limit=10).older
    other = plan.Signer(salt="place.tips").sign(place.partition(":")[0])
    gone = asked("", limit=10).rows[-1]["_id"]
    forged = f"{ObjectId()}:{place.partition(':')[2]}"
    first = numbers(asked("", limit=10))
    for wrong in (other, forged, "x", place[:-1], f"{place}\0", "507f191e810c19729de860ea", ":"):
        found = asked("", after=wrong, limit=10)
        assert (numbers(found), found.is_lost) == (first, True), wrong
        assert asked("", before=wrong, limit=10).is_lost
    collection(AuditEntry).delete_one({"_id": gone})
    assert asked("", after=place, limit=10).is_lost
    assert not asked("", limit=10).is_lost


def test_how_many_are_newer_is_told():
    kept(*(row(number) for number in range(10, 20)))
    top = asked("", limit=3)
    cursor = plan.cursor_of(LISTED, plan.place_of(LISTED, top.rows[0]))
    assert plan.newer_than(made(""), cursor) == 0
    kept(*(row(number, actor="ana") for number in range(4)), row(5, actor="page"))
    assert plan.newer_than(made(""), cursor) == 5
    assert plan.newer_than(made("actor:ana"), cursor) == 4
    assert plan.newer_than(made(""), "x") == 0


def test_of_newer_ones_those_are_told_that_a_first_look_finds(monkeypatch):
    monkeypatch.setattr(plan, "NEAR", 100)
    kept(*(row(number, why="rare" if number > 150 else "") for number in range(200)))
    first = asked('"rare"')
    place = plan.cursor_of(LISTED, first.gave_up)
    assert (numbers(first), plan.newer_than(made('"rare"'), place)) == ([], 0)
    assert plan.newer_than(made('"rare"'), "") == 0
    kept(row(-1, why="rare"), row(-2), row(-3, why="rare"))
    assert plan.newer_than(made('"rare"'), place) == 2


def test_back_over_what_was_looked_at_in_vain_goes_as_far_as_forth(monkeypatch):
    monkeypatch.setattr(plan, "LOOKED_AT", 100)
    kept(*(row(number, why="rare" if number in (30, 299) else "") for number in range(300)))
    last = collection(AuditEntry).find_one({"after.n": 299})
    seen, place = [], plan.cursor_of(LISTED, plan.place_of(LISTED, last))
    while place:
        found = asked('"rare"', before=place)
        seen.append(numbers(found))
        place = found.newer
    assert seen == [[], [], [30], [30]]


# --- by which index ----------------------------------------------------------------------------------------


def indexes_of(query, **more):
    with recorded(run=True) as plans:
        found = plan.slice_of(made(query), **more)
        plan.count(made(query))
    rows = [each for each in plans if each.collection == "audit_entries"]
    assert scans(rows) == []
    return found, rows


@pytest.fixture
def many(db):
    """Few of ana's, many of everything else."""
    actors = ("dina", "page")
    fill(
        AuditEntry,
        lambda n: row(n, actor="ana" if n % 500 == 7 else actors[n % 2], lane="L1" if n % 3 else "L2"),
    )


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "audit_by_time"),
        ("actor:ana", "audit_by_actor"),
        ("actor:dina,page", "audit_by_actor"),
        ("action:stop", "audit_by_action"),
        ("type:request", "audit_by_type"),
        ("success:false", "audit_by_success"),
        ("target:target-3", "audit_by_target"),
        ("-success:false", "audit_by_time"),
        ("action:stop actor:ana", "audit_by_actor"),
        ("target:target-3 actor:ana", "audit_by_actor"),
        ("actor:dina action:stop", "audit_by_actor"),
        ("type:request success:false", "audit_by_success"),
        ("actor:dina since:1d", "audit_by_actor"),
    ],
)
def test_the_index_that_finds_the_fewest_answers_and_what_is_examined_is_bounded(many, query, index):
    found, plans = indexes_of(query)
    finds = [each for each in plans if each.command == "find"]
    assert {name for each in finds for name in each.indexes} == {index}
    assert found.rows
    documents = max(each.documents for each in finds)
    assert documents <= 3 * len(found.rows) + 200


def test_a_place_in_the_middle_is_found_by_its_index(many):
    place = plan.slice_of(made("actor:dina"), limit=50).older
    _, plans = indexes_of("actor:dina", after=place)
    assert max(each.documents for each in plans if each.command == "find") <= 52
    _, plans = indexes_of("actor:dina", before=place)
    assert max(each.documents for each in plans if each.command == "find") <= 52


def test_how_far_is_looked_from_a_place_on_is_told_by_keys_alone(many):
    query = "-actor:dina,page"
    for way in ("after", "before"):
        place = plan.place_of(LISTED, collection(AuditEntry).find_one({"after.n": 1_200}))
        found, plans = indexes_of(query, **{way: plan.cursor_of(LISTED, place)})
        finds = [each for each in plans if each.command == "find"]
        assert found.rows
        assert max(each.documents for each in finds) <= len(found.rows) + 1, way
