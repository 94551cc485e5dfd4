"""Settings of the vendor that cannot work are said at start-up, with an id and what to do."""

import pytest
from django.conf import settings as product
from django.core.checks import run_checks

from lovense.devices import checks
from lovense.vendor_simulator.world import DEVELOPER_TOKEN


@pytest.fixture
def said(settings):
    """`said(LOVENSE_QR_HOSTS=[…])`: the ids of what is wrong with these settings."""

    def check(**changed):
        for name, value in changed.items():
            setattr(settings, name, value)
        found = checks.vendor_settings(None)
        assert all(message.hint for message in found)
        return [message.id for message in found]

    return check


def test_the_development_defaults_are_right_and_the_simulators(said):
    assert said() == []
    assert product.LOVENSE_DEVELOPER_TOKEN == DEVELOPER_TOKEN


def test_the_check_is_run_with_the_others(settings):
    settings.LOVENSE_PAIRING_SECONDS = 14_401
    assert "lovense.E003" in [message.id for message in run_checks()]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://api.lovense-api.com", []),
        ("http://127.0.0.1:8791", []),
        ("http://localhost:8791", []),
        ("http://[::1]:8791", []),
        ("http://api.lovense-api.com", ["lovense.E001"]),
        ("http://127.0.0.1.example.org", ["lovense.E001"]),
    ],
)
def test_the_token_does_not_travel_in_the_clear(said, url, found):
    assert said(LOVENSE_API_BASE_URL=url) == found


@pytest.mark.parametrize("token", ["", " "])
def test_without_a_token_it_is_said_that_nobody_can_pair(said, token):
    assert said(LOVENSE_DEVELOPER_TOKEN=token) == ["lovense.W001"]
    assert not any(message.is_serious() for message in checks.vendor_settings(None))


@pytest.mark.parametrize(
    "host",
    ["*", ".lovense-api.com", "https://a.example", "a.example:443", "a.example/x", "A.example", "a..b"],
)
def test_hosts_of_pictures_are_named_exactly(said, host):
    assert said(LOVENSE_QR_HOSTS=["apps.lovense-api.com", host]) == ["lovense.E002"]


@pytest.mark.parametrize(("seconds", "found"), [(60, []), (14_400, []), (14_401, ["lovense.E003"])])
def test_a_pairing_lives_no_longer_than_the_vendors_code(said, seconds, found):
    assert said(LOVENSE_PAIRING_SECONDS=seconds) == found
