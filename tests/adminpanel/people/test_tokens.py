"""Tokens of platform clients: shown once, replaced, revoked, and when they were used last."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.authtoken.models import Token

from adminpanel.models import TokenUse
from adminpanel.people import tokens
from adminpanel.people.deeds import Outdated, WrongField
from adminpanel.people.tokens import NoSuchClient
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import deed
from tests.factories import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)


@pytest.fixture(autouse=True)
def _forgotten():
    tokens._noted.clear()


@pytest.fixture
def stage(ada):
    """A client, and its token."""
    account, key = tokens.add_client("stage", deed=deed(ada))
    return User.objects.get(pk=account), key


def held(client):
    [found] = [each for each in tokens.clients() if each.user == client]
    return found


def answer(key):
    return Client().get("/api/tips/events", headers={"Authorization": f"Token {key}"}).status_code


def told():
    return [(row["action"], row["before"], row["after"]) for row in audit_log.of("stage", limit=9)]


def test_a_client_is_added_with_a_token_that_works(stage):
    client, key = stage
    assert answer(key) == 200
    assert not client.has_usable_password()
    assert (held(client).since, held(client).name) == (NOW, "stage")
    assert told() == [("add_client", None, {"token": "2026-01-03T04:15:00.000Z"})]


@pytest.mark.parametrize("name", ["", "a b", "x" * 151, "stage", "ada", "ana"])
def test_a_name_that_is_none_or_taken_is_refused_at_its_field(stage, ada, ana, name):
    with pytest.raises(WrongField) as refused:
        tokens.add_client(name, deed=deed(ada))
    assert refused.value.field == "name"
    assert len(tokens.clients()) == 1


def test_a_new_token_takes_the_place_of_the_one_before(stage, ada):
    client, first = stage
    second = tokens.replace(client, seen=held(client).seen, deed=deed(ada, now=LATER))
    assert (answer(first), answer(second)) == (401, 200)
    assert told()[0] == (
        "replace_token",
        {"token": "2026-01-03T04:15:00.000Z"},
        {"token": "2026-01-03T04:25:00.000Z"},
    )


def test_a_revoked_token_proves_nothing_and_another_may_be_made(stage, ada):
    client, key = stage
    tokens.revoke(client, seen=held(client).seen, deed=deed(ada))
    assert (answer(key), held(client).since) == (401, None)
    with pytest.raises(Outdated):
        tokens.revoke(client, seen=held(client).seen, deed=deed(ada))
    assert answer(tokens.replace(client, seen="", deed=deed(ada, now=LATER))) == 200


def test_who_has_seen_another_token_is_told(stage, ada):
    client, key = stage
    for change in (tokens.replace, tokens.revoke):
        with pytest.raises(Outdated) as refused:
            change(client, seen="2026-01-01T00:00:00.000Z", deed=deed(ada))
        assert refused.value.details == {"present": "2026-01-03T04:15:00.000Z"}
    assert answer(key) == 200


def test_of_two_that_replace_it_at_once_one_does(stage, ada):
    client, _ = stage
    seen = held(client).seen
    said = together(4, lambda _: tokens.replace(client, seen=seen, deed=deed(ada, now=LATER)))
    assert sum(type(each) is Outdated for each in said) == 3
    assert Token.objects.filter(user=client).count() == 1
    assert len(told()) == 2


def test_where_the_entry_cannot_be_written_the_token_stays(stage, ada, monkeypatch):
    client, key = stage

    def died(**_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            tokens.replace(client, seen=held(client).seen, deed=deed(ada))
    assert answer(key) == 200


def test_no_token_is_kept_in_the_audit_log(stage):
    assert stage[1] not in str(audit_log.of("stage", limit=9))


def test_the_last_use_is_kept_to_the_minute_and_never_goes_back(stage):
    client, key = stage
    assert held(client).used_at is None
    answer(key)
    assert held(client).used_at is not None
    collection(TokenUse).delete_many({})
    tokens._noted.clear()
    for passed, kept in ((0, 0), (59, 0), (60, 60)):
        tokens.noted(client, now=NOW + timedelta(seconds=passed))
        assert held(client).used_at == NOW + timedelta(seconds=kept)
    tokens._noted.clear()  # as another process
    tokens.noted(client, now=NOW)
    assert held(client).used_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("account", ["", "x", "0" * 24, "$where"])
def test_what_is_no_client_is_none(db, account):
    with pytest.raises(NoSuchClient):
        tokens.client(account)


def test_a_performer_is_no_client(ana):
    with pytest.raises(NoSuchClient):
        tokens.client(str(ana.user_id))
