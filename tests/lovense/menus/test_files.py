"""Menus that come in and go out as text and as CSV, and what is shipped: every line is answered, and what is
written comes back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.json.fields import Malformed
from lovense.menus import content, sheet, shipped, textmenu, wishes
from lovense.menus.publishing import MAXIMUM_ITEMS, validated
from lovense.menus.report import items_of
from tests.lovense.menus.offers import said
from tests.lovense.menus.test_lint import LUSH, NORA, draft, linter
from tests.lovense.menus.test_parts import HERS, spoken
from tests.properties import EXAMPLES


def one(line):
    (found,) = textmenu.read(line)
    return found


def answered(line):
    """Its amounts, its title, and what it does."""
    item = one(line).item
    assert item is not None, one(line).why
    does = item["pattern"], item["intensity"], item["durationSec"]
    return item["minimum"], item["maximum"], item["title"], *does


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("10 - title", (10, 10, "title", "level", 10, 10)),
        ("10--title", (10, 10, "title", "level", 10, 10)),
        ("15 six sec medium", (15, 15, "six sec medium", "level", 10, 6)),
        ("10-20 title", (10, 20, "title", "level", 10, 10)),
        ("10 \u2013 20: title", (10, 20, "title", "level", 10, 10)),
        ("10 to 20 tokens title", (10, 20, "title", "level", 10, 10)),
        ("50+ title", (50, None, "title", "level", 10, 10)),
        ("50 tokens and more - all", (50, None, "all", "level", 10, 10)),
        ("10 - 5 sec low", (10, 10, "5 sec low", "level", 5, 5)),
        ("1,000 x", (1000, 1000, "x", "level", 10, 10)),
        ("1.000.000 x", (1_000_000, 1_000_000, "x", "level", 10, 10)),
        ("1 000 tokens x", (1000, 1000, "x", "level", 10, 10)),
        ("1 000 - x", (1000, 1000, "x", "level", 10, 10)),
        (
            "\u2022 25tk: Waves for 2 min, ultra high",
            (25, 25, "Waves for 2 min, ultra high", "wave", 20, 120),
        ),
        ("30 heartbeat, 5 s", (30, 30, "heartbeat, 5 s", "heartbeat", 10, 5)),
        ("30-49: my/storm, 10 s", (30, 49, "my/storm, 10 s", "my/storm", 10, 10)),
        ("30 My/Big storm", (30, 30, "My/Big storm", "my/Big storm", 10, 10)),
        ("99 pulse strength 7 thirty seconds", (99, 99, "pulse strength 7 thirty seconds", "pulse", 7, 30)),
    ],
)
def test_a_line_is_read_as_people_write_it(line, found):
    assert answered(line) == found


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("20-10 x", "ends below where it begins"),
        ("0 x", "from 1 to"),
        ("-5 x", "not below 1"),
        ("1.000,5 x", "whole number"),
        ("1.5 x", "whole number"),
        ("10 100 percent fun", "one number or two"),
        ("no number", "does not begin with an amount"),
        ("\uff11\uff10 x", "does not begin with an amount"),
        ("9" * 300 + " x", "from 1 to"),
        ("10 " + "x" * 1000, "at most 1000 characters"),
        ("10 x 9000 s", "durationSec must be a whole number"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line, why):
    found = one(line)
    assert (found.outcome, found.item) == ("refused", None)
    assert why in found.why


def test_what_is_supposed_is_noted_and_the_others_stay():
    lines = textmenu.read("10 hello; 20-10 x\n\n30 wave, 5 sec, strong\r\n10 again")
    assert [(each.number, each.outcome) for each in lines] == [
        (1, "noted"),
        (2, "refused"),
        (3, "taken"),
        (4, "refused"),
    ]
    assert lines[0].why == "no strength is said, 10 of 20 is supposed; no seconds are said, 10 are supposed."
    assert lines[3].why == "Line 1 has these tokens already."


def test_a_line_without_a_title_gets_one_that_says_what_it_does():
    assert answered("10")[2] == "Level for 10 s"
    assert len(answered("10 " + "title " * 40)[2]) <= 80


def test_of_five_thousand_lines_each_is_answered():
    lines = textmenu.read("\n".join(f"{number} x 5 s low" for number in range(1, 5002)))
    assert len(lines) == 5001
    assert len(items_of(lines)) == MAXIMUM_ITEMS
    assert all("at most 500 items" in each.why for each in lines[500:5000])
    assert "5000 lines" in lines[-1].why


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_is_too_much_for_it(text):
    for each in textmenu.read(text):
        assert (each.item is None) == (each.outcome == "refused")
        assert each.item or each.why


def test_a_text_menu_is_read_as_it_was_written():
    (exact, ranged, endless) = (
        wishes.new(said(title, minimum=low, maximum=high))
        for title, low, high in (("Wave; soft", 10, 10), ("2 sec of it", 20, 30), ("All", 1000, None))
    )
    lines = textmenu.read(textmenu.written([exact, ranged, endless, exact | {"active": False}]))
    assert [each.outcome for each in lines] == ["taken"] * 3
    plain = ("minimum", "maximum", "pattern", "intensity", "durationSec")
    for item, read in zip([exact, ranged, endless], items_of(lines), strict=True):
        assert {name: read[name] for name in plain} == {name: item[name] for name in plain}
    assert [item["title"] for item in items_of(lines)] == ["Wave, soft", "2 sec of it", "All"]


@pytest.mark.parametrize("pattern", ["level", "heartbeat", "my/storm", "my/wave, twice (soft)"])
def test_a_line_that_was_written_names_its_own_pattern_whatever_its_title_says(pattern):
    item = wishes.new(said("A wave", pattern=pattern))
    (read,) = items_of(textmenu.read(textmenu.written([item])))
    assert (read["pattern"], read["title"]) == (pattern, "A wave")


# --- CSV ---------------------------------------------------------------------------------------------------

TITLES = st.sampled_from(["=1+1", "+x", "-x", "@x", "'x", "''=x", 'a "b", c', "a;b", "\u00e9\U0001f525", "x"])


@settings(max_examples=max(100, EXAMPLES // 5), deadline=None)
@given(st.lists(st.tuples(spoken, TITLES, st.booleans(), st.none() | st.integers(60, 2**53 - 1)), max_size=5))
def test_a_sheet_comes_back_as_it_was(menu):
    items = [
        item | {"title": title, "section": title, "active": active, "maximum": high}
        for item, title, active, high in menu
    ]
    text = sheet.written(items)
    assert items_of(sheet.read(text, HERS)) == items
    assert items_of(sheet.read("\ufeff" + text.replace("\r\n", "\n"), HERS)) == items
    for cell in text.replace("\r\n", ",").split(","):
        assert not cell.startswith(("=", "+", "-", "@", "\t"))


def test_a_sheet_of_somebody_else_has_the_columns_that_it_has():
    lines = sheet.read(
        "title;minimum;pattern;intensity;durationSec\nHi;10;level;5;5\nBad;0;level;5;5\n;;;;\n"
    )
    assert [(each.number, each.outcome) for each in lines] == [(2, "taken"), (3, "refused")]
    assert lines[0].item["maximum"] is None
    assert "minimum must be a whole number" in lines[1].why


@pytest.mark.parametrize("cell", ["LOW", "low", '"""LOW"""'])
def test_a_priority_is_written_as_a_word_and_read_as_people_type_it(cell):
    (line,) = sheet.read(f"title,minimum,pattern,intensity,durationSec,priority\nHi,10,level,5,5,{cell}\n")
    assert line.item["priority"] == "LOW"
    assert ",LOW," in sheet.written([line.item | {"itemId": "hi"}])
    (refused,) = sheet.read("title,minimum,pattern,intensity,durationSec,priority\nHi,10,level,5,5,later\n")
    assert "priority" in refused.why


@pytest.mark.parametrize(
    "text",
    [
        "",
        "title,price\nx,1",
        "title,title\nx,y",
        "minimum\n1",
        "title\n\x00",
        'title\n"x',
        "title\n" + "x" * 20_000,
    ],
)
def test_what_is_no_such_sheet_is_refused(text):
    with pytest.raises(Malformed):
        sheet.read(text)


def test_of_a_sheet_of_many_lines_each_is_answered_up_to_five_thousand():
    lines = sheet.read("title,minimum,pattern,intensity,durationSec\n" + "x,1,level,5,5\n" * 6000)
    assert (len(lines), len(items_of(lines))) == (5001, MAXIMUM_ITEMS)
    assert "5000 lines" in lines[-1].why


@pytest.mark.parametrize("cell", ["ten", "[", "1,2", '1,"x":2', "NaN", "[" * 100])
def test_a_cell_that_is_no_json_is_refused_with_its_line(cell):
    quoted = cell.replace('"', '""')
    (found,) = sheet.read(f'title,minimum,pattern,intensity,durationSec\nx,"{quoted}",level,5,5')
    assert (found.outcome, found.number) == ("refused", 2)


def test_a_file_in_another_encoding_is_refused_with_a_sentence():
    assert sheet.decoded("\ufeffé".encode()) == "é"
    for file in ("é".encode("utf-16"), "ab".encode("utf-16-le"), "é".encode("latin-1")):
        with pytest.raises(Malformed, match="UTF-8"):
            sheet.decoded(file)


# --- what is shipped ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped.TEMPLATES)
def test_a_template_breaks_no_rule_and_surprises_nobody(name):
    items = [wishes.new(each) for each in shipped.TEMPLATES[name].items]
    assert validated(content.numbered(items))
    assert linter(LUSH, NORA).findings(draft(items)) == []


def test_at_least_five_are_shipped():
    assert len(shipped.TEMPLATES) >= 5


LEVEL = {
    "name": "level1",
    "special": "",
    "minimum": 5,
    "maximum": 9,
    "seconds": 3,
    "vibration": 4,
    "rotation": 0,
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, ("level", 4, 3, "")),
        ({"seconds": 0}, ("level", 4, 10, "no seconds are known, 10 are supposed")),
        (
            {"vibration": None, "special": "pulse"},
            ("pulse", 10, 3, "no strength is known, 10 of 20 is supposed"),
        ),
        ({"rotation": 8}, ("level", 8, 3, "")),
        ({"special": "giveControl"}, "giveControl is done by the extension alone."),
        ({"vibration": 0}, "It moves none of your devices."),
    ],
)
def test_each_level_of_an_extension_is_answered(change, found):
    (taken,) = shipped.of_levels([LEVEL | change], {"Vibrate", "Rotate"})
    if taken.item is None:
        assert taken.note == found
        return
    item = wishes.new(taken.item, HERS)
    assert (item["pattern"], item["intensity"], item["durationSec"], taken.note) == found
    assert item["functions"] == ({"Vibrate": 50, "Rotate": 100} if change.get("rotation") else {})


def test_a_rotation_that_nothing_does_is_left_out_and_said():
    (taken,) = shipped.of_levels([LEVEL | {"rotation": 8}], {"Vibrate"})
    assert "functions" not in taken.item
    assert taken.note == "none of your devices rotates, so its rotation is left out"
