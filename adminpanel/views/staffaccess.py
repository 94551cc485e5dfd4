"""Who is staff: the list, with a form to enrol somebody; and the page of one, with what an admin
may do about her. Auditors look."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.people import links, members, secondfactor, tokens
from adminpanel.people.deeds import Deed, WrongField
from adminpanel.people.members import NoSuchMember, StaffMember
from adminpanel.views import accesspages
from adminpanel.views.acts import Act, ActField, AskedAct, Pressed, answered, number, shown
from ground import clock
from ground.people import Role
from lovense.performers import loggedin

DONE_SHOWN = 50
_ROLES = tuple((role.value, role.value.capitalize()) for role in Role)
_ROLE = ActField("role", "Role", "Support answers people, an auditor only looks.", "select", _ROLES)
_USERNAME = ActField(
    "username", "Name to log in with", "Letters, digits and @ . + - _", maximum=150
)


@doors.page
def listed(request: HttpRequest) -> HttpResponse:
    return _listed(request)


def _listed(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    enrolling = Act(
        "enrol",
        "Enrol somebody",
        "She sets her password by a link, which is shown to you once and is good for a day.",
        "Enrol",
        reverse("staff-access-enrol"),
        kind="main",
        asks=(_USERNAME, _ROLE),
    )
    acts = [enrolling] if doors.may(request, "staff-access-enrol") else []
    context = {"members": members.listed(), "acts": shown(acts, pressed)}
    template = "adminpanel/access/staff.html"
    return accesspages.show(request, template, context, tab="staff-access", pressed=pressed)


@doors.button
def enrol(request: HttpRequest) -> HttpResponse:
    username, role = request.POST.get("username", "").strip(), request.POST.get("role", "")

    def work(deed: Deed) -> tuple[StaffMember, str]:
        return members.enrol(username=username, role=_role(role), deed=deed)

    def then(made: tuple[StaffMember, str]) -> HttpResponse:
        return _member(request, made[0].account, link=made[1])

    asked = AskedAct("enrol", members.target_of(username))
    return answered(request, asked, work, then=then, back=lambda why: _listed(request, why))


def _role(said: str) -> Role:
    if said not in set(Role):
        raise WrongField("role", f"Choose one of {', '.join(Role)}.")
    return Role(said)


# --- one of them ---------------------------------------------------------------------------------


@doors.page
def member(request: HttpRequest, account: str) -> HttpResponse:
    return _member(request, account)


def _member(
    request: HttpRequest, account: str, pressed: Pressed | None = None, *, link: str = ""
) -> HttpResponse:
    found, now = _found(account), clock.now()
    acts = _acts(request, found) if doors.may(request, "staff-access-role") else []
    context = {
        "member": found,
        "is_own": found.user.pk == request.user.pk,
        "factor": secondfactor.of(account),
        "token": tokens.of(found.user),
        "open_link": links.open_for(account, now=now),
        "log_ins": loggedin.of(account, here=request.session.session_key or "", now=now),
        "done": accesspages.done_to(found.name, limit=DONE_SHOWN),
        "acts": shown(acts, pressed),
        "link": accesspages.link_of(link) if link else "",
    }
    template = "adminpanel/access/member.html"
    return accesspages.show(request, template, context, tab="staff-access", pressed=pressed)


def _found(account: str) -> StaffMember:
    try:
        return members.find(account)
    except NoSuchMember:
        raise Http404 from None


def _acts(request: HttpRequest, found: StaffMember) -> list[Act]:
    """What can be done about her; of the own account, what is not left to another admin."""
    acts = [_sessions(found), _link(found)]
    token = tokens.of(found.user)
    if token.since:
        acts.append(_token(found, token.seen))
    if found.user.pk == request.user.pk:
        return acts
    acts = [_new_role(found), *acts]
    if found.has_factor:
        acts.append(_factor(found))
    return [*acts, _disable(found) if found.user.is_active else _enable(found)]


def _act(found: StaffMember, name: str, route: str, *words: str, **more: Any) -> Act:
    title, about, button = words
    address = reverse(f"staff-access-{route}", args=[found.account])
    return Act(name, title, about, button, address, **{"seen": str(found.version), **more})


def _new_role(found: StaffMember) -> Act:
    value = found.role.value if found.role else ""
    asks = (ActField("role", "Role", kind="select", options=_ROLES, value=value),)
    about = "She is logged out, and comes back as what she is then."
    return _act(found, "set_role", "role", "Change the role", about, "Change it", asks=asks)


def _sessions(found: StaffMember) -> Act:
    about = "Every browser that she is logged in with is logged out at once. Her password stays."
    words = ("Log out everywhere", about, "Log out everywhere")
    return _act(found, "end_sessions", "sessions", *words)


def _link(found: StaffMember) -> Act:
    about = (
        "By it she sets a new password; until then the old one is good. It takes the place of a "
        "link that was not used."
    )
    return _act(found, "make_link", "link", "Make a one-time link", about, "Make it")


def _token(found: StaffMember, seen: str) -> Act:
    about = "What shows it is told that it is wrong. manage.py create_staff makes a new one."
    words = ("Revoke the API token", about, "Revoke it")
    return _act(found, "revoke_token", "token", *words, kind="danger", seen=seen)


def _factor(found: StaffMember) -> Act:
    about = (
        "For who has lost the phone and the recovery codes: make sure that it is her who asks. She "
        "is logged out, and sets up a new one."
    )
    words = ("Take the second factor away", about, "Take it away")
    return _act(found, "remove_second_factor", "factor", *words, kind="danger")


def _disable(found: StaffMember) -> Act:
    about = "She is logged out at once, cannot log in, and her API token proves nothing."
    words = ("Disable the account", about, "Disable it")
    return _act(found, "disable", "disable", *words, kind="danger")


def _enable(found: StaffMember) -> Act:
    about = "Password, second factor and token are what they were."
    return _act(found, "enable", "enable", "Enable the account", about, "Enable it")


# --- the buttons ---------------------------------------------------------------------------------


def _pressed(
    request: HttpRequest, account: str, act: str, work: Callable[[Deed, int], Any]
) -> HttpResponse:
    found, seen = _found(account), number(request.POST.get("seen", ""))
    asked = AskedAct(act, members.target_of(found.name))

    def then(made: Any) -> HttpResponse:
        if isinstance(made, str):
            return _member(request, account, link=made)
        return redirect("staff-access-member", account)

    def back(why: Pressed) -> HttpResponse:
        return _member(request, account, why)

    return answered(request, asked, lambda deed: work(deed, seen), then=then, back=back)


@doors.button
def role(request: HttpRequest, account: str) -> HttpResponse:
    said = request.POST.get("role", "")

    def work(deed: Deed, seen: int) -> StaffMember:
        return members.set_role(account, _role(said), seen=seen, deed=deed)

    return _pressed(request, account, "set_role", work)


@doors.button
def disable(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, seen: int) -> StaffMember:
        return members.set_active(account, is_active=False, seen=seen, deed=deed)

    return _pressed(request, account, "disable", work)


@doors.button
def enable(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, seen: int) -> StaffMember:
        return members.set_active(account, is_active=True, seen=seen, deed=deed)

    return _pressed(request, account, "enable", work)


@doors.button
def sessions(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, seen: int) -> StaffMember:
        return members.end_sessions(account, seen=seen, deed=deed)

    return _pressed(request, account, "end_sessions", work)


@doors.button
def link(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, seen: int) -> str:
        return members.make_link(account, seen=seen, deed=deed)

    return _pressed(request, account, "make_link", work)


@doors.button
def factor(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, seen: int) -> StaffMember:
        return members.remove_factor(account, seen=seen, deed=deed)

    return _pressed(request, account, "remove_second_factor", work)


@doors.button
def token(request: HttpRequest, account: str) -> HttpResponse:
    seen = request.POST.get("seen", "")[:40]

    def work(deed: Deed, _: int) -> None:
        tokens.revoke(members.find(account).user, seen=seen, deed=deed)

    return _pressed(request, account, "revoke_token", work)
