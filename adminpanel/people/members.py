"""Staff: enrolled by a one-time link, given a role, disabled, logged out.

Whoever does it is an admin, also at the end: her own row is written in the same transaction, so of
two admins who take each other's role at once one is refused. As nobody changes the own role or
disables herself, an admin stays whatever happens."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from pymongo.client_session import ClientSession
from rest_framework.authtoken.models import Token

from adminpanel import staff
from adminpanel.models import SecondFactor, StaffState
from adminpanel.people import links, secondfactor
from adminpanel.people.deeds import (
    ACCOUNT,
    Deed,
    DeedChange,
    DeedTarget,
    Outdated,
    WrongField,
    recorded,
)
from ground import people
from ground.json.errors import Refusal
from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ground.people import Role
from lovense.performers import loggedin

LISTED = 200
Facts = dict[str, Any]


class NotAnAdmin(Refusal):
    """Only an admin who may come in decides who else may."""

    code, status, words = "not_an_admin", 403, "Only an admin does that."


class NoSuchMember(Refusal):
    """What is changed is an account of staff."""

    code, status, words = "not_found", 404, "There is no such member of staff."


class OwnAccount(Refusal):
    """Nobody changes the own role or disables herself, so the last admin stays."""

    code, status = "own_account", 403
    words = "That is your own account: another admin does that."


class StaffMember(NamedTuple):
    """`version` is what a change of her has to have seen."""

    user: User
    role: Role | None
    version: int
    has_factor: bool

    @property
    def account(self) -> str:
        return str(self.user.pk)

    @property
    def name(self) -> str:
        return self.user.get_username()

    @property
    def state(self) -> Facts:
        """What a change may change, for the audit log and for whoever saw something else."""
        role = self.role.value if self.role else None
        return {"role": role, "is_active": self.user.is_active}

    @property
    def words(self) -> str:
        role = f"{self.role.value.capitalize()}" if self.role else "No role"
        return f"{role}, {'active' if self.user.is_active else 'disabled'}"


# --- read ----------------------------------------------------------------------------------------


def listed() -> list[StaffMember]:
    """By name; those that have a role."""
    groups = Group.objects.filter(name__in=[role.value for role in Role])
    held: dict[Any, Role] = {}
    pairs = User.groups.through.objects.filter(group_id__in=[each.pk for each in groups])
    names = {each.pk: Role(each.name) for each in groups}
    for user_id, group_id in pairs.values_list("user_id", "group_id")[:LISTED]:
        held[user_id] = names[group_id]
    users = User.objects.filter(pk__in=list(held), is_staff=True)
    keys = [str(key) for key in held]
    versions = {row["_id"]: row["version"] for row in _rows(StaffState, keys)}
    factors = {row["_id"] for row in _rows(SecondFactor, keys)}
    members = [
        StaffMember(
            user,
            Role.ADMIN if user.is_superuser else held[user.pk],
            versions.get(str(user.pk), 0),
            str(user.pk) in factors,
        )
        for user in users
    ]
    return sorted(members, key=lambda each: each.name.lower())


def _rows(model: type[StaffState] | type[SecondFactor], keys: list[str]) -> list[Facts]:
    return list(collection(model).find({"_id": {"$in": keys}}, {"version": 1}))


def find(account: str, *, session: ClientSession | None = None) -> StaffMember:
    """Raises NoSuchMember."""
    user = people.account(account, is_staff=True)
    if user is None:
        raise NoSuchMember
    state = collection(StaffState).find_one({"_id": account}, session=session)
    has_factor = secondfactor.of(account, session=session) is not None
    return StaffMember(user, people.given_role(user), state["version"] if state else 0, has_factor)


def target_of(name: str) -> DeedTarget:
    return DeedTarget(ACCOUNT, name)


# --- changed -------------------------------------------------------------------------------------


def enrol(*, username: str, role: Role, deed: Deed) -> tuple[StaffMember, str]:
    """The new member and what stands in her link; she cannot log in before she has used it. Raises
    WrongField, NotAnAdmin."""
    _check_name(username)
    group = staff.group_of(role)

    def body(session: ClientSession) -> tuple[str, str]:
        _acting(deed, session)
        if User.objects.filter(username=username).exists():
            raise WrongField("username", "There is an account of that name.")
        user = User(username=username)
        user.set_unusable_password()
        staff.give(user, role, group)
        _moved(str(user.pk), 0, session)
        token = links.written(str(user.pk), deed, session=session)
        after = {"role": role.value, "is_active": True}
        recorded(deed, "enrol", target_of(username), session, DeedChange(None, after))
        return str(user.pk), token

    account, token = transactions.run(body)
    return find(account), token


def enrol_at_shell(*, username: str, role: Role, password: str, deed: Deed) -> staff.StaffEnrolment:
    """As `staff.enrol`, with an entry of what it changed; a repeat changes nothing and leaves none.
    Nobody has to be an admin for it: whoever has the shell has the database."""
    staff.group_of(role)

    def body(session: ClientSession) -> staff.StaffEnrolment:
        before, old = _standing(username)
        made = staff.enrol(username=username, role=role, password=password)
        after, new = _standing(username)
        more = {name: "new" for name in new if before and old.get(name) != new[name]}
        if more or after != before:
            change = DeedChange(before or None, after | more)
            recorded(deed, "enrol", target_of(username), session, change)
        return made

    return transactions.run(body)


def _standing(username: str) -> tuple[Facts, dict[str, str]]:
    """What she is, empty where she is no member; and what nobody is told: by what she proves who
    she is."""
    user = User.objects.filter(username=username, is_staff=True).first()
    if user is None:
        return {}, {}
    role, token = people.given_role(user), Token.objects.filter(user=user).first()
    proofs = {"password": user.password, "api_token": token.key if token else ""}
    return {"role": role.value if role else None, "is_active": user.is_active}, proofs


def _check_name(username: str) -> None:
    try:
        User._meta.get_field("username").clean(username, None)
    except ValidationError as wrong:
        raise WrongField("username", " ".join(wrong.messages)) from None


def set_role(account: str, role: Role, *, seen: int, deed: Deed) -> StaffMember:
    """Whatever she is logged in with ends: she comes back as what she is now. Raises OwnAccount,
    NotAnAdmin, NoSuchMember, Outdated."""
    group = staff.group_of(role)

    def work(member: StaffMember, session: ClientSession) -> None:
        staff.give(member.user, role, group)
        loggedin.end_all(account, session=session)

    return _changed(account, "set_role", work, seen=seen, deed=deed, is_of_others=True)


def set_active(account: str, *, is_active: bool, seen: int, deed: Deed) -> StaffMember:
    """A disabled account is logged out, cannot log in, and its token proves nothing. Raises as
    `set_role`."""

    def work(member: StaffMember, session: ClientSession) -> None:
        where, fields = {"_id": member.user.pk}, {"is_active": is_active}
        collection(User).update_one(where, {"$set": fields}, session=session)
        if not is_active:
            loggedin.end_all(account, session=session)

    action = "enable" if is_active else "disable"
    return _changed(account, action, work, seen=seen, deed=deed, is_of_others=True)


def end_sessions(account: str, *, seen: int, deed: Deed) -> StaffMember:
    """Raises NotAnAdmin, NoSuchMember, Outdated."""

    def work(member: StaffMember, session: ClientSession) -> Facts:
        return {"log_ins_ended": loggedin.end_all(account, session=session)}

    return _changed(account, "end_sessions", work, seen=seen, deed=deed)


def end_own_sessions(user: User, *, here: str, deed: Deed) -> int:
    """All but the one that asks; how many that were."""

    def body(session: ClientSession) -> int:
        ended = loggedin.end_all(str(user.pk), but=here, session=session)
        target, change = target_of(user.get_username()), DeedChange(None, {"log_ins_ended": ended})
        recorded(deed, "end_sessions", target, session, change)
        return ended

    return transactions.run(body)


def make_link(account: str, *, seen: int, deed: Deed) -> str:
    """What stands in it. The password stays what it is until the link was used. Raises
    NotAnAdmin, NoSuchMember, Outdated."""
    made = [""]

    def work(member: StaffMember, session: ClientSession) -> None:
        made[0] = links.written(account, deed, session=session)

    _changed(account, "make_link", work, seen=seen, deed=deed)
    return made[0]


def remove_factor(account: str, *, seen: int, deed: Deed) -> StaffMember:
    """For who has lost the phone and the recovery codes. Raises as `set_role`, and NotSetUp."""

    def work(member: StaffMember, session: ClientSession) -> None:
        factor = secondfactor.of(account, session=session)
        secondfactor.removed_in(account, factor.salt if factor else "", session)
        loggedin.end_all(account, session=session)

    return _changed(account, "remove_second_factor", work, seen=seen, deed=deed, is_of_others=True)


Work = Callable[[StaffMember, ClientSession], Facts | None]


def _changed(
    account: str, action: str, work: Work, *, seen: int, deed: Deed, is_of_others: bool = False
) -> StaffMember:
    """The member afterwards. `work` may say more than her state does."""
    if is_of_others and account == deed.account:
        raise OwnAccount

    def body(session: ClientSession) -> None:
        _acting(deed, session)
        member = find(account, session=session)
        if member.version != seen:
            raise Outdated(f"She was changed meanwhile: {member.words}.", member.state)
        _moved(account, seen, session)
        before = member.state
        more = work(member, session) or {}
        after = find(account, session=session).state | more
        recorded(deed, action, target_of(member.name), session, DeedChange(before, after))

    transactions.run(body)
    return find(account)


def _acting(deed: Deed, session: ClientSession) -> None:
    """Whoever acts is an admin, and whoever changes that at this moment is in our way."""
    where = {"pk": deed.account, "is_active": True, "is_staff": True, "is_superuser": True}
    if not User.objects.filter(**where).exists():
        raise NotAnAdmin
    change = {"$inc": {"acts": 1}, "$setOnInsert": {"version": 0}}
    collection(StaffState).update_one({"_id": deed.account}, change, upsert=True, session=session)


def _moved(account: str, seen: int, session: ClientSession) -> None:
    change = {"$set": {"version": seen + 1}, "$setOnInsert": {"acts": 0}}
    collection(StaffState).update_one({"_id": account}, change, upsert=True, session=session)
