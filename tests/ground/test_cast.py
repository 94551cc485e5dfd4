"""Each test starts from what the migrations left, whoever wrote what before."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from ground.mongodb.collections import client, collection
from ledger.models import Account
from tests import factories
from tests.commands import WRITES


@pytest.mark.parametrize("turn", range(3))
def test_a_test_finds_nothing_of_the_test_before(turn, ana, carol, dina):
    assert collection(Account).count_documents({}) == 0
    collection(Account).insert_one({"_id": "a", "balance": turn})


@pytest.mark.django_db
@pytest.mark.parametrize("turn", range(2))
def test_what_the_migrations_wrote_comes_back(turn):
    assert ContentType.objects.filter(app_label="tips", model="tip").exists()
    assert Permission.objects.filter(codename="view_tip").exists()
    ContentType.objects.all().delete()


@pytest.mark.parametrize("turn", range(2))
def test_writes_of_others_are_emptied_when_a_test_says_so(turn, written_elsewhere):
    assert collection(Account).count_documents({}) == 0
    collection(Account).insert_one({"_id": "a"})
    WRITES.seen.clear()  # as if another process had written it
    name = connection.settings_dict["NAME"]
    WRITES.seen |= {(name, found) for found in client()[name].list_collection_names()}


@pytest.mark.parametrize("turn", range(2))
def test_redis_is_empty(turn, redis_client):
    assert redis_client.dbsize() == 0
    redis_client.set("a", turn)


def test_the_cast_is_who_they_are(ana, bob, carol, dina, now):
    assert [ana.user.username, bob.username, carol.user.username, dina.username] == [
        "ana",
        "bob",
        "carol",
        "dina",
    ]
    assert len({ana.pk, bob.user_id, carol.pk}) == 3
    assert dina.is_staff
    assert not ana.user.is_staff
    factories.fund(bob, 100)
    assert Account.objects.get(pk=bob.account).balance == 100
    assert factories.token_of(ana.user) == factories.token_of(ana.user)
    assert now == factories.NOW
