"""The operators' commands: once, repeated, and with bad input."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from rest_framework.authtoken.models import Token

from config import benchmark
from ground.audit.models import AuditEntry
from ground.people import Role, role_of
from ledger import gateway
from ledger.gateway import user_account
from ledger.models import Posting
from lovense.deciding import platform
from lovense.menus.matching import match
from lovense.models import Performer, PlatformSettings, TipMenu
from tests.commands import RECORDER

pytestmark = pytest.mark.django_db

EVA = "507f191e810c19729de86001"
EVE = "507f191e810c19729de86002"
PASSWORD = "correct horse battery"


@pytest.fixture
def run(capsys):
    """What the command printed."""

    def called(*words):
        capsys.readouterr()
        call_command(*words)
        return capsys.readouterr().out

    return called


def refused(*words):
    with pytest.raises(CommandError) as error:
        call_command(*words)
    return str(error.value)


# --- create_performer --------------------------------------------------------------------------------------


def create_performer(performer_id=EVA, username="eva", *more):
    return ("create_performer", "--performer-id", performer_id, "--username", username, *more)


def test_a_performer_gets_a_record_a_log_in_and_a_token(run):
    printed = json.loads(run(*create_performer(EVA, "eva", "--password", PASSWORD)))
    user = Performer.objects.get(pk=EVA).user
    assert printed == {"performerId": EVA, "username": "eva", "token": Token.objects.get(user=user).key}
    assert user.check_password(PASSWORD)
    assert not user.is_staff


def test_creating_a_performer_again_prints_the_same_and_keeps_her_password(run):
    first = run(*create_performer(EVA, "eva", "--password", PASSWORD))
    assert run(*create_performer(EVA, "eva")) == first
    assert User.objects.get(username="eva").check_password(PASSWORD)
    assert Performer.objects.count() == 1


def test_without_a_password_nobody_can_log_in(run):
    run(*create_performer())
    assert not User.objects.get(username="eva").has_usable_password()


def test_upper_case_hex_names_the_same_performer(run):
    assert run(*create_performer(EVA.upper())) == run(*create_performer())


def test_a_creation_cut_short_is_taken_up_again(run):
    User.objects.create(username="eva")
    assert json.loads(run(*create_performer()))["performerId"] == EVA


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "eva",
        "507f191e810c19729de8600",
        "507f191e810c19729de86001a",
        "507f191e810c19729de8600g",
        f"{EVA}\n",
    ],
)
def test_a_performer_id_that_is_not_24_hex_digits_is_refused(wrong):
    assert "24 lower-case hex digits" in refused(*create_performer(wrong))
    assert not User.objects.exists()


def test_a_username_of_another_performer_is_refused(run):
    run(*create_performer(EVA, "eva"))
    assert refused(*create_performer(EVE, "eva")) == f"The username 'eva' is held by performer {EVA}."


def test_a_performer_is_not_renamed_by_creating_her_again(run):
    run(*create_performer(EVA, "eva"))
    assert "exists under another username" in refused(*create_performer(EVA, "eve"))
    assert not User.objects.filter(username="eve").exists()


def test_a_staff_account_does_not_become_a_performer(run):
    run("create_staff", "--username", "sam", "--role", "support")
    assert "staff or platform account" in refused(*create_performer(EVA, "sam"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [(["--password", "short"], "too short"), (["--password", "password1234"], "too common")],
)
def test_a_weak_password_is_refused(more, reason):
    assert reason in refused(*create_performer(EVA, "eva", *more))


def test_a_username_that_django_refuses_is_refused():
    assert "valid username" in refused(*create_performer(EVA, "eva and co"))
    assert not User.objects.exists()


# --- create_staff ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "is_superuser"), [("admin", True), ("support", False), ("auditor", False)])
def test_staff_have_one_role_and_only_an_admin_may_do_everything(run, role, is_superuser):
    printed = json.loads(run("create_staff", "--username", "sam", "--role", role, "--password", PASSWORD))
    user = User.objects.get(username="sam")
    assert printed == {"username": "sam", "token": Token.objects.get(user=user).key}
    assert (user.is_staff, user.is_superuser) == (True, is_superuser)
    assert [group.name for group in user.groups.all()] == [role]
    assert user.check_password(PASSWORD)


def test_support_has_its_role_and_nothing_beside_it(run):
    run("create_staff", "--username", "sam", "--role", "support")
    user = User.objects.get(username="sam")
    assert role_of(user) is Role.SUPPORT
    assert user.get_all_permissions() == set()


def test_creating_staff_again_prints_the_same_and_the_last_role_holds(run):
    first = run("create_staff", "--username", "sam", "--role", "admin", "--password", PASSWORD)
    assert run("create_staff", "--username", "sam", "--role", "auditor") == first
    user = User.objects.get(username="sam")
    assert not user.is_superuser
    assert [group.name for group in user.groups.all()] == ["auditor"]
    assert user.check_password(PASSWORD)


def test_what_it_changed_is_in_the_audit_log_and_a_repeat_leaves_nothing_there(run):
    for role in ("admin", "admin", "auditor"):
        run("create_staff", "--username", "sam", "--role", role, "--why", "she joined us")
    Token.objects.all().delete()
    run("create_staff", "--username", "sam", "--role", "auditor")
    run("create_staff", "--username", "sam", "--role", "auditor", "--password", PASSWORD, "--by", "ada")
    found = AuditEntry.objects.filter(action="enrol", target="sam").order_by("at", "entry_id")
    active = {"is_active": True}
    assert [(each.actor, each.why, each.before, each.after) for each in found] == [
        ("operator", "she joined us", None, {"role": "admin", **active}),
        ("operator", "she joined us", {"role": "admin", **active}, {"role": "auditor", **active}),
        ("operator", "", {"role": "auditor", **active}, {"role": "auditor", **active, "api_token": "new"}),
        ("ada", "", {"role": "auditor", **active}, {"role": "auditor", **active, "password": "new"}),
    ]


def test_a_role_that_does_not_exist_is_refused():
    assert "invalid choice: 'owner'" in refused("create_staff", "--username", "sam", "--role", "owner")


def test_a_performer_does_not_become_staff(run):
    run(*create_performer())
    assert "held by a performer" in refused("create_staff", "--username", "eva", "--role", "admin")
    assert not User.objects.get(username="eva").is_staff


# --- create_platform_client --------------------------------------------------------------------------------


def test_a_platform_gets_a_token_and_nothing_else_is_printed(run):
    printed = run("create_platform_client", "camsite")
    user = User.objects.get(username="camsite")
    assert printed == Token.objects.get(user=user).key + "\n"
    assert list(user.groups.all()) == [Group.objects.get(name="platform")]
    assert not user.has_usable_password()


def test_creating_a_platform_again_prints_the_same_token(run):
    assert run("create_platform_client", "camsite") == run("create_platform_client", "camsite")


def test_an_account_of_another_kind_does_not_become_a_platform(run):
    run(*create_performer())
    run("create_staff", "--username", "sam", "--role", "support")
    for name in ("eva", "sam"):
        assert "held by another account" in refused("create_platform_client", name)


def test_a_platform_name_that_django_refuses_is_refused():
    assert "valid username" in refused("create_platform_client", "cam site")


# --- set_platform ------------------------------------------------------------------------------------------


def test_a_setting_is_changed_and_said_before_and_after(run):
    assert run("set_platform", "minimum_tip", "25") == "minimum_tip: 10 -> 25\n"
    assert run("set_platform", "minimum_tip", "25") == "minimum_tip: 25 -> 25\n"
    assert PlatformSettings.objects.get().minimum_tip == 25


def test_the_kill_switch_goes_by_its_public_name_and_leaves_the_rest(run):
    run("set_platform", "maximum_seconds", "20")
    assert run("set_platform", "enableLovense", "false") == "enable_lovense: true -> false\n"
    kept = PlatformSettings.objects.get()
    assert (kept.enable_lovense, kept.maximum_seconds) == (False, 20)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("name", "x", "There is no setting 'name'"),
        ("enable_lovense", "maybe", "must be true or false"),
        ("minimum_tip", "0", "from 1 to"),
        ("minimum_tip", "1.5", "whole number"),
        ("minimum_tip", "²", "whole number"),
        ("minimum_tip", "9" * 5000, "minimum_tip must be a whole number from 1 to 9007199254740991"),
        ("maximum_seconds", "1", "from 2 to 3600"),
        ("maximum_seconds", "3601", "from 2 to 3600"),
        ("rate_limit_per_minute", "lots", "whole number"),
        ("rate_limit_per_minute", "-1", "from 0 to 600"),
        ("default_intensity", "0", "default_intensity must be a whole number from 1 to 20, not '0'"),
        ("default_intensity", "21", "from 1 to 20"),
        ("default_seconds", "0", "from 1 to 3600"),
        ("default_seconds", "3601", "from 1 to 3600"),
        ("queue_mode", "lifo", "must be one of fifo, priority, batch"),
        ("auto_connect", "", "must be true or false"),
        ("require_tip_menu", "2", "must be true or false"),
        ("cam_site_name", "x" * 65, "at most 64 printable characters"),
        ("cam_site_name", "Sta\0ge", "at most 64 printable characters"),
        ("is_draining", "true", "There is no setting 'is_draining'"),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_is_written(key, value, reason):
    assert reason in refused("set_platform", key, value)
    assert not PlatformSettings.objects.exists()


# The names are an interface: other programs are written against exactly these.
FIXED = {
    "enable_lovense": ("false", "true"),
    "minimum_tip": ("25", "10"),
    "maximum_seconds": ("20", "30"),
    "default_intensity": ("7", "10"),
    "default_seconds": ("9", "5"),
    "rate_limit_per_minute": ("0", "30"),
    "queue_mode": ("batch", "fifo"),
    "auto_connect": ("false", "true"),
    "require_tip_menu": ("true", "false"),
    "cam_site_name": ("Stage 5", '""'),
}


@pytest.mark.parametrize(("key", "value", "before"), [(key, *said) for key, said in FIXED.items()])
def test_every_setting_of_the_interface_has_its_default_and_can_be_set(key, value, before, run):
    assert run("set_platform", key, value) == f"{key}: {before} -> {value}\n"
    kept = getattr(PlatformSettings.objects.get(), key)
    assert (str(kept).lower() if isinstance(kept, bool) else str(kept)) == value
    assert AuditEntry.objects.get().after == {key: kept}


def test_there_are_no_other_settings_and_each_has_its_name_at_the_wire():
    assert set(platform.SETTINGS) == set(FIXED) == set(platform.ALIASES.values())


def test_the_name_at_lovense_can_be_taken_back(run):
    run("set_platform", "lovenseCamSiteName", "Stage 5")
    assert run("set_platform", "cam_site_name", "") == 'cam_site_name: Stage 5 -> ""\n'


def test_a_rate_limit_of_0_means_none(run):
    assert run("set_platform", "rate_limit_per_minute", "0") == "rate_limit_per_minute: 30 -> 0\n"


# --- prepare_bench -----------------------------------------------------------------------------------------


def prepared(run, performers=3, viewers=5):
    return json.loads(run("prepare_bench", "--performers", str(performers), "--viewers", str(viewers)))[
        "tokens"
    ]


def test_a_load_test_finds_its_cast(run):
    tokens = prepared(run)
    assert list(tokens) == [f"{0xBE0000000000000000000000 + n:024x}" for n in range(3)]
    for own_id, token in tokens.items():
        performer = Performer.objects.get(pk=own_id)
        assert Token.objects.get(pk=token).user == performer.user
        menu = TipMenu.objects.get(pk=f"{own_id}.{performer.menu_version}")
        assert all(match(menu.items, amount)["durationSec"] == 1 for amount in (1, 10, 2**53 - 1))
    assert PlatformSettings.objects.get().rate_limit_per_minute == 0
    assert PlatformSettings.objects.get().minimum_tip == 1


def test_its_viewers_are_funded_once_through_the_books(run):
    assert prepared(run) == prepared(run)
    for number in range(5):
        assert (
            gateway.current().balance_of(user_account(f"{0xAB0000000000000000000000 + number:024x}"))
            == 10**12
        )
    assert Posting.objects.count() == 5
    assert TipMenu.objects.count() == Performer.objects.count() == 3


def test_a_preparation_cut_short_is_taken_up_again(run):
    first = prepared(run)
    Performer.objects.filter(pk=benchmark.performer_id(1)).delete()
    Token.objects.filter(pk=first[benchmark.performer_id(2)]).delete()
    again = prepared(run)
    assert again[benchmark.performer_id(0)] == first[benchmark.performer_id(0)]
    assert Performer.objects.count() == 3
    assert Token.objects.count() == 3


def test_a_larger_cast_keeps_the_smaller_one(run):
    small, large = prepared(run, 2, 2), prepared(run, 4, 4)
    assert large.items() >= small.items()
    assert len(large) == 4


def test_a_whole_cast_takes_no_more_commands_than_a_small_one(run):
    """But for the second half of the funding, since 2 000 transfers are one transaction."""

    def commands(*cast):
        RECORDER.commands = sent = []
        try:
            prepared(run, *cast)
        finally:
            RECORDER.commands = None
        return len(sent)

    small = commands(2, 2)
    assert commands(50, 2000) < 3 * small


@pytest.mark.parametrize(
    "words",
    [("--performers", "0", "--viewers", "1"), ("--performers", "1", "--viewers", "0"), ("--performers", "1")],
)
def test_an_empty_cast_is_refused(words):
    refused("prepare_bench", *words)
    assert not User.objects.exists()


# --- virtual_device ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--url", "ws://x"], "must start with http"),
        (["--speed", "0"], "above 0"),
        (["--speed", "fast"], "float"),
    ],
)
def test_a_virtual_device_refuses_what_it_cannot_use(more, reason):
    assert reason in refused("virtual_device", "--performer-id", EVA, "--token", "t", *more)


# --- remove_second_factor ----------------------------------------------------------------------------------


def test_remove_second_factor_lets_who_has_lost_everything_set_up_a_new_one(run):
    from adminpanel.people import secondfactor
    from adminpanel.people.deeds import Deed
    from ground import clock
    from ground.audit import log as audit_log
    from tests.adminpanel.people.test_secondfactor import SALT, code

    run("create_staff", "--username", "ada", "--role", "admin")
    ada, now = User.objects.get(username="ada"), clock.now()
    secondfactor.set_up(ada, salt=SALT, code=code(ada, now), deed=Deed(str(ada.pk), "ada", "", now))
    remove = ("remove_second_factor", "--username", "ada", "--by", "eve", "--why", "lost her phone")
    assert "no second factor any more" in run(*remove)
    assert secondfactor.of(str(ada.pk)) is None
    entry = audit_log.of("ada", limit=1)[0]
    assert (entry["action"], entry["actor"], entry["why"]) == (
        "remove_second_factor",
        "eve",
        "lost her phone",
    )
    assert "No account of staff 'ada' has a second factor." in refused(*remove)
