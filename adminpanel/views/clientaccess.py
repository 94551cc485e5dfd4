"""Platform clients and their tokens: made, replaced and revoked by an admin. A token is on the page
that answers when it is made, and on no other."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.people import tokens
from adminpanel.people.deeds import CLIENT, Deed, DeedTarget
from adminpanel.people.tokens import HeldToken, NoSuchClient
from adminpanel.views import accesspages
from adminpanel.views.acts import Act, ActField, AskedAct, Pressed, answered, shown

DONE_SHOWN = 20
TAB = "staff-access-clients"
_NAME = ActField("name", "Name", "Letters, digits and @ . + - _", maximum=150)


@doors.page
def clients(request: HttpRequest) -> HttpResponse:
    return _listed(request)


def _listed(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    about = "It is known by its token alone, which is shown to you once."
    address = reverse("staff-access-add-client")
    words = ("add_client", "Add a client", about, "Add it")
    adding = Act(*words, address, kind="main", asks=(_NAME,))
    acts = [adding] if doors.may(request, "staff-access-add-client") else []
    context = {"clients": tokens.clients(), "acts": shown(acts, pressed)}
    template = "adminpanel/access/clients.html"
    return accesspages.show(request, template, context, tab=TAB, pressed=pressed)


@doors.button
def add(request: HttpRequest) -> HttpResponse:
    name = request.POST.get("name", "").strip()

    def work(deed: Deed) -> tuple[str, str]:
        return tokens.add_client(name, deed=deed)

    def then(made: tuple[str, str]) -> HttpResponse:
        return _client(request, made[0], token=made[1])

    asked = AskedAct("add_client", DeedTarget(CLIENT, name))
    return answered(request, asked, work, then=then, back=lambda why: _listed(request, why))


# --- one of them ---------------------------------------------------------------------------------


@doors.page
def client(request: HttpRequest, account: str) -> HttpResponse:
    return _client(request, account)


def _client(
    request: HttpRequest, account: str, pressed: Pressed | None = None, *, token: str = ""
) -> HttpResponse:
    held = _found(account)
    acts = _acts(held) if doors.may(request, "staff-access-client-token") else []
    context = {
        "client": held,
        "token": token,
        "acts": shown(acts, pressed),
        "done": accesspages.done_to(held.name, limit=DONE_SHOWN),
    }
    template = "adminpanel/access/client.html"
    return accesspages.show(request, template, context, tab=TAB, pressed=pressed)


def _found(account: str) -> HeldToken:
    try:
        return tokens.of(tokens.client(account))
    except NoSuchClient:
        raise Http404 from None


def _acts(held: HeldToken) -> list[Act]:
    seen = held.seen
    renewing = Act(
        "replace_token",
        "Make a new token" if seen else "Make a token",
        "It is shown to you once. The one before is told that it is wrong from now on."
        if seen
        else "It is shown to you once.",
        "Make it",
        reverse("staff-access-client-token", args=[held.account]),
        seen=seen,
    )
    if not seen:
        return [renewing]
    about = "What shows it is told that it is wrong, at once: no tip of this client arrives."
    address = reverse("staff-access-client-revoke", args=[held.account])
    words = ("revoke_token", "Revoke the token", about, "Revoke it")
    return [renewing, Act(*words, address, seen=seen, kind="danger")]


def _pressed(
    request: HttpRequest, account: str, act: str, work: Callable[[Deed, HeldToken, str], Any]
) -> HttpResponse:
    held, seen = _found(account), request.POST.get("seen", "")[:40]

    def then(made: Any) -> HttpResponse:
        if isinstance(made, str):
            return _client(request, account, token=made)
        return redirect("staff-access-client", account)

    def back(why: Pressed) -> HttpResponse:
        return _client(request, account, why)

    asked = AskedAct(act, tokens.target_of(held.user))
    return answered(request, asked, lambda deed: work(deed, held, seen), then=then, back=back)


@doors.button
def token(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, held: HeldToken, seen: str) -> str:
        return tokens.replace(held.user, seen=seen, deed=deed)

    return _pressed(request, account, "replace_token", work)


@doors.button
def revoke(request: HttpRequest, account: str) -> HttpResponse:
    def work(deed: Deed, held: HeldToken, seen: str) -> None:
        tokens.revoke(held.user, seen=seen, deed=deed)

    return _pressed(request, account, "revoke_token", work)
