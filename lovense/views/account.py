"""The page of a performer's account and its buttons. Each finds whose it is, makes one call into a
rule, and leads back to the page. Never part of a document that began as Live: it is a tab of its
own."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from ground import clock
from ground.audit import log as audit_log
from lovense.models import Performer
from lovense.page.accountpage import AccountPage
from lovense.performers import credentials, loggedin
from lovense.performers.credentials import TooManyGuesses
from lovense.performers.loggedin import NoSuchLogIn
from lovense.rows import Json
from lovense.views.pages import page, performer_of

WRONG_PASSWORD = "That is not your password. Nothing was changed."  # noqa: S105


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return _shown(request)


def _shown(request: HttpRequest, *, status: int = 200, **said: Any) -> HttpResponse:
    here = request.session.session_key or ""

    def shown(performer: Performer) -> Json:
        return {"shown": AccountPage(performer, here, clock.now(), **said)}

    return page(request, "account", "lovense/account.html", shown, status=status)


def _hers(request: HttpRequest) -> Performer:
    performer = performer_of(request)
    if performer is None:
        raise PermissionDenied
    return performer


@sensitive_post_parameters()
@require_POST
@login_required
def password(request: HttpRequest) -> HttpResponse:
    """Changed, and whatever else is logged in is so no more; this browser stays."""
    performer, before = _hers(request), request.session.session_key or ""
    form = PasswordChangeForm(performer.user, request.POST)
    try:
        credentials.check_tries(performer.user)
    except TooManyGuesses as why:
        return _shown(request, status=429, wrong=str(why))
    if not form.is_valid():
        return _shown(request, status=422, form=form)
    with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
        raw = form.cleaned_data["new_password1"]
        user = credentials.set_password(performer, raw, here=before, now=clock.now())
    update_session_auth_hash(request, user)
    loggedin.renewed(before, request.session.session_key or "")
    messages.success(request, "Your password is changed. Everything else is logged out.")
    return redirect("account")


@require_POST
@login_required
def token(request: HttpRequest) -> HttpResponse:
    """A new one, on the only page that ever shows it."""
    performer = _hers(request)
    with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
        made = credentials.new_token(performer, now=clock.now())
    return _shown(request, token=made)


@require_POST
@login_required
def end(request: HttpRequest, login_id: str) -> HttpResponse:
    performer = _hers(request)
    try:
        key = loggedin.end(str(performer.user.pk), login_id)
    except NoSuchLogIn:
        raise Http404 from None
    with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
        credentials.record_end(performer, now=clock.now())
    if key == request.session.session_key:
        return _gone(request)
    messages.success(request, "It is logged out.")
    return redirect("account")


@sensitive_post_parameters()
@require_POST
@login_required
def everywhere(request: HttpRequest) -> HttpResponse:
    """Every session ends, this one too; asked for with the password, which stays."""
    performer, raw = _hers(request), request.POST.get("password", "")
    user: User = performer.user
    try:
        credentials.check_tries(user)
    except TooManyGuesses as why:
        return _shown(request, status=429, wrong=str(why))
    if not user.check_password(raw):
        return _shown(request, status=422, wrong=WRONG_PASSWORD)
    with audit_log.coming_from(request.META.get("REMOTE_ADDR") or ""):
        credentials.log_out_everywhere(performer, raw, now=clock.now())
    return _gone(request)


def _gone(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("login")
