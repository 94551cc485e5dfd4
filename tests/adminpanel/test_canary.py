"""What nobody of the staff may see is in nothing that anybody of them can reach, nor in a log, a metric or a
mail."""

import pytest
from django.core import mail
from django.test import Client

from adminpanel.staff import enrol
from ground import clock
from ground.mongodb.collections import current
from ground.people import Role
from tests.adminpanel import canary
from tests.factories import NOW

pytestmark = pytest.mark.django_db
LEAST_PAGES = 120


@pytest.fixture
def pushed(chain, ana, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    with canary.heard() as log:
        canary.push(chain, ana)
        yield log


@pytest.mark.parametrize("role", list(Role))
def test_what_nobody_may_see_is_on_no_page_and_in_no_file_of_a_role(pushed, role):
    user = enrol(username=f"a-{role}", role=role, password=canary.PASSWORD).user
    shown, failed, addresses = {}, [], set()
    for address, status, text in canary.crawl(user):
        addresses.add(address)
        if status >= 500:
            failed.append((address, status))
        records, toy = canary.OF_RECORDS
        may = {toy} if role is Role.ADMIN and address.startswith(records) else set()
        for value in canary.NOT_SHOWN - may:
            if value in text:
                shown.setdefault(value, []).append(address)
    assert failed == []
    assert shown == {}
    assert len(addresses) >= LEAST_PAGES
    assert any("/screen/live" in each for each in addresses) is (role is not Role.AUDITOR)
    assert canary.found_in(pushed.getvalue()) == set()


def test_what_may_be_seen_is_found_by_the_same_walk(pushed):
    """So the walk does get there."""
    user = enrol(username="ada", role=Role.ADMIN, password="").user
    assert any(canary.NAMED in text for _, _, text in canary.crawl(user))


def test_metrics_probes_and_mail_name_nobody(pushed):
    for path in ("/metrics", "/readyz", "/healthz", "/api/schema"):
        assert canary.found_in(Client().get(path).content.decode()) == set()
    for message in mail.outbox:
        assert canary.found_in(message.message().as_string()) == set()


def test_what_is_to_be_hidden_is_kept_in_plain_somewhere(pushed):
    """Else it could not come out, and its absence would say nothing."""
    kept = " ".join(str(row) for name in current().list_collection_names() for row in current()[name].find())
    plain = {canary.TOY, canary.DOMAIN, canary.UID, canary.HIDDEN, canary.MESSAGE, canary.HIDDEN_MESSAGE}
    assert {value for value in plain if value not in kept} == set()
