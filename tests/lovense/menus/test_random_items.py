"""Items that leave something to chance: what may be said of them, and that no way in or out loses it."""

import json

import pytest

from ground.json.fields import Fields
from lovense.menus import content, publishing, sheet, transfer, wishes
from lovense.menus.publishing import MOST_DRAWN, InvalidMenu, validated
from lovense.menus.wishes import InvalidItem
from tests.lovense.menus.offers import said

CHANCE = {
    "intensity": {"from": 5, "to": 15},
    "durationSec": {"from": 10, "to": 30},
    "patterns": [{"pattern": "wave", "weight": 3}, {"pattern": "my/storm", "weight": 1}],
}
DRAWN = ("pattern", "intensity", "durationSec")


def wish(random=CHANCE, title="lucky", **more):
    """As somebody asks for it who says nothing of what is drawn."""
    left_out = {*DRAWN, *(("minimum", "maximum") if "amount" in more else ())}
    plain = {name: value for name, value in said(title).items() if name not in left_out}
    return plain | {"random": random} | more


def item(random=CHANCE, title="lucky", **more):
    return wishes.new(wish(random, title, **more)) | {"itemId": title}


def errors(asked, now=None):
    with pytest.raises(InvalidItem) as caught:
        wishes.read(Fields(asked, ""), now)
    return {each.field: each.rule for each in caught.value.errors}


def test_what_is_drawn_need_not_be_said_and_its_own_field_holds_the_most():
    made = item()
    assert {name: made[name] for name in DRAWN} == {"pattern": "wave", "intensity": 15, "durationSec": 30}
    assert made["random"] == CHANCE


def test_a_value_beside_its_bounds_is_refused_and_never_ignored_in_silence():
    found = errors(wish(intensity=9, durationSec=30, pattern="my/storm"))
    assert found.keys() == {"intensity", "pattern"}
    assert found["intensity"] == "is drawn at random: must be left out, or be the highest, 15"


def test_what_was_drawn_keeps_its_highest_when_nothing_is_drawn_any_more():
    changed = wishes.read(Fields({"random": None}, ""), item()).item
    assert (changed["random"], changed["intensity"], changed["durationSec"]) == (None, 15, 30)


def test_other_bounds_take_the_items_own_field_along():
    changed = wishes.read(Fields({"random": {"intensity": {"from": 1, "to": 3}}}, ""), item()).item
    assert (changed["intensity"], changed["durationSec"], changed["pattern"]) == (3, 30, "wave")


def test_all_that_is_wrong_is_said_at_once_with_its_field():
    wrong = {"intensity": {"from": 9, "to": 5}, "durationSec": {"from": 0, "to": 3601}, "patterns": []}
    found = errors(wish(wrong, title="", **dict.fromkeys(("cooldownSec", "stock", "odd"), 1)))
    assert {"random", "title", "odd"} <= found.keys()
    assert all(name in found["random"] for name in wrong)


def test_an_unknown_pattern_and_a_name_that_random_does_not_have_are_refused():
    assert "must be one of" in errors(wish({"patterns": [{"pattern": "storm", "weight": 1}]}))["random"]
    assert "must be null" in errors(wish({"strength": {"from": 1, "to": 2}}))["random"]


def test_ramps_fit_into_the_shortest_that_may_be_drawn():
    random = {"durationSec": {"from": 4, "to": 30}}
    asked = wish(random, pattern="level", intensity=5)
    assert wishes.new(asked | {"rampInSec": 2, "rampOutSec": 2})
    assert "the 4 s" in errors(asked | {"rampInSec": 3, "rampOutSec": 2})["rampOutSec"]


def test_a_menu_leaves_no_more_patterns_to_chance_than_a_version_has_room_for():
    many = {"patterns": [{"pattern": f"my/{n}", "weight": 1} for n in range(20)]}
    plain = {"intensity": 5, "durationSec": 5}
    items = [item(many, f"n{n}", amount=n + 1, **plain) for n in range(MOST_DRAWN // 20 + 1)]
    assert validated(content.numbered(items[:-1]))
    with pytest.raises(InvalidMenu, match="to chance"):
        validated(content.numbered(items))


def test_patterns_that_may_be_drawn_are_held_by_value_and_one_that_is_gone_is_named():
    (kept,) = content.resolved([item()], {"my/storm": "20 1s"})
    assert kept["patternTexts"] == {"my/storm": "20 1s"}
    assert not publishing.is_gone(kept)
    assert publishing.is_gone(item())
    (error,) = publishing.missing_patterns([item()], {})
    assert (error.field, error.rule) == ("random", "you have no pattern storm")


def test_a_pattern_that_was_rewritten_is_other_content():
    was, now = (content.resolved([item()], {"my/storm": text}) for text in ("20 1s", "10 1s"))
    assert content.diff(was, was).is_empty
    (change,) = content.diff(was, now).changed
    assert list(change.fields) == ["patternText"]


def test_other_bounds_are_a_change_of_that_field():
    other = item({"intensity": {"from": 4, "to": 15}}, pattern="wave", durationSec=30)
    (change,) = content.diff([item()], [other]).changed
    assert change.fields == {"random": (CHANCE, {"intensity": {"from": 4, "to": 15}})}


def test_json_and_csv_give_it_back_as_it_was_byte_for_byte():
    items = [item(), item({"intensity": {"to": 9, "from": 2}}, title="b", pattern="level", durationSec=5)]
    written = json.dumps(transfer.written(items))
    back = transfer.read(Fields(json.loads(written), ""))
    assert back == items
    assert json.dumps(transfer.written(back)) == written
    assert [line.item for line in sheet.read(sheet.written(items))] == items


def test_a_version_keeps_it_and_a_plain_item_keeps_nothing_of_it():
    kept = validated(content.numbered([item()]))
    assert content.listed(kept) == [item()]
    assert "random" not in validated([said("plain") | {"itemId": "p"}])[0]
