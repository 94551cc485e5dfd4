"""What a menu says: whole items, their order, and what differs between two."""

import json

import bson
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.json import fields
from lovense.menus import content, publishing, starter, transfer, wishes
from lovense.menus.matching import explained, match
from lovense.menus.publishing import MAXIMUM_ITEMS, validated
from tests.lovense.menus.offers import said
from tests.properties import EXAMPLES


def items(*titles, **more):
    return [wishes.new(said(title, **more)) | {"itemId": title} for title in titles]


def names(found):
    return [item["itemId"] for item in found]


def test_a_plain_item_is_kept_with_its_eight_fields_alone():
    (kept,) = validated(content.numbered(items("a")))
    assert set(kept) == {
        "itemId",
        "title",
        "minimum",
        "maximum",
        "pattern",
        "intensity",
        "durationSec",
        "order",
    }


def test_what_is_kept_is_read_as_it_was_said():
    whole = items("a", description="Soft", section="Short", active=False) + items("b")
    assert content.listed(validated(content.numbered(whole))) == whole


def test_the_largest_menu_there_may_be_is_under_two_mebibytes():
    fire = "\U0001f525"
    widest = {"title": fire * 80, "description": fire * 200, "section": fire * 40, "itemId": "i" * 36}
    plain = items(*map(str, range(MAXIMUM_ITEMS)), minimum=2**53 - 2, maximum=2**53 - 1)
    largest = content.numbered(item | widest for item in plain)
    assert [item for item in largest if publishing.item_errors(item, 1)] == []
    assert len(bson.encode({"items": largest})) < 2 * 2**20


def test_what_is_shipped_to_begin_with_breaks_no_rule_and_leaves_no_gap():
    shipped = validated(content.numbered(wishes.new(each) for each in starter.STARTER))
    assert len(shipped) == 5
    assert all(match(shipped, amount) for amount in range(10, 300))


# --- what differs ------------------------------------------------------------------------------------------


def test_a_difference_names_what_was_added_removed_changed_and_moved():
    before = items("a", "b", "c", "d")
    after = [before[3], before[0], before[1] | {"intensity": 9, "maximum": None}, *items("e")]
    found = content.diff(before, after)
    assert (names(found.added), names(found.removed), names(found.moved)) == (["e"], ["c"], ["d"])
    (change,) = found.changed
    assert change.item["itemId"] == "b"
    assert change.fields == {"intensity": (8, 9), "maximum": (49, None)}


def test_nothing_differs_from_itself():
    same = items("a", "b")
    assert content.diff(same, list(same)).is_empty
    assert content.diff([], []).is_empty


@given(st.permutations(list("abcdefg")))
def test_those_that_did_not_move_stand_as_they_stood_and_are_the_most_that_do(order):
    before = items(*"abcdefg")
    by_name = {item["itemId"]: item for item in before}
    moved = set(names(content.diff(before, [by_name[name] for name in order]).moved))
    still = [name for name in order if name not in moved]
    assert still == sorted(still)
    assert len(still) == longest_rising(order)


def longest_rising(order):
    """The plain definition."""
    lengths = []
    for place, name in enumerate(order):
        lengths.append(1 + max((lengths[at] for at in range(place) if order[at] < name), default=0))
    return max(lengths)


# --- because -----------------------------------------------------------------------------------------------


def test_an_inactive_item_answers_no_amount():
    off, on = items("off", active=False), items("on", minimum=1, maximum=None)
    assert match(validated(content.numbered(off)), 30) is None
    assert match(validated(content.numbered(off + on)), 30)["itemId"] == "on"


def test_the_answer_says_because_of_what():
    several = content.numbered(
        items("exact", minimum=30, maximum=30)
        + items("narrow", minimum=26, maximum=40)
        + items("alike", minimum=27, maximum=41)
        + items("wide", minimum=1, maximum=None)
    )
    expected = {30: "exact", 26: "narrowest", 28: "first", 42: "only"}
    for amount, code in expected.items():
        found = explained(several, amount)
        assert (found.code, found.item) == (code, match(several, amount))
    nothing = explained(several[:2], 500)
    assert nothing[:3] == (None, "no_match", "No active item answers 500 tokens.")


# --- files -------------------------------------------------------------------------------------------------

texts = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=40)
amounts = st.integers(1, 2**53 - 1)
spoken = st.builds(
    lambda title, section, ends, strength, active: said(
        title, section=section, minimum=min(ends), maximum=max(ends), intensity=strength, active=active
    ),
    texts,
    st.just("") | texts,
    st.tuples(amounts, amounts),
    st.integers(1, 20),
    st.booleans(),
)


@settings(max_examples=max(100, EXAMPLES // 5), deadline=None)
@given(st.lists(spoken, max_size=5))
def test_what_is_written_is_read_as_it_was_and_written_the_same_again(menu):
    whole = [wishes.new(each) for each in menu]
    file = json.dumps(transfer.written(whole))
    assert transfer.read(fields.read(file.encode())) == whole
    assert json.dumps(transfer.written(transfer.read(fields.read(file.encode())))) == file
