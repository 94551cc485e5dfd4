"""A pattern on its pad: levels of 0.1 s from a text and back, its page, and a test of what is not saved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground import clock
from lovense.page import patternpad
from lovense.page.patternform import DrawnText
from tests.lovense.devices.reports import from_page, toy
from tests.lovense.patterns.test_page import page, press, told
from tests.lovense.patterns.written import names, rewritten, saved
from tests.lovense.rounds import hold
from tips.queue import counts

__all__ = ["page", "press"]


def levels_of(text):
    return patternpad.of(DrawnText(text)).levels


@given(st.lists(st.integers(0, 20), min_size=1, max_size=patternpad.MOST_COLUMNS))
def test_what_is_drawn_is_what_its_text_plays(levels):
    assert levels_of(patternpad.text_of(" ".join(map(str, levels)))) == levels


@pytest.mark.parametrize("said", ["", "21", "-1", "x", "1 2 x", "٣", "1.5"])
def test_what_no_pad_says_is_no_text(said):
    assert patternpad.text_of(said) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10 31s", patternpad.TOO_LONG),
        ("{vibrate 10, rotate 5} 2s", patternpad.NAMED),
        ("10 2", patternpad.UNREAD),
        ("10 30s", ""),
    ],
)
def test_what_a_pad_cannot_show_says_why(text, why):
    assert patternpad.of(DrawnText(text)).why == why


def test_the_mark_stands_under_the_column_that_is_wrong():
    line, mark = DrawnText("10 2s\n5 1s, 21 2s").at
    assert (line, mark) == ("5 1s, 21 2s", "      ^")
    long, under = DrawnText("1 1s, " * 20 + "21 1s").at
    assert long[under.index("^") :].startswith("21 1s")


@pytest.mark.django_db
def test_a_drawing_comes_back_as_text_and_a_text_as_a_drawing(press, ana):
    drawn = press("drawn", source="pad", levels="10 10 0 0 0", text="1 1s").content.decode()
    assert "10 0.2s, 0 0.3s" in drawn
    assert "<path" in drawn
    typed = press("drawn", text="10 0.2s, 0 0.1s").content.decode()
    assert 'data-levels="10 10 0"' in typed
    assert "^" in press("drawn", text="21 2s").content.decode()


@pytest.mark.django_db
def test_each_has_a_page_of_its_own_without_scripts_too(client, ana):
    row = saved(ana)
    client.force_login(ana.user)
    shown = client.get(f"/patterns/{row['_id']}").content.decode()
    assert "<html" in shown
    assert f'action="/patterns/{row["_id"]}/change"' in shown
    assert "<html" in client.get("/patterns/add?from=wave").content.decode()
    said = {"name": "Mine", "text": "10 1s"}
    assert client.post("/patterns/add", said)["Location"] == "/patterns"
    assert names(ana) == ["Mine", "Tide"]
    wrong = client.post("/patterns/add", said | {"name": "Tide"}).content.decode()
    assert "<html" in wrong
    assert "Another pattern of yours has this name." in wrong
    assert client.get("/patterns/none").status_code == 404


@pytest.mark.django_db
def test_who_is_late_sees_both(press, ana):
    row = saved(ana)
    rewritten(ana, row, text="7 7s")
    late = press(f"{row['_id']}/change", name="Mine", text="9 9s", revision=1).content.decode()
    yours, theirs = late.split('aria-label="There now"')
    assert "9 9s" in yours
    assert "7 7s" in theirs.partition("</section>")[0]


@pytest.mark.django_db
def test_what_is_typed_is_tested_before_it_is_saved_within_the_cap_that_its_page_shows(client, press, ana):
    now = clock.now()
    from_page(ana, toy("l1", name="lush"), now=now)
    hold(ana.pk, now=now)
    shown = client.get("/patterns/add").content.decode()
    assert 'data-cap="20">Lush: at most 20 of 20' in shown
    said = {"deviceId": f"{ana.pk}.l1", "strength": "10", "seconds": "5", "text": "10 2s"}
    assert told(press("try", **said)) == "It is played in a moment."
    (row,) = counts.waiting_in(ana.pk, limit=5)
    assert row["payload"]["item"]["patternText"] == "10 2s"
    assert press("try", **said | {"text": "21 2s"}).status_code == 400
    assert press("try", **said | {"deviceId": "none.l1"}).status_code == 404
    assert names(ana) == []
