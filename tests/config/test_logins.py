"""Log-ins are tried so often and no more: for an account, for an address, at the page and at the admin's."""

import pytest
import redis
from django.core.cache import cache
from django.test import Client

from config import tries
from tests.factories import PASSWORD
from tests.pages import inline_code

pytestmark = pytest.mark.django_db


def tried(name, password="wrong", *, address="203.0.113.5", times=1, path="/login"):
    """The last answer."""
    for _ in range(times):
        answer = Client(REMOTE_ADDR=address).post(path, {"username": name, "password": password})
    return answer


def test_an_account_is_tried_ten_times_in_five_minutes(ana):
    assert tried("ana", times=tries.PER_ACCOUNT).status_code == 200
    refused = tried("ana", PASSWORD)
    assert (refused.status_code, refused["Retry-After"]) == (429, str(tries.WINDOW_SECONDS))
    page = refused.content.decode()
    assert tries.TOO_MANY in page
    assert inline_code(page) == []
    assert tried("ANA", PASSWORD, address="203.0.113.6").status_code == 429


def test_another_account_and_another_address_are_not_meant(ana, carol):
    tried("ana", times=tries.PER_ACCOUNT + 1)
    assert tried("carol", PASSWORD).status_code == 302


def test_an_address_tries_fifty_times_whatever_the_accounts(ana, carol):
    for number in range(tries.PER_ADDRESS):
        assert tried(f"guess{number}").status_code == 200
    assert tried("carol", PASSWORD).status_code == 429
    assert tried("carol", PASSWORD, address="203.0.113.6").status_code == 302


def test_a_stranger_locks_nobody_out_of_where_she_was(ana):
    assert tried("ana", PASSWORD, address="198.51.100.7").status_code == 302
    tried("ana", times=tries.PER_ACCOUNT + 1)
    assert tried("ana", PASSWORD).status_code == 429
    assert tried("ana", PASSWORD, address="198.51.100.7").status_code == 302
    assert tried("ana", address="198.51.100.7", times=tries.PER_ACCOUNT + 1).status_code == 429


def test_a_right_password_begins_the_count_again(ana):
    for _ in range(3):
        tried("ana", times=tries.PER_ACCOUNT - 1)
        assert tried("ana", PASSWORD).status_code == 302


def test_the_window_ends(ana, redis_client):
    tried("ana", times=tries.PER_ACCOUNT + 1)
    left = [redis_client.ttl(key) for key in redis_client.keys("tips-cache*")]
    assert left
    assert all(0 < seconds <= tries.WINDOW_SECONDS for seconds in left)
    assert not [key for key in redis_client.keys("*") if b"ana" in key or b"203.0" in key]


def test_the_admin_has_no_log_in_of_its_own(client, ana, dina):
    assert (
        client.get("/admin/login/?next=/admin/tips/tip/")["Location"]
        == "/login?next=%2Fadmin%2Ftips%2Ftip%2F"
    )
    assert client.post("/admin/login/", {"username": "dina", "password": PASSWORD}).status_code == 302
    client.force_login(ana.user)
    assert client.get("/admin/login/").status_code == 403


def test_while_redis_is_away_nobody_is_kept_out_and_the_log_says_so(ana, monkeypatch, caplog):
    def away(*args, **named):
        raise redis.ConnectionError

    for name in ("add", "incr", "get", "set", "delete"):
        monkeypatch.setattr(cache, name, away)
    assert tried("ana", times=tries.PER_ACCOUNT + 1).status_code == 200
    assert tried("ana", PASSWORD).status_code == 302
    assert {record.msg for record in caplog.records} >= {"log_in_uncounted"}
