"""Words of others: cut, cleaned, isolated; never a reason to refuse what they stand beside."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground import words
from ground.json.fields import Fields, Malformed


def name(text):
    return words.cleaned(text, maximum=64)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("bob", "bob"),
        ("  bob  ", "bob"),
        ("b" * 65, "b" * 64),
        ("bob\x00\x07", "bob"),
        ("bob\ud800", "bob"),
        ("bob\r\nsmith", "bob  smith"),
        ("evil\u202esnekot 0001", "evilsnekot 0001"),
        ("bob\u2069\u2066x", "bobx"),
        ("Zoë 👩\u200d🚀", "Zoë 👩\u200d🚀"),
        ("مرحبا", "مرحبا"),
    ],
)
def test_a_name_is_cut_and_cleaned(sent, shown):
    assert name(sent) == shown


@pytest.mark.parametrize(
    "sent",
    [
        "",
        " ",
        "\u200b",
        "\u200d\u200d",
        "\u00ad",
        "\ufeff",
        "\u3164",
        "\u2800",
        "\u00a0\u3000",
        "\u034f",
        "\u200e",
    ],
)
def test_a_name_of_which_nothing_is_seen_is_none(sent):
    assert name(sent) == ""


def test_a_message_keeps_its_lines():
    assert words.cleaned("one\ntwo\x00", maximum=500, keeps_lines=True) == "one\ntwo"


@given(st.text(max_size=99))
def test_whatever_is_sent_can_be_stored_and_shown(sent):
    shown = name(sent)
    assert len(shown) <= 64
    shown.encode()
    assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cs")]
    assert name(shown) == shown


@given(st.text(max_size=30))
def test_nothing_inside_ends_the_isolation(sent):
    isolated = words.isolated(sent)
    assert isolated.count(words.PDI) == isolated.count(words.FSI) == (1 if sent else 0)
    assert not set(isolated) & set("\u202a\u202b\u202d\u202e\u202c\u2066\u2067")


def test_what_is_shown_is_text_all_the_same():
    with pytest.raises(Malformed):
        Fields({"name": 5}, "").shown("name", maximum=9)
    assert Fields({"name": None}, "").shown("name", maximum=9) == ""
