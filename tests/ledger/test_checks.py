"""Settings of the ledger that cannot work are said at start-up, with an id and what to do."""

import pytest
from django.core.checks import run_checks

from ledger.rrr import checks


@pytest.fixture
def said(settings):
    """`said(RRR_CLIENT_ID="")`: the ids of what is wrong when RRR is chosen with these settings."""

    def check(**changed):
        settings.LEDGER_GATEWAY = "rrr"
        for name, value in changed.items():
            setattr(settings, name, value)
        found = checks.rrr_settings(None)
        assert all(message.hint for message in found)
        return [message.id for message in found]

    return check


def test_the_development_defaults_are_right(said):
    assert said() == []


def test_the_check_is_run_with_the_others(settings):
    settings.LEDGER_GATEWAY, settings.RRR_CLIENT_ID = "rrr", ""
    assert "ledger.E002" in [message.id for message in run_checks()]


def test_the_embedded_ledger_needs_nothing_of_rrr(said, settings):
    assert said(LEDGER_GATEWAY="embedded", RRR_API_BASE_URL="", RRR_CLIENT_ID="", RRR_CLIENT_SECRET="") == []


def test_rrr_needs_its_settings(said):
    assert said(RRR_API_BASE_URL="", RRR_CLIENT_ID=" ", RRR_CLIENT_SECRET="") == [
        "ledger.E001",
        "ledger.E002",
        "ledger.E003",
    ]
    assert said(
        RRR_API_BASE_URL="https://rewards.example.com",
        RRR_CLIENT_ID="c",
        RRR_CLIENT_SECRET="s",
        RRR_WEBHOOK_SECRETS=[],
    ) == ["ledger.E007"]


@pytest.mark.parametrize(
    "url",
    [
        "rewards.example.com",
        "ftp://rewards.example.com",
        "https://",
        "https://a:b@rewards.example.com",
        "https://x:port",
        "https://rewards.example.com?x=1",
        "https://rewards.example.com#x",
        "https://[::1",
    ],
)
def test_the_address_is_one(said, url):
    assert said(RRR_API_BASE_URL=url) == ["ledger.E004"]


@pytest.mark.parametrize(
    "url", ["https://rewards.example.com", "https://rewards.example.com:8443/api/", "http://[::1]:8790"]
)
def test_good_addresses(said, url):
    assert said(RRR_API_BASE_URL=url) == []


def test_the_secret_does_not_travel_in_the_clear(said):
    assert said(RRR_API_BASE_URL="http://rewards.example.com") == ["ledger.E005"]


@pytest.mark.parametrize("words", [["secret-without-a-name-of-its-key"], ["k1:short"]])
def test_webhook_secrets_have_names_and_lengths(said, words):
    assert said(RRR_WEBHOOK_SECRETS=words) == ["ledger.E006"]
