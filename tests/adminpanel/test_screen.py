"""Her screen as staff see it: the same bytes as hers but for the frame and the controls, no hand on it, and
an entry that she reads."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver

from adminpanel.handling import screens as looks
from adminpanel.performer import straining
from adminpanel.staff import enrol
from ground import clock
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.lane import controls
from lovense.models import Activation, Device, Performer
from lovense.sending import groups
from lovense.stopping import stop
from tests.adminpanel import screens
from tests.chain import SECOND
from tests.factories import NOW
from tests.ground.plans import recorded, scans
from tests.lovense.conftest import Wire
from tests.lovense.devices import apps
from tests.pages import inline_code
from tests.tips.calls import BOB

pytestmark = pytest.mark.django_db
WHY = "she asks why a tip did nothing"
MOST_COMMANDS = 40


@pytest.fixture(autouse=True)
def _at_the_fixed_time(monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW + SECOND)


@pytest.fixture
def seen():
    """A client of each role."""
    made = {role: Client() for role in Role}
    for role, each in made.items():
        each.force_login(enrol(username=f"a-{role}", role=role, password="").user)
    return made


@pytest.fixture
def support(seen):
    return seen[Role.SUPPORT]


@pytest.fixture
def hers(ana):
    made = Client()
    made.force_login(ana.user)
    return made


def at(performer, page="live"):
    return f"/staff/performers/{performer.pk}/screen" + (f"/{page}" if page else "")


def opens(client, performer, why=WHY):
    return client.post(at(performer, "open"), {"reason": why})


def shown(client, performer, page="live", **query):
    answer = client.get(at(performer, page), query)
    assert answer.status_code == 200, answer.get("Location")
    return answer.content.decode()


def entries():
    return AuditEntry.objects.filter(action="see_screen").order_by("at", "entry_id")


# --- the states that her pages are in ----------------------------------------------------------------------


def nothing_yet(chain, bob):
    """Off air; nobody has tipped."""


def on_air(chain, bob):
    """Something plays, some wait, one of them anonymous; some have played, one of them short."""
    chain.hold(battery=12)
    chain.played(bob, 100, context={"customMessage": "<b>for & you</b>"})
    chain.played(bob, 50, seconds=2.5)
    chain.settled(bob, 100)
    chain.dispatch()
    for amount in (50, 100, 5):
        chain.settled(bob, amount, isAnonymous=amount == 50)


def paused(chain, bob):
    on_air(chain, bob)
    until = NOW + timedelta(minutes=5)
    controls.pause(performer_id=chain.performer_id, by="ana", why="a break", now=NOW, until=until)


def stopped(chain, bob):
    on_air(chain, bob)
    stop.press(performer_id=chain.performer_id, by="ana", now=NOW, why="now", through="page")


def by_extension(chain, bob):
    Performer.objects.filter(pk=chain.performer_id).update(bridge="EXTENSION")
    on_air(chain, bob)


def by_server(chain, bob):
    Performer.objects.filter(pk=chain.performer_id).update(bridge="STANDARD_SERVER")
    on_air(chain, bob)


def by_own_network(chain, bob):
    apps.opened(chain.performer)
    apps.take(apps.call())
    Performer.objects.filter(pk=chain.performer_id).update(bridge="LAN")
    on_air(chain, bob)


def in_her_own_look(chain, bob):
    choices = {"theme": "dark", "timeZone": "Europe/Berlin", "clock": "12", "density": "compact"}
    Performer.objects.filter(pk=chain.performer_id).update(page_choices=choices)
    on_air(chain, bob)


STATES = (nothing_yet, on_air, paused, stopped, by_extension, by_server, by_own_network, in_her_own_look)


@pytest.mark.parametrize("state", STATES, ids=lambda each: each.__name__)
def test_it_is_the_same_as_hers_but_for_the_frame_and_the_controls(chain, ana, bob, hers, support, state):
    state(chain, bob)
    opens(support, ana)
    runs = list(Activation.objects.values_list("pk", flat=True))
    pages = {"live": "/", "history": "/history", **{f"history/{run}": f"/history/{run}" for run in runs}}
    for page, address in pages.items():
        own = screens.without_controls(hers.get(address).content.decode(), ana.pk)
        assert screens.as_read(screens.unframed(shown(support, ana, page))) == own, page
        assert len(own) > 2_000


@pytest.mark.parametrize("state", STATES, ids=lambda each: each.__name__)
def test_nothing_of_it_can_be_pressed_sent_or_run(chain, ana, bob, support, state):
    state(chain, bob)
    opens(support, ana)
    run = Activation.objects.values_list("pk", flat=True).first()
    for page in ("live", "history", *([f"history/{run}"] if run else ())):
        answer = support.get(at(ana, page))
        html = answer.content.decode()
        assert re.findall(r"<(?:button|form|script|select|textarea|dialog|noscript|iframe)\b", html) == []
        assert re.findall(r"\s(?:hx-[\w:]+|on[a-z]+|formaction|action|popover\w*)=", html) == []
        assert set(re.findall(r'<input type="(\w+)"', html)) <= {"radio"}
        assert (inline_code(html), "csrf" in html.lower()) == ([], False)
        links = set(re.findall(r'<a [^>]*?href="([^"]*)"', html))
        ours = f"/staff/performers/{ana.pk}"
        assert {link for link in links if not link.startswith(("#", "?", ours))} == set()
        policy = answer["Content-Security-Policy"]
        for each in ("script-src", "connect-src", "form-action"):
            assert f"{each} 'none'" in policy
        assert "no-store" in answer["Cache-Control"]


def test_the_compare_finds_a_control_that_is_left_and_a_word_that_is_missing(ana):
    page = '<p>Queue</p><button>Skip</button><a href="/menu">Menu</a><a href="/history">History</a>'
    seen = '<p>Queue</p><a>Menu</a><a href="{}/history">History</a>'.format(at(ana, ""))
    assert screens.as_read(seen) == screens.without_controls(page, ana.pk)
    for wrong in (seen.replace("<p>Queue</p>", "<p></p>"), page, seen + "<i></i>"):
        assert screens.as_read(wrong) != screens.without_controls(page, ana.pk)


HOSTILE = (
    '<div class="x"onclick="a()">t</div>',
    "<div/onclick=a()>t</div>",
    '<meta http-equiv="refresh" content="0;url=https://x.example/">',
    '<a ping="https://x.example/" href="https://x.example/live">t</a>',
    '<use xlink:href="javascript:a()"></use>',
    "<SCRIPT>a()</SCRIPT><ScRiPt src=x></ScRiPt>",
    "<style>@import 'https://x.example/'</style>",
    '<iframe src="/"></iframe><object data="/"></object><embed src="/">',
)


@pytest.mark.parametrize("html", HOSTILE)
def test_whatever_a_template_may_write_one_day_neither_runs_nor_leads_away(html):
    addresses = straining.ScreenAddresses("/", "/history", "/seen/live", "/seen/history")
    text = straining.strained(f"<p>{html}</p>", addresses, head="", frame="").lower()
    assert not re.search(
        r"onclick|http-equiv|ping|javascript:|script|@import|x\.example/live|iframe|embed", text
    )


# --- no hand on it -----------------------------------------------------------------------------------------


def everything():
    """All that is stored, but for sessions and the audit log."""
    database = collection(Performer).database
    names = set(database.list_collection_names()) - {"django_session", "audit_entries"}
    return {name: list(database[name].find().sort("_id")) for name in names}


def test_no_call_to_it_or_to_her_buttons_does_anything(chain, ana, bob, support):
    on_air(chain, bob)
    opens(support, ana)
    before, left = everything(), entries().count()
    for page in ("", "live", "history", "history/x"):
        for method in ("post", "put", "patch", "delete"):
            assert getattr(support, method)(at(ana, page)).status_code == 405
    paths = [str(each.pattern) for each in get_resolver().url_patterns if hasattr(each, "name")]
    hers = [path for path in paths if path.startswith(("live/", "history/", "devices", "account"))]
    assert len(hers) > 15
    for path in hers:
        known = re.sub(r"<\w+:\w+>", "507f191e810c19729de860ff", path)
        assert support.post(f"/{known}").status_code in (403, 405), path
    assert (everything(), entries().count()) == (before, left)


def test_she_is_not_disturbed_by_who_looks(chain, ana, bob, support):
    on_air(chain, bob)
    run = Activation.objects.values_list("pk", flat=True).first()
    groups.news.soon.done().result(5)
    heard, before = Wire(groups.pages_of(ana.pk)), everything()
    opens(support, ana)
    for page in ("", "live", "history", f"history/{run}"):
        shown(support, ana, page)
        shown(support, ana, page, region="queue")
        support.get(at(ana, page), {"region": "queue"}, headers={"HX-Request": "true"})
    groups.news.soon.done().result(5)
    assert (everything(), heard.raw()) == (before, [])
    heard.close()


def test_a_region_of_it_is_asked_for_in_vain(chain, ana, bob, support):
    on_air(chain, bob)
    opens(support, ana)
    for query in ({"region": "queue"}, {"stamps": ""}):
        html = support.get(at(ana), query, headers={"HX-Request": "true"}).content.decode()
        assert (html.count('class="screen"'), "<button" in html) == (1, False)


# --- who, why and for how long -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.ADMIN])
def test_it_is_opened_with_a_reason_recorded_and_told_to_her(chain, ana, seen, hers, role):
    assert "Nobody of the staff has." in hers.get("/account").content.decode()
    answer = opens(seen[role], ana, f"  {WHY}\n")
    assert (answer.status_code, answer["Location"]) == (302, at(ana))
    html = shown(seen[role], ana)
    assert "You see this performer’s screen" in html
    assert f"Read only, as {role}, since" in html
    assert WHY in html
    entry = entries().get()
    assert (entry.type, entry.actor, entry.target, entry.lane) == ("performer", f"a-{role}", ana.pk, "")
    assert (entry.why, entry.success, entry.before) == (WHY, True, None)
    assert entry.after == {"role": role, "until": clock.iso(NOW + SECOND + looks.OPEN_FOR)}
    account = " ".join(hers.get("/account").content.decode().split())
    assert "Who saw your screen" in account
    for said in (WHY, f"a-{role}", role.capitalize(), f'datetime="{(NOW + SECOND).isoformat()}"'):
        assert said in account, said


def test_each_opening_is_one_entry_and_each_page_of_it_none(chain, ana, support):
    opens(support, ana)
    for page in ("live", "history", "live"):
        shown(support, ana, page)
    assert entries().count() == 1
    opens(support, ana, "once more")
    assert [entry.why for entry in entries()] == [WHY, "once more"]
    assert "once more" in shown(support, ana)


@pytest.mark.parametrize("why", ["", " x ", "x" * 201, "a\x00b"])
def test_without_a_reason_it_stays_closed_and_she_is_told_nothing(chain, ana, support, hers, why):
    answer = support.post(at(ana, "open"), {"reason": why})
    assert answer.status_code == 422
    assert "field__error" in answer.content.decode()
    assert [entry.success for entry in entries()] == [False]
    assert support.get(at(ana))["Location"] == at(ana, "")
    assert "Nobody of the staff has." in hers.get("/account").content.decode()


def test_where_nobody_has_said_why_nothing_of_hers_is_shown(chain, ana, bob, support):
    on_air(chain, bob)
    for page in ("live", "history", "history/x"):
        answer = support.get(at(ana, page), follow=True)
        assert answer.redirect_chain == [(at(ana, ""), 302)]
        assert "say why you look at it" in answer.content.decode()
        assert not any(word in answer.content.decode() for word in ("bob", "Fireworks", "Lush"))


def test_it_is_open_for_a_quarter_of_an_hour_in_the_session_of_who_said_why(
    chain, ana, carol, seen, monkeypatch
):
    support, other = seen[Role.SUPPORT], Client()
    opens(support, ana)
    other.force_login(enrol(username="a-colleague", role=Role.SUPPORT, password="").user)
    assert other.get(at(ana)).status_code == 302
    assert support.get(at(carol)).status_code == 302
    for moment, status in ((looks.OPEN_FOR - SECOND, 200), (looks.OPEN_FOR + SECOND, 302)):
        monkeypatch.setattr("ground.clock.now", lambda moment=moment: NOW + SECOND + moment)
        assert support.get(at(ana)).status_code == status


def test_a_session_has_so_many_open_and_closes_the_first(ana, carol, support, monkeypatch):
    monkeypatch.setattr(looks, "MOST_OPEN", 1)
    opens(support, ana)
    opens(support, carol)
    assert (support.get(at(ana)).status_code, support.get(at(carol)).status_code) == (302, 200)


def test_who_may_not_is_refused_and_who_may_no_more_at_once(chain, ana, seen, client):
    auditor = seen[Role.AUDITOR]
    assert [auditor.get(at(ana, page)).status_code for page in ("", "live", "history")] == [403] * 3
    assert opens(auditor, ana).status_code == 403
    assert "Her screen, read only" not in auditor.get(f"/staff/performers/{ana.pk}").content.decode()
    client.force_login(ana.user)
    assert client.get(at(ana)).status_code == 403
    opens(seen[Role.SUPPORT], ana)
    enrol(username="a-support", role=Role.AUDITOR, password="")
    assert seen[Role.SUPPORT].get(at(ana)).status_code == 403


def test_where_it_cannot_be_recorded_it_is_not_opened(ana, support, monkeypatch):
    def died(**_):
        raise SystemExit

    monkeypatch.setattr("adminpanel.people.deeds.audit_log.record", died)
    with pytest.raises(SystemExit):
        opens(support, ana)
    monkeypatch.undo()
    assert support.get(at(ana)).status_code == 302


@pytest.mark.parametrize("key", ["$where", "%00", "x" * 300, "<b>", '{"$gt":""}', "f" * 24])
def test_who_is_no_performer_is_not_found(chain, ana, support, key):
    for page in ("", "/live", "/history", "/history/x"):
        assert support.get(f"/staff/performers/{key}/screen{page}").status_code == 404
    assert support.post(f"/staff/performers/{key}/screen/open", {"reason": WHY}).status_code == 404
    opens(support, ana)
    assert support.get(at(ana, f"history/{key}")).status_code == 404


# --- what is on it -----------------------------------------------------------------------------------------


def test_who_gave_no_name_has_none_and_no_device_can_be_reached_by_what_stands_there(
    chain, ana, bob, support
):
    by_own_network(chain, bob)
    Performer.objects.filter(pk=ana.pk).update(page_choices={"showsNames": False})
    opens(support, ana)
    toys = list(Device.objects.values_list("toy_id", flat=True))
    for html in (shown(support, ana), shown(support, ana, "history")):
        for secret in (*toys, BOB, ">bob<", "192-168", "192.168", ".lovense.club", apps.UTOKEN, apps.UID):
            assert secret not in html, secret
        assert "Someone" in html
    assert "Anonymous" in shown(support, ana)


def test_a_question_asked_of_her_history_is_answered_as_she_is(chain, ana, bob, hers, support):
    on_air(chain, bob)
    opens(support, ana)
    for query in ({"outcome": "played"}, {"name": "bob"}, {"from": "2026-02-31"}, {"after": "x"}):
        own = screens.without_controls(hers.get("/history", query).content.decode(), ana.pk)
        assert screens.as_read(screens.unframed(shown(support, ana, "history", **query))) == own


def test_it_is_read_by_few_indexed_commands(chain, ana, bob, support):
    on_air(chain, bob)
    opens(support, ana)
    shown(support, ana)
    for page in ("live", "history"):
        with recorded() as plans:
            shown(support, ana, page)
        assert len(plans) <= MOST_COMMANDS
        assert scans(plans) == []
