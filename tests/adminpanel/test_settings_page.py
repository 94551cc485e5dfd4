"""The page of the platform's settings: what a new value does is seen before it is saved, with a reason, once,
by who has seen what there is; the switches are two steps, and an earlier value is put back."""

import pytest
from django.core.management import call_command
from django.test import Client

from adminpanel.setting import effects
from adminpanel.staff import enrol
from ground import clock
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.deciding import platform
from lovense.deciding.platform import ROW, SettingsChanged
from lovense.lane import controls
from lovense.menus import publishing
from lovense.models import Performer
from lovense.sending import pages
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import ada, amy, sam
from tests.chain import MENU
from tests.factories import NOW, PerformerFactory
from tests.ground.plans import recorded
from tests.lovense.conftest import CHANNEL
from tests.pages import inline_code, unlabelled_fields

__all__ = ["ada", "amy", "sam"]
pytestmark = pytest.mark.django_db
WHY = "a quiet week"


@pytest.fixture
def admin(ada):
    client = Client()
    client.force_login(ada)
    return client


def page(client, field, **asked):
    answer = client.get(f"/staff/settings/{field}", asked)
    return " ".join(answer.content.decode().split())


def save(client, field, value, *, seen=None, reason=WHY, follow=False):
    seen = platform.current().version if seen is None else seen
    address = f"/staff/settings/{field}/set?value={value}"
    return client.post(address, {"seen": seen, "reason": reason}, follow=follow)


def entries():
    return [
        (row["action"], row["success"], row["before"], row["after"]) for row in audit_log.of(ROW, limit=9)
    ]


def saved(field, before, after):
    return ("set", True, {field: before}, {field: after})


# --- a new value -------------------------------------------------------------------------------------------


def test_a_cap_is_lowered_and_put_back_and_each_leaves_one_entry(admin):
    assert "now 30 s" in page(admin, "maximum_seconds", value="20")
    assert save(admin, "maximum_seconds", "20").status_code == 302
    assert platform.current().maximum_seconds == 20
    shown = page(admin, "maximum_seconds")
    assert '<a class="button button--quiet" href="?value=30" aria-label="Put back 30 s">' in shown
    assert f"<bdi>{WHY}</bdi>" in shown
    assert save(admin, "maximum_seconds", "30").status_code == 302
    assert platform.current().maximum_seconds == 30
    assert entries() == [saved("maximum_seconds", 20, 30), saved("maximum_seconds", 30, 20)]
    [last, first] = audit_log.of(ROW, limit=9)
    assert {last["actor"], first["actor"], last["why"]} == {"ada", WHY}


def test_what_is_so_already_leaves_no_entry(admin):
    assert "It is so already" in page(admin, "maximum_seconds", value="30")
    answer = save(admin, "maximum_seconds", "30", follow=True)
    assert "It was so already: nothing was written." in answer.content.decode()
    assert (entries(), platform.current().version) == ([], 0)


@pytest.mark.parametrize("value", ["0", "-1", "1e3", "31.5", "true", "", "3601", "9" * 5000, "$gt", "<b>"])
def test_a_value_that_breaks_its_rule_is_said_with_its_bounds_and_nothing_is_written(admin, value):
    looked = admin.get("/staff/settings/maximum_seconds", {"value": value})
    answer = save(admin, "maximum_seconds", value)
    for each in (looked, answer):
        assert each.status_code == 422
        assert "must be a whole number from 2 to 3600" in each.content.decode().lower()
    assert [row[:2] for row in entries()] == [("set", False)]
    assert platform.current().version == 0


@pytest.mark.parametrize("reason", ["", "no", " x ", "y" * 201])
def test_without_a_reason_nothing_is_saved(admin, reason):
    answer = save(admin, "maximum_seconds", "20", reason=reason)
    assert answer.status_code == 422
    assert "Say why, in 3 to 200 characters." in answer.content.decode()
    assert platform.current().maximum_seconds == 30
    assert entries() == [("set", False, None, {"refused": "invalid"})]


def test_who_has_seen_an_older_version_is_shown_both_values(admin):
    save(admin, "maximum_seconds", "20")
    answer = save(admin, "maximum_seconds", "25", seen=0)
    shown = " ".join(answer.content.decode().split())
    assert answer.status_code == 409
    assert "Now it is <strong><bdi>20 s</bdi></strong>. Yours is <strong><bdi>25 s</bdi></strong>" in shown
    assert '<input type="hidden" name="seen" value="1">' in shown
    assert platform.current().maximum_seconds == 20
    assert entries()[0] == ("set", False, None, {"refused": "outdated"})


def test_of_two_admins_at_once_one_wins_and_the_other_is_told(ada, amy):
    def write(place):
        changes = {"maximum_seconds": 20 + place}
        return controls.set_seen(changes, seen=0, by=f"admin {place}", why=WHY, now=NOW)

    said = together(4, write)
    refused = [each for each in said if isinstance(each, SettingsChanged)]
    assert len(refused) == 3
    assert {each.details["present"]["maximum_seconds"] for each in refused} == {
        platform.current().maximum_seconds
    }
    assert len(entries()) == 1


def test_where_the_entry_cannot_be_written_the_setting_is_what_it_was(db, monkeypatch):
    def died(**_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            controls.set_seen({"maximum_seconds": 20}, seen=0, by="ada", why=WHY, now=NOW)
    assert (platform.current().maximum_seconds, platform.current().version) == (30, 0)


@pytest.mark.parametrize("field", ["nothing", "version", "name", "_id", "$where"])
def test_what_is_no_setting_is_not_found(admin, field):
    assert admin.get(f"/staff/settings/{field}").status_code == 404
    assert save(admin, field, "1").status_code == 404


# --- the switches ------------------------------------------------------------------------------------------


@pytest.fixture
def playing(chain, bob):
    chain.settled(bob, 100)
    pages.take(chain.performer_id, page_id="page-1", channel=CHANNEL, slot="web-0", now=clock.now())
    chain.dispatch()
    return chain


def test_the_kill_switch_says_what_ends_and_the_second_press_changes_nothing(admin, playing):
    shown = page(admin, "enable_lovense", value="false")
    assert "1 run ends now." in shown
    assert "1 performer on air" in shown
    assert save(admin, "enable_lovense", "false").status_code == 302
    assert not platform.current().enable_lovense
    assert save(admin, "enable_lovense", "false", seen=0, follow=True).status_code == 200
    assert entries() == [saved("enable_lovense", True, False)]


def test_what_only_makes_it_calmer_is_done_whatever_was_seen_and_its_end_is_not(admin):
    save(admin, "minimum_tip", "20")
    for field, value in (("enable_lovense", "false"), ("is_draining", "true")):
        assert save(admin, field, value, seen=0).status_code == 302
    for field, value in (("enable_lovense", "true"), ("is_draining", "false")):
        assert save(admin, field, value, seen=0).status_code == 409
    assert [row[0] for row in entries() if row[1]] == ["drain", "set", "set"]
    assert (platform.current().enable_lovense, platform.current().is_draining) == (False, True)


def test_every_page_says_who_holds_everything_back_and_since_when(admin, sam):
    call_command("drain", "on", "--by", "dina")
    save(admin, "enable_lovense", "false")
    shown = " ".join(admin.get("/staff/tips").content.decode().split())
    assert "Kill switch: nothing plays</a> <small>since <time" in shown
    assert "UTC</time>, by <bdi>ada</bdi>" in shown
    assert "Draining: nothing new starts</a> <small>since <time" in shown
    assert "UTC</time>, by <bdi>dina</bdi>" in shown
    other = Client()
    other.force_login(sam)
    shown = " ".join(other.get("/staff/tips").content.decode().split())
    assert "<span>Kill switch: nothing plays <small>since <time" in shown
    assert "/staff/settings" not in shown


# --- what it will do ---------------------------------------------------------------------------------------


def told(field, value):
    return effects.of(field, value, platform.current(), at=NOW)


def test_items_that_a_shorter_cap_cuts_are_counted_in_the_menus_in_force(chain):
    def cut(seconds):
        return told("maximum_seconds", seconds)[0].partition(" items")[0]

    assert (cut(10), cut(9)) == ("0 performers have", "1 performer has")
    publishing.publish(chain.performer_id, [{**MENU[1], "durationSec": 5}], NOW)
    assert cut(9) == "0 performers have"


def test_each_setting_says_whom_it_concerns(ana, carol):
    collection(Performer).update_one({"_id": carol.pk}, {"$set": {"minimum_tip": 15, "queue_mode": "batch"}})
    assert told("minimum_tip", 20)[1].startswith("1 performer has chosen a lower minimum")
    assert told("minimum_tip", 15)[1].startswith("0 performers")
    assert told("queue_mode", "priority")[0].startswith("1 performer has chosen no mode")
    assert told("require_tip_menu", True)[0].startswith("2 performers never published a menu")
    assert told("default_seconds", 9)[0].startswith("2 performers never published")
    assert told("auto_connect", False)[0].startswith("2 performers did not choose")
    assert told("rate_limit_per_minute", 10)[0].startswith("0 performers on air")
    assert told("cam_site_name", "Stage")[0].startswith("0 performers chose the extension")
    assert told("is_draining", True)[0] == "0 runs play to their end; nothing new starts."


def test_no_effect_reads_more_than_it_counts_and_every_count_is_by_an_index(ana):
    for field in effects._SAYS:
        then = {bool: not getattr(platform.current(), field), int: 21, str: "batch"}
        with recorded(run=True) as plans:
            told(field, then[platform.WRITTEN[field].kind])
        assert [plan for plan in plans if not plan.is_indexed] == [], field
        assert all(plan.examined <= 2 for plan in plans), field


def test_more_than_a_thousand_are_not_counted_on(db):
    PerformerFactory.create_batch(3)
    row = collection(Performer).find_one()
    many = ({**row, "_id": f"{number:024x}", "user_id": number} for number in range(effects.COUNTED))
    collection(Performer).insert_many(list(many))
    assert told("require_tip_menu", True)[0].startswith("More than 1000 performers")


# --- who may -----------------------------------------------------------------------------------------------


def test_an_auditor_looks_and_changes_nothing_and_support_does_not_look(client, sam):
    client.force_login(enrol(username="ines", role=Role.AUDITOR, password="").user)
    assert client.get("/staff/settings").status_code == 200
    assert "See what it does" not in page(client, "maximum_seconds", value="20")
    assert save(client, "maximum_seconds", "20").status_code == 403
    client.force_login(sam)
    assert client.get("/staff/settings").status_code == 403
    assert save(client, "enable_lovense", "false").status_code == 403
    assert platform.current().version == 0


def test_the_pages_have_no_inline_code_and_every_field_has_its_label(admin):
    save(admin, "maximum_seconds", "20")
    for address in ("", "/maximum_seconds", "/queue_mode?value=batch", "/maximum_seconds?value=x"):
        html = admin.get(f"/staff/settings{address}").content.decode()
        assert (inline_code(html), unlabelled_fields(html)) == ([], set())
