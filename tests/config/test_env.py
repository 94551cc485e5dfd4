"""Environment variables: a wrong value is a sentence that names the variable, before anything starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def given(monkeypatch):
    """`given("yes")` puts it into the environment."""
    return lambda value: monkeypatch.setenv("X_SETTING", value)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("true", True), ("1", True), ("YES", True), ("on", True), ("false", False), ("Off", False)],
)
def test_a_flag_is_a_word(given, word, meaning):
    given(word)
    assert env.flag("X_SETTING", not meaning) is meaning


@pytest.mark.parametrize(
    "read",
    [
        lambda: env.flag("X_SETTING", True),
        lambda: env.integer("X_SETTING", 3),
        lambda: env.decimal("X_SETTING", 1.5),
    ],
)
def test_nothing_and_an_empty_value_mean_the_default(given, read):
    default = read()
    given("")
    assert read() == default


@pytest.mark.parametrize("wrong", ["maybe", "2", "truee", "nein"])
def test_another_word_is_refused_as_a_flag(given, wrong):
    given(wrong)
    with pytest.raises(ImproperlyConfigured, match="X_SETTING must be true or false, not"):
        env.flag("X_SETTING", True)


@pytest.mark.parametrize("wrong", ["ten", "1.5", "1e3", "0x10", " "])
def test_another_text_is_refused_as_an_integer(given, wrong):
    given(wrong)
    with pytest.raises(ImproperlyConfigured, match="X_SETTING must be a number, not"):
        env.integer("X_SETTING", 3)


@pytest.mark.parametrize("wrong", ["nan", "inf", "-inf", "ten"])
def test_a_decimal_is_a_finite_number(given, wrong):
    given(wrong)
    with pytest.raises(ImproperlyConfigured, match="X_SETTING must be"):
        env.decimal("X_SETTING", 1.0)


def test_a_number_below_its_minimum_is_refused(given):
    given("0")
    with pytest.raises(ImproperlyConfigured, match="X_SETTING must be at least 1, not '0'"):
        env.integer("X_SETTING", 3, minimum=1)
    given("-0.5")
    with pytest.raises(ImproperlyConfigured, match="at least 0"):
        env.decimal("X_SETTING", 3)


def test_a_choice_names_what_is_allowed(given):
    given("paypal")
    with pytest.raises(ImproperlyConfigured, match="X_SETTING must be one of embedded, rrr, not 'paypal'"):
        env.choice("X_SETTING", "embedded", ("embedded", "rrr"))


def test_words_are_split_at_commas_and_blanks_dropped(given):
    given(" a, ,b,")
    assert env.words("X_SETTING") == ["a", "b"]
    assert env.words("X_OTHER", "x,y") == ["x", "y"]


def test_a_secret_has_a_default_in_development_only(given):
    assert env.secret("X_SETTING", "development", production=False) == "development"
    with pytest.raises(ImproperlyConfigured, match="X_SETTING is required when DEBUG=false"):
        env.secret("X_SETTING", "development", production=True)
    given("mine")
    assert env.secret("X_SETTING", "development", production=True) == "mine"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DEBUG": "perhaps"}, "DEBUG must be true or false"),
        ({"DEBUG": "false"}, "SECRET_KEY is required"),
        ({"DRAIN_LIMIT": "none"}, "DRAIN_LIMIT must be a number"),
        ({"LEDGER_GATEWAY": "bank"}, "LEDGER_GATEWAY must be one of embedded, rrr"),
    ],
)
def test_a_wrong_value_stops_the_start_up(environment, message):
    ended = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert message in ended.stderr.splitlines()[-1]
