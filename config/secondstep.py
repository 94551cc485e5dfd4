"""The second step of a log-in: a code of her phone, or a recovery code; and for an admin who must
have a second factor and has none, setting one up. Who stands here has given a password in this
browser a moment ago, and is nobody yet."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from adminpanel.people import attempts, secondfactor
from adminpanel.people.attempts import LOG_IN, Cause
from adminpanel.people.deeds import Deed
from adminpanel.people.secondfactor import AlreadySetUp, CodeUsed, NotSetUp, ProvedBy, WrongCode
from adminpanel.people.setup import SetUpPage
from config import entering, logins, tries
from config.entering import Held
from config.tries import TOO_MANY, TryKind
from ground import clock

FEW = 3  # recovery codes: so many left are said to be few
TOO_LATE = "That took too long: log in again."
View = Callable[[HttpRequest, Held], HttpResponse]
_CAUSES = {WrongCode: Cause.CODE, CodeUsed: Cause.CODE_USED}


def _after_password(view: View) -> Callable[[HttpRequest], HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect("live")
        held = entering.held(request)
        if held is None:
            messages.info(request, TOO_LATE)
            return redirect("login")
        return view(request, held)

    asked = require_http_methods(["GET", "HEAD", "POST"])(guarded)
    return sensitive_post_parameters()(never_cache(asked))


@_after_password
def code(request: HttpRequest, held: Held) -> HttpResponse:
    if request.method != "POST":
        return render(request, "second_step.html", {})
    deed = _deed(held, "")

    def prove(typed: str) -> HttpResponse:
        by = secondfactor.prove(held.user, code=typed, action=LOG_IN, deed=deed)
        entering.enter(request, held.user, is_proved=True)
        _say_what_is_left(request, str(held.user.pk), by)
        return redirect(held.then or "live")

    return _tried(request, held, "second_step.html", {}, prove)


@_after_password
def set_up(request: HttpRequest, held: Held) -> HttpResponse:
    shown = {"shown": SetUpPage(held.user, held.salt)}
    if request.method != "POST":
        return render(request, "second_factor.html", shown)

    def prove(typed: str) -> HttpResponse:
        deed = _deed(held, "asked for at the log-in")
        codes = secondfactor.set_up(held.user, salt=held.salt, code=typed, deed=deed)
        attempts.succeeded(held.user, now=deed.now)
        entering.enter(request, held.user, is_proved=True)
        then = held.then or reverse("live")
        return render(request, "recovery_codes.html", {"codes": codes, "then": then})

    return _tried(request, held, "second_factor.html", shown, prove)


def _tried(
    request: HttpRequest,
    held: Held,
    template: str,
    shown: dict[str, Any],
    prove: Callable[[str], HttpResponse],
) -> HttpResponse:
    """Counted, and where it is refused told to whoever watches."""
    tried = tries.of(request, TryKind.CODE, held.user.get_username())
    if not tries.may_try(tried):
        logins.refused(tried, Cause.TOO_MANY)
        answer = render(request, template, {**shown, "error": TOO_MANY})
        return logins.refused_too_often(answer)
    try:
        answer = prove(request.POST.get("code", ""))
    except (WrongCode, CodeUsed) as why:
        logins.refused(tried, _CAUSES[type(why)])
        return render(request, template, {**shown, "error": str(why)}, status=422)
    except (AlreadySetUp, NotSetUp):  # in another window, or by an admin
        return redirect("login")
    tries.succeeded(tried)
    return answer


def _say_what_is_left(request: HttpRequest, account: str, by: ProvedBy) -> None:
    factor = secondfactor.of(account)
    if by is ProvedBy.RECOVERY and factor is not None:
        left = f"{factor.left} recovery codes are left."
        tone = messages.warning if factor.left <= FEW else messages.info
        tone(request, f"You used a recovery code. {left}")


def _deed(held: Held, why: str) -> Deed:
    return Deed(str(held.user.pk), held.user.get_username(), why, clock.now())
