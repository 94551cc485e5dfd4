"""Environment variables: a wrong value is a sentence that names the variable, before anything starts."""

import os
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
    assert env.flag("X_SETTING", default=not meaning) is meaning


@pytest.mark.parametrize(
    "read",
    [
        lambda: env.flag("X_SETTING", default=True),
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
        env.flag("X_SETTING", default=True)


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


PAYMENT = "PAYMENT_WEBHOOK_SECRETS: "


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DEBUG": "perhaps"}, "DEBUG must be true or false"),
        ({"DEBUG": "false"}, "SECRET_KEY is required"),
        ({"DRAIN_LIMIT": "none"}, "DRAIN_LIMIT must be a number"),
        ({"LEDGER_GATEWAY": "bank"}, "LEDGER_GATEWAY must be one of embedded, rrr"),
        ({"PAYMENT_WEBHOOK_SECRETS": "v1,whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE="}, PAYMENT),
        ({"PAYMENT_WEBHOOK_SECRETS": "whsec_not base64"}, PAYMENT),
        ({"PAYMENT_WEBHOOK_SECRETS": "whsec_c2hvcnQ="}, PAYMENT),
        ({"PAYMENT_WEBHOOK_SECRETS": "dev:development-only-webhook-secret"}, PAYMENT),
        ({"PAYMENT_WEBHOOK_SECRETS": ","}, PAYMENT),
        ({"RRR_WEBHOOK_SECRETS": "no-key-id"}, "RRR_WEBHOOK_SECRETS: an RRR webhook secret"),
        ({"RRR_WEBHOOK_SECRETS": "dev:short"}, "RRR_WEBHOOK_SECRETS: an RRR webhook secret"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: this is not the address of a Redis"),
        ({"REDIS_URL": "http://localhost:6379"}, "REDIS_URL: this is not the address of a Redis"),
        ({"REDIS_URL": "redis://localhost:port/0"}, "REDIS_URL: "),
        ({"REDIS_URL": "redis://localhost/first"}, "REDIS_URL: this is not the address of a Redis"),
        ({"MONGODB_URI": "mongodb://localhost:27017"}, "MONGODB_URI: this is not the address of a MongoDB"),
        ({"MONGODB_URI": "mongodb://localhost/?replicaSet=rs0"}, "MONGODB_URI: this is not the address"),
        ({"MONGODB_URI": "localhost:27017/tips"}, "MONGODB_URI: this is not the address of a MongoDB"),
        ({"MONGODB_URI": "mongodb:///tips"}, "MONGODB_URI: this is not the address of a MongoDB"),
        ({"PUBLIC_BASE_URL": "tips.example.com"}, "PUBLIC_BASE_URL: this is not the address of a site"),
        ({"PUBLIC_BASE_URL": "https://tips.example.com/live"}, "PUBLIC_BASE_URL: this is not the address"),
        ({"PUBLIC_BASE_URL": "https://tips.example.com:x"}, "PUBLIC_BASE_URL: "),
        (
            {"LOVENSE_API_BASE_URL": "api.example.com"},
            "LOVENSE_API_BASE_URL: this is not the address of a site",
        ),
        ({"ALLOWED_HOSTS": "https://tips.example.com"}, "ALLOWED_HOSTS: 'https://tips.example.com' is not"),
        ({"ALLOWED_HOSTS": "tips.example.com:443"}, "ALLOWED_HOSTS: 'tips.example.com:443' is not"),
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
    assert not [each for each in environment.values() if "whsec_" in each and each in ended.stderr]


RIGHT = {
    env.database: [
        "mongodb://127.0.0.1:27017/tips?replicaSet=rs0",
        "mongodb://user:p%40ss@a.example:27017,b.example:27018/tips",
        "mongodb+srv://user:pass@cluster.example/tips?retryWrites=true",
        "mongodb://[::1]:27017/tips",
    ],
    env.redis: [
        "redis://h",
        "redis://h:6379/0",
        "rediss://:pass@h:6380/12",
        "unix:///run/redis.sock",
        "redis://h/",
    ],
    env.site: ["https://tips.example.com", "http://127.0.0.1:8000/", "https://[::1]:8443"],
    env.hosts: [["*"], [".example.com", "a.example", "127.0.0.1", "[::1]", "testserver"]],
}


@pytest.mark.parametrize(
    ("read", "value"), [(read, each) for read, values in RIGHT.items() for each in values]
)
def test_a_right_value_is_taken(read, value):
    read(value)


MISTYPED = {"PAYMENT_WEBHOOK_SECRETS": "v1,whsec_ZGV2ZWxvcG1lbnQtb25seS13ZWJob29rLXNlY3JldCE="}
RRR_INCOMPLETE = {"LEDGER_GATEWAY": "rrr", "RRR_API_BASE_URL": "ftp://rewards.example"}
PROGRAMS = {
    "server": ("-m", "config.server", "--port", "0"),
    "worker": ("-m", "celery", "--quiet", "-A", "config.celery", "worker", "--pool", "solo"),
    "beat": ("-m", "celery", "--quiet", "-A", "config.beat", "beat", "-s", "/dev/null/schedule"),
    "command": ("manage.py", "check"),
    "stack": ("-m", "config.stack", "--port", "0", "--ephemeral"),
}


@pytest.mark.parametrize(
    ("program", "environment", "name"),
    [(each, MISTYPED, "PAYMENT_WEBHOOK_SECRETS: ") for each in PROGRAMS]
    + [(each, RRR_INCOMPLETE, "ledger.E004") for each in ("server", "worker", "command", "stack")],
)
def test_every_program_ends_with_a_sentence_that_names_the_setting(program, environment, name):
    ended = subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert ended.returncode not in (0, None)
    said = ended.stdout + ended.stderr
    assert name in said
    assert "Traceback" not in said


def test_a_command_whose_reader_has_gone_ends_quietly():
    process = subprocess.Popen(
        [sys.executable, "manage.py", "help", "--commands"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141
