"""The staff's page of the audit log: what is asked, what is shown, and what is said of both."""

from urllib.parse import quote

import pytest
from django.test import Client

from adminpanel.asking import plan
from adminpanel.staff import enrol
from ground import clock
from ground.audit import log as audit_log
from ground.audit.models import AuditEntry
from ground.people import Role
from tests.adminpanel.audited import PAGE, post, record, seen, shown, staff
from tests.pages import inline_code, unlabelled_fields

__all__ = ["seen", "staff"]
pytestmark = pytest.mark.django_db
TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% now %}",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "'; drop table",
    "$where",
    "=1+1",
    "\\",
    '"',
    "%00%0a",
)


# --- the page ----------------------------------------------------------------------------------------------


def test_an_entry_is_shown_with_who_did_what_why_and_what_changed(seen, ana):
    record(by="dina", lane=ana.pk, before={"mode": "fifo"}, after={"mode": "batch"}, why="a party")
    html = shown(seen[Role.SUPPORT])
    for said in ("dina", "Pause", "a party", "mode: fifo → batch", ana.display_name, "1 entry", "Done"):
        assert said in html, said
    assert (inline_code(html), unlabelled_fields(html)) == ([], set())


def test_only_what_is_asked_for_is_shown_and_each_term_can_be_taken_away(seen):
    record(1, by="dina")
    record(2, by="page")
    html = shown(seen[Role.ADMIN], "actor:page -action:stop")
    assert "t-2" in shown(seen[Role.ADMIN], "actor:page", columns="at,target,action")
    assert "<bdi>page</bdi>" in html
    assert "<bdi>dina</bdi>" not in html
    assert 'href="/staff/audit?q=-action%3Astop"' in html
    assert 'href="/staff/audit?q=actor%3Apage"' in html
    assert 'value="actor:page -action:stop"' in html


def test_an_account_with_a_longer_name_than_an_entry_keeps_finds_what_it_did(db):
    """An entry keeps its first 64 characters."""
    name, client = "long." * 30, Client()
    client.force_login(enrol(username=name, role=Role.ADMIN, password="").user)
    record(1, by=name)
    record(2, by="dina")
    for query in (f"actor:{name}", f"actor:{name[:64]}"):
        html = shown(client, query, columns="at,actor,target")
        assert "t-1" in html
        assert "<bdi>dina</bdi>" not in html
    assert name[:64] in client.get(PAGE, {"view": "mine"}).content.decode()


@pytest.mark.parametrize(
    "query", ["colour:red", "since:tomorrow", '"open', "$where", '{"$gt":""}', "tip:xyz", "a\0b", "x" * 4096]
)
def test_what_is_no_query_is_shown_with_its_place_and_nothing_is_searched(seen, query):
    record()
    html = shown(seen[Role.ADMIN], query)
    assert "<mark>" in html
    assert "Not understood, so nothing was searched." in html
    assert "Possible:" in html
    assert "data-record" not in html


def test_words_of_others_are_words_wherever_they_are_said(seen):
    for number, text in enumerate(TEXTS):
        record(number, by=text[:64], why=text, after={text[:20]: text})
    html = shown(seen[Role.ADMIN])
    assert "<script>" not in html
    assert inline_code(html) == []
    for text in TEXTS:
        assert inline_code(shown(seen[Role.ADMIN], f"actor:{text}")) == []


def test_a_long_list_goes_on_and_back_by_links_that_stay(seen):
    for number in range(60):
        record(number, target=f"t-{number:02}")
    first = seen[Role.ADMIN].get(PAGE, {"columns": "at,target,action"})
    older = first.context["shown"].older
    second = seen[Role.ADMIN].get(older).content.decode()
    assert ("t-49" in first.content.decode(), "t-50" in second, "t-59" in second) == (True, True, True)
    record(target="t-new")
    assert "t-50" in seen[Role.ADMIN].get(older).content.decode()
    anew = shown(seen[Role.ADMIN], after="forged")
    assert "That place is not in this list" in anew


def test_entries_of_one_change_stand_together(seen):
    at = clock.now()
    record(target="one", now=at)
    record(target="two", now=at)
    record(3, target="three")
    html = shown(seen[Role.ADMIN])
    assert html.count("data-same") == 1
    entry = AuditEntry.objects.get(target="one")
    page = seen[Role.ADMIN].get(f"{PAGE}/{entry.pk}").content.decode()
    assert "2 entries of one change" in page
    assert ("two" in page, "three" in page) == (True, False)


def test_an_entry_says_how_many_others_came_from_its_address(seen):
    with audit_log.coming_from("203.0.113.9"):
        for number in range(3):
            record(number)
    with audit_log.coming_from("203.0.113.10"):
        record(5)
    first, *_, other = AuditEntry.objects.order_by("-at")
    page = seen[Role.SUPPORT].get(f"{PAGE}/{first.pk}").content.decode()
    assert "Same as 2 others" in page
    assert "203.0.113" not in page
    link = f"address:{first.hashed_ip[:12]} archive:yes"
    assert shown(seen[Role.SUPPORT], link).count("data-record=") == 3
    assert "No other came from it" in seen[Role.SUPPORT].get(f"{PAGE}/{other.pk}").content.decode()


def test_what_changed_is_told_by_what_was_and_what_is(seen):
    record(before={"a": 1, "same": 2, "gone": "x"}, after={"a": 3, "same": 2, "new": [1]})
    page = seen[Role.ADMIN].get(f"{PAGE}/{AuditEntry.objects.get().pk}").content.decode()
    for said in ("<del>1</del>", "<ins>3</ins>", "<ins>[1]</ins>", "<del>x</del>"):
        assert said in page
    assert "same" not in page.partition("ui-diff")[2]


def test_to_htmx_an_entry_is_what_fills_the_drawer(seen):
    record()
    address = f"{PAGE}/{AuditEntry.objects.get().pk}"
    part = seen[Role.ADMIN].get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "t-0" in part


@pytest.mark.parametrize("key", ["x", "507f191e810c19729de860ea", "507f191e810c19729de860e\0", "news2"])
def test_an_entry_that_is_not_there_is_not_found(seen, key):
    assert seen[Role.ADMIN].get(f"{PAGE}/{quote(key)}").status_code == 404


def test_what_is_new_is_counted_without_being_shown(seen):
    record(5)
    page = seen[Role.ADMIN].get(PAGE)
    news = page.context["shown"].news
    assert seen[Role.ADMIN].get(news).json() == {"newer": 0}
    record(1)
    record(2)
    assert seen[Role.ADMIN].get(news).json() == {"newer": 2}


def test_where_nothing_was_found_as_far_as_was_looked_what_is_older_is_not_new(seen, monkeypatch):
    monkeypatch.setattr(plan, "NEAR", 2)
    for minutes in range(6, 1, -1):
        record(minutes, why="rare" if minutes > 4 else "")
    page = seen[Role.ADMIN].get(PAGE, {"q": '"rare"'}).context["shown"]
    assert (list(page.rows), bool(page.gave_up)) == ([], True)
    assert seen[Role.ADMIN].get(page.news).json() == {"newer": 0}
    record(1, why="rare")
    assert seen[Role.ADMIN].get(page.news).json() == {"newer": 1}
    on = seen[Role.ADMIN].get(page.gave_up["href"]).context["shown"]
    assert (len(list(on.rows)), on.news, bool(on.newer)) == (2, "", True)


# --- what may be typed -------------------------------------------------------------------------------------


def suggested(client, text):
    return client.get(f"{PAGE}/suggest", {"text": text}).json()


def test_keys_and_the_values_that_occur_are_offered(seen):
    for by, action in (("dina", "pause"), ("dana", "publish"), ("eve", "stop")):
        record(by=by, action=action)

    def texts(text):
        return [one["text"] for one in suggested(seen[Role.ADMIN], text)["found"]]

    assert texts("act") == ["actor:", "action:"]
    assert texts("success:false -s") == ["-success:"]
    assert texts("actor:d") == ["actor:dana", "actor:dina"]
    assert texts("actor:dina,e") == ["actor:dina,eve"]
    assert texts("since:1h action:p") == ["action:pause", "action:publish"]
    assert texts("success:") == ["success:true", "success:false"]
    assert texts("has:re") == ["has:reason"]
    assert texts('"actor:d') == texts("colour:") == texts("tip:5") == []
    assert len(texts("")) == 8


def test_whatever_is_typed_is_answered(seen):
    for text in [*TEXTS, "actor:$ne", "actor:\uffff", "a" * 5000]:
        assert seen[Role.ADMIN].get(f"{PAGE}/suggest", {"text": text}).status_code == 200


# --- columns and views -------------------------------------------------------------------------------------


def test_columns_are_a_persons_own_and_those_of_the_role(seen):
    record(why="because", target="t-x")
    post(seen[Role.SUPPORT], "columns", column=["at", "target", "address", "nothing"])
    hers = shown(seen[Role.SUPPORT])
    assert ("t-x" in hers, "because" in hers) == (True, False)
    assert 'value="address"' not in hers
    assert "because" in shown(seen[Role.ADMIN])
    assert 'value="address"' in shown(seen[Role.AUDITOR])
    post(seen[Role.SUPPORT], "columns")
    assert "because" in shown(seen[Role.SUPPORT])


def test_the_views_that_are_shipped_find_what_they_say(seen):
    record(1, action="stop", target="t-stop")
    record(2, kind="platform", action="set", target="t-set")
    record(3, success=False, target="t-no")
    record(4, by="a-admin", target="t-mine")
    page = seen[Role.ADMIN].get(PAGE)
    views = {view["words"]: view["href"] for view in page.context["shown"].views}
    found = {
        name: seen[Role.ADMIN].get(href + "&columns=target,action").content.decode()
        for name, href in views.items()
    }
    wanted = {"Stops": "t-stop", "Settings changed": "t-set", "Refused": "t-no", "What I did": "t-mine"}
    assert set(views) == {"Today", *wanted}
    for name, target in wanted.items():
        assert [each for each in wanted.values() if f"<code>{each}</code>" in found[name]] == [target]


def test_a_view_is_kept_opened_shown_first_and_removed(seen):
    record(by="eve", target="t-eve")
    record(1, by="dina", target="t-dina")
    client = seen[Role.SUPPORT]
    post(client, "view", name="Eve", q="actor:eve", columns="at,target,action")
    view = client.get(PAGE).context["shown"].views[-1]
    assert view["words"] == "Eve"
    opened = client.get(view["href"]).content.decode()
    assert ("t-eve" in opened, "t-dina" in opened) == (True, False)
    assert "Eve" not in shown(seen[Role.ADMIN])
    post(client, "first", view=view["key"])
    assert client.get(PAGE).context["shown"].query == "actor:eve"
    assert client.get(PAGE, {"q": ""}).context["shown"].query == ""
    post(client, "forget", view=view["key"])
    assert client.get(PAGE).context["shown"].query == ""


def test_only_an_admin_shares_a_view_and_that_is_recorded(seen):
    post(seen[Role.SUPPORT], "view", name="Mine", q="actor:eve", is_shared="1")
    assert not AuditEntry.objects.filter(type="view").exists()
    post(seen[Role.ADMIN], "view", name="Ours", q="actor:eve", is_shared="1")
    assert "Ours" in shown(seen[Role.AUDITOR])
    assert "Mine" not in shown(seen[Role.SUPPORT])
    entry = AuditEntry.objects.get(type="view")
    assert (entry.action, entry.before, entry.after["query"]) == ("save_view", None, "actor:eve")


def test_a_list_that_is_not_there_is_not_found(seen):
    for what in ("columns", "view", "forget", "first"):
        assert seen[Role.ADMIN].post(f"/staff/lists/nothing/{what}").status_code == 404
