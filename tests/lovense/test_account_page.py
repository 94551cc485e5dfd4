"""Her account: a password that ends every other log-in, a token that is shown once, where she is logged in,
and what was done to her."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from rest_framework.authtoken.models import Token

from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from lovense.models import LoggedIn
from lovense.performers import credentials, loggedin
from tests.factories import PASSWORD, UserFactory, token_of
from tests.ground.plans import fill, recorded, scans
from tests.pages import inline_code, unlabelled_fields

pytestmark = pytest.mark.django_db
NEW = "violet harbour lantern"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _uncounted():
    cache.clear()


def browser(name="ana", **more):
    """A browser that has logged in."""
    made = Client(REMOTE_ADDR="203.0.113.5", headers={"User-Agent": FIREFOX}, **more)
    assert made.post("/login", {"username": name, "password": PASSWORD}).status_code == 302
    return made


def shown(client):
    answer = client.get("/account")
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def ends(html):
    return re.findall(r'action="(/account/log-ins/[^"]+/end)"', html)


def changes(client, old=PASSWORD, new=NEW, again=NEW):
    said = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post("/account/password", said)


def is_in(client):
    return client.get("/account").status_code == 200


def done(ana):
    return [row["action"] for row in audit_log.of_lane(ana.pk, limit=9)]


# --- whose it is -------------------------------------------------------------------------------------------


def test_it_is_a_performers_own(client, ana, dina):
    assert client.get("/account")["Location"] == "/login?next=/account"
    client.force_login(dina)
    assert client.get("/account")["Location"] == "/staff"
    client.force_login(UserFactory.create(username="nobody"))
    assert [client.post(f"/account/{name}").status_code for name in ("token", "password")] == [403, 403]


def test_the_page_has_no_inline_code_and_stop_as_every_page_of_hers(ana):
    html = shown(browser())
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())
    assert html.count("data-stop hx-boost") == 4  # the page's, and that of each dialog
    assert "hx-boost:inherited" not in html


def test_buttons_without_the_forms_token_do_nothing(ana):
    hers = browser(enforce_csrf_checks=False)
    hers.handler.enforce_csrf_checks = True
    paths = ("password", "token", "log-out-everywhere", "log-ins/x/end")
    assert [hers.post(f"/account/{path}").status_code for path in paths] == [403] * 4


# --- her password ------------------------------------------------------------------------------------------


def test_a_new_password_ends_every_other_log_in_and_this_one_goes_on(ana):
    here, there = browser(), browser()
    assert changes(here)["Location"] == "/account"
    assert "Everything else is logged out." in shown(here)
    assert not is_in(there)
    assert len(ends(shown(here))) == 1
    assert Client().login(username="ana", password=NEW)
    assert done(ana) == ["change_password"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"old": "not it"}, "old_password"),
        ({"again": "another one entirely"}, "new_password2"),
        ({"new": "short", "again": "short"}, "new_password2"),
        ({"new": "password123", "again": "password123"}, "new_password2"),
        ({"new": "", "again": ""}, "new_password1"),
    ],
)
def test_a_password_that_is_none_stands_beside_its_field_and_changes_nothing(ana, said, field):
    here = browser()
    answer = changes(here, **said)
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert Client().login(username="ana", password=PASSWORD)
    assert done(ana) == []


def test_a_password_is_guessed_ten_times(ana):
    here = browser()
    answers = [changes(here, old=f"guess {n}").status_code for n in range(credentials.TRIES)]
    assert answers == [422] * credentials.TRIES
    assert changes(here).status_code == 429
    assert here.post("/account/log-out-everywhere", {"password": PASSWORD}).status_code == 429


# --- where she is logged in --------------------------------------------------------------------------------


def test_a_log_in_says_from_where_and_not_from_which_address(ana, carol):
    html = shown(browser())
    browser("carol")
    assert "Firefox on Linux" in html
    assert "203.0.113.0/24" in html
    assert "203.0.113.5" not in html
    assert len(ends(html)) == LoggedIn.objects.filter(account=str(ana.user_id)).count() == 1


def test_one_of_them_is_ended_by_hand_and_only_hers(ana, carol):
    here, there, stranger = browser(), browser(), browser("carol")
    [of_carol] = ends(shown(stranger))
    [_, of_there] = ends(shown(here))
    assert here.post(of_carol).status_code == 404
    assert here.post(of_there)["Location"] == "/account"
    assert [is_in(each) for each in (here, there, stranger)] == [True, False, True]
    assert here.post(of_there).status_code == 404
    assert done(ana) == ["end_log_in"]


def test_ending_the_one_that_asks_is_logging_out(ana):
    here = browser()
    [own] = ends(shown(here))
    assert here.post(own)["Location"] == "/login"
    assert not is_in(here)


def test_who_was_logged_in_before_that_was_kept_is_here_all_the_same(client, ana):
    client.force_login(ana.user)
    assert "Logged in before that was kept here" in shown(client)


def test_everywhere_ends_also_what_is_not_listed_and_keeps_the_password(client, ana):
    here, there = browser(), browser()
    client.force_login(ana.user)
    assert here.post("/account/log-out-everywhere", {"password": "not it"}).status_code == 422
    assert is_in(there)
    assert here.post("/account/log-out-everywhere", {"password": PASSWORD})["Location"] == "/login"
    assert [is_in(each) for each in (here, there, client)] == [False] * 3
    assert LoggedIn.objects.count() == 0
    assert is_in(browser())


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/156.0 Mobile Safari/537.36", "Chrome on Android"),
        ("<script>", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_in_our_own_words(agent, words):
    assert loggedin.browser_of(agent) == words


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("nowhere", ""),
    ],
)
def test_of_an_address_only_what_many_share_is_kept(address, network):
    assert loggedin.network_of(address) == network


# --- her token ---------------------------------------------------------------------------------------------


def test_a_new_token_is_shown_once_and_the_one_before_proves_nothing(ana):
    here, before = browser(), token_of(ana.user)
    assert before not in shown(here)
    answer = here.post("/account/token")
    [made] = Token.objects.filter(user=ana.user).values_list("pk", flat=True)
    assert made != before
    assert f"<code>{made}</code>" in answer.content.decode()
    assert answer["Cache-Control"] == "private, no-store"
    assert made not in shown(here)
    calls = [
        Client().get("/api/lovense/preferences", headers={"Authorization": f"Token {key}"}).status_code
        for key in (before, made)
    ]
    assert calls == [401, 200]
    assert done(ana) == ["new_token"]


# --- what was done -----------------------------------------------------------------------------------------


def test_what_others_did_is_named_by_who_did_it(ana, carol, now):
    for by, lane in (("ana", ana.pk), ("dina", ana.pk), ("dina", carol.pk)):
        about = {"kind": "lane", "action": "pause", "target": lane, "lane": lane}
        audit_log.record(**about, by=by, now=now, why=f"for {lane}")
    html = shown(browser())
    assert html.count(f"for {ana.pk}") == 2
    assert f"for {carol.pk}" not in html
    assert "dina" in html


def test_her_log_ins_are_found_without_looking_through_all(ana):
    here = browser()
    [row] = collection(LoggedIn).find()
    fill(LoggedIn, lambda n: row | {"_id": f"o{n}", "account": f"{n}", "session_key": f"k{n}"})
    with recorded() as plans:
        assert len(ends(shown(here))) == 1
        here.post(ends(shown(here))[0])
    assert [plan for plan in scans(plans) if plan.collection != "audit_entries"] == []
