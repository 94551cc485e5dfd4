"""The second factor: a secret that is kept nowhere, a code that counts once, recovery codes that each count
once, and an entry for all of it."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django_otp.oath import TOTP

from adminpanel.models import SecondFactor
from adminpanel.people import secondfactor
from adminpanel.people.secondfactor import AlreadySetUp, CodeUsed, NotSetUp, ProvedBy, WrongCode
from ground.audit import log as audit_log
from ground.mongodb.collections import collection
from tests.adminpanel.people.at_once import together
from tests.adminpanel.people.conftest import deed
from tests.factories import NOW

pytestmark = pytest.mark.django_db
STEP = timedelta(seconds=30)
SALT = "5a" * 16


def code(user, now=NOW, salt=SALT):
    """What her phone shows."""
    totp = TOTP(secondfactor.secret_of(str(user.pk), salt))
    totp.time = now.timestamp()
    return f"{totp.token():06d}"


def set_up(user, now=NOW):
    return secondfactor.set_up(user, salt=SALT, code=code(user, now), deed=deed(user, now=now))


def prove(user, typed, now=NOW):
    return secondfactor.prove(user, code=typed, action="log_in", deed=deed(user, now=now))


def told(user):
    return [(row["action"], row["success"]) for row in audit_log.of(user.get_username(), limit=20)]


# --- the secret --------------------------------------------------------------------------------------------


def test_the_secret_follows_from_account_salt_and_the_servers_key_alone():
    secret = secondfactor.secret_of("a" * 24, SALT)
    assert len(secret) == 20
    assert secret == secondfactor.secret_of("a" * 24, SALT)
    others = [secondfactor.secret_of("b" * 24, SALT), secondfactor.secret_of("a" * 24, "6b" * 16)]
    with override_settings(SECRET_KEY="another key of another server"):
        others.append(secondfactor.secret_of("a" * 24, SALT))
    assert len({secret, *others}) == 4


def test_codes_are_those_of_the_standard():
    """RFC 6238, appendix B, the last six of its eight digits."""
    secret, clock = b"12345678901234567890", {59: "287082", 1111111109: "081804", 20000000000: "353130"}
    for second, digits in clock.items():
        at = NOW.fromtimestamp(second, NOW.tzinfo)
        assert secondfactor.step_of(secret, digits, now=at) == second // 30
        assert secondfactor.step_of(secret, digits, now=at + STEP) == second // 30
        assert secondfactor.step_of(secret, digits, now=at + 2 * STEP) is None


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "１２３４５６", "12a456", "-12345", "1" * 500, "\x00"]
)
def test_what_is_no_code_is_no_code(ada, typed):
    set_up(ada)
    with pytest.raises(WrongCode):
        prove(ada, typed)


def test_the_picture_and_what_is_typed_say_the_same_secret(ada):
    typed = secondfactor.to_type(str(ada.pk), SALT)
    assert len(typed.split()) == 8
    scanned = secondfactor.to_scan(str(ada.pk), SALT, username="ada & co")
    assert typed.replace(" ", "") in scanned
    assert scanned.startswith("otpauth://totp/Settled%20Tips%3Aada%20%26%20co?secret=")


def test_neither_row_nor_log_has_the_secret_or_a_recovery_code(ada, caplog):
    codes = set_up(ada)
    secret = secondfactor.to_type(str(ada.pk), SALT).replace(" ", "")
    kept = str(collection(SecondFactor).find_one({})) + str(audit_log.of("ada", limit=9)) + caplog.text
    assert [each for each in (secret, *codes) if each in kept or each.replace("-", "") in kept] == []


# --- set up, renewed, taken away ---------------------------------------------------------------------------


def test_it_is_set_up_by_a_code_of_now_and_once(ada):
    with pytest.raises(WrongCode):
        secondfactor.set_up(ada, salt=SALT, code="000000", deed=deed(ada))
    assert secondfactor.of(str(ada.pk)) is None
    codes = set_up(ada)
    assert len(set(codes)) == 10
    with pytest.raises(AlreadySetUp):
        set_up(ada)
    assert told(ada) == [("set_up_second_factor", True)]


def test_of_two_that_set_it_up_at_once_one_does(ada):
    made = together(4, lambda _: set_up(ada))
    assert [type(each) for each in made if not isinstance(each, list)] == [AlreadySetUp] * 3
    assert told(ada) == [("set_up_second_factor", True)]


def test_the_code_that_set_it_up_does_not_count_again(ada):
    set_up(ada)
    with pytest.raises(CodeUsed):
        prove(ada, code(ada))


def test_new_recovery_codes_take_the_place_of_all_before(ada):
    before = set_up(ada)
    after = secondfactor.renew_codes(ada, salt=SALT, deed=deed(ada))
    with pytest.raises(WrongCode):
        prove(ada, before[0])
    assert prove(ada, after[0]) is ProvedBy.RECOVERY
    entry = audit_log.of("ada", limit=9)[1]
    assert (entry["action"], entry["before"], entry["after"]) == (
        "renew_recovery_codes",
        {"left": 10},
        {"left": 10},
    )
    with pytest.raises(NotSetUp):
        secondfactor.renew_codes(ada, salt="of one before", deed=deed(ada))


def test_what_is_taken_away_proves_nothing_and_is_gone_once(ada):
    codes = set_up(ada)
    secondfactor.remove(ada, salt=SALT, deed=deed(ada))
    for typed in (code(ada, NOW + STEP), codes[0]):
        with pytest.raises(NotSetUp):
            prove(ada, typed, NOW + STEP)
    with pytest.raises(NotSetUp):
        secondfactor.remove(ada, salt=SALT, deed=deed(ada))
    assert told(ada) == [("remove_second_factor", True), ("set_up_second_factor", True)]


# --- proved ------------------------------------------------------------------------------------------------


def test_a_code_counts_once_and_none_before_it(ada):
    set_up(ada)
    later = NOW + 3 * STEP
    earlier, typed = code(ada, later - STEP), code(ada, later)
    assert prove(ada, f"{typed[:3]} {typed[3:]}", later) is ProvedBy.CODE
    for used in (typed, earlier):
        with pytest.raises(CodeUsed):
            prove(ada, used, later)
    assert told(ada) == [("log_in", True), ("set_up_second_factor", True)]


def test_of_two_at_once_with_one_code_one_is_in(ada):
    set_up(ada)
    later = NOW + 3 * STEP
    said = together(6, lambda _: prove(ada, code(ada, later), later))
    assert [each for each in said if each is ProvedBy.CODE] == [ProvedBy.CODE]
    assert {type(each) for each in said if each is not ProvedBy.CODE} == {CodeUsed}
    assert told(ada).count(("log_in", True)) == 1


def test_a_recovery_code_counts_once_however_it_is_typed(ada):
    codes = set_up(ada)
    assert prove(ada, f" {codes[3].lower().replace('-', ' ')} ") is ProvedBy.RECOVERY
    with pytest.raises(WrongCode):
        prove(ada, codes[3])
    assert secondfactor.of(str(ada.pk)).left == 9
    entry = audit_log.of("ada", limit=1)[0]
    assert entry["after"] == {"second_factor": "recovery code", "recovery_codes_left": 9}


def test_of_two_at_once_with_one_recovery_code_one_is_in(ada):
    codes = set_up(ada)
    said = together(6, lambda _: prove(ada, codes[0]))
    assert [each for each in said if each is ProvedBy.RECOVERY] == [ProvedBy.RECOVERY]
    assert secondfactor.of(str(ada.pk)).left == 9


def test_another_accounts_codes_prove_nothing(ada, amy):
    hers = set_up(amy)
    set_up(ada)
    for typed in (hers[0], code(amy, NOW + STEP)):
        with pytest.raises(WrongCode):
            prove(ada, typed, NOW + STEP)


def test_where_the_entry_cannot_be_written_the_code_is_not_used(ada, monkeypatch):
    """As where the process dies between the two: both or neither."""
    set_up(ada)
    later = NOW + STEP

    def died(**_):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "record", died)
        with pytest.raises(SystemExit):
            prove(ada, code(ada, later), later)
    assert prove(ada, code(ada, later), later) is ProvedBy.CODE
    assert told(ada) == [("log_in", True), ("set_up_second_factor", True)]
