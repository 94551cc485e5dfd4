"""The own account of a member of staff: her second factor, and where she is logged in."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from adminpanel import doors
from adminpanel.people import members, secondfactor, sessions
from adminpanel.people.deeds import Deed, WrongField
from adminpanel.people.secondfactor import CodeUsed, NotSetUp, WrongCode
from adminpanel.people.setup import SetUpPage
from adminpanel.views import accesspages
from adminpanel.views.acts import Act, ActField, AskedAct, Pressed, answered, shown, status_of
from ground import clock
from lovense.performers import credentials, loggedin

SALT = "second_factor_salt"  # under which the session keeps what is being set up
DONE_SHOWN = 50
_CODE = ActField("code", "Code", maximum=64, autocomplete="one-time-code")
_PROOF = ActField(
    "code", "Code", "Of your phone now, or a recovery code.", "text", (), 64, "one-time-code"
)


@doors.page
def account(request: HttpRequest) -> HttpResponse:
    return _shown(request)


def _user(request: HttpRequest) -> User:
    user: User = request.user  # type: ignore[assignment]
    return user


def _shown(
    request: HttpRequest, pressed: Pressed | None = None, *, codes: list[str] | None = None
) -> HttpResponse:
    user, here = _user(request), request.session.session_key or ""
    own, now = str(user.pk), clock.now()
    factor = secondfactor.of(own)
    context: dict[str, Any] = {
        "factor": factor,
        "codes": codes,
        "log_ins": loggedin.of(own, here=here, now=now),
        "done": accesspages.done_to(user.get_username(), limit=DONE_SHOWN),
        "pressed": pressed,
        "acts": shown(_acts(has_factor=factor is not None), pressed),
        "ends": shown([_ends()], pressed),
    }
    if factor is None:
        context["shown"] = SetUpPage(user, _salt(request))
    template = "adminpanel/access/account.html"
    return doors.show(request, template, context, on="", status=status_of(pressed))


def _salt(request: HttpRequest) -> str:
    if SALT not in request.session:
        request.session[SALT] = secondfactor.fresh_salt()
    return str(request.session[SALT])


def _acts(*, has_factor: bool) -> list[Act]:
    if not has_factor:
        about = "Type the code that the app shows once it has read the secret."
        address = reverse("staff-account-factor")
        words = ("set_up_second_factor", "Set it up", about, "Set it up")
        return [Act(*words, address, kind="main", asks=(_CODE,))]
    renews = Act(
        "renew_recovery_codes",
        "Make new recovery codes",
        "The ones before are good for nothing then.",
        "Make them",
        reverse("staff-account-codes"),
        asks=(_PROOF,),
    )
    removes = Act(
        "remove_second_factor",
        "Take it away",
        "For another phone: set it up anew after that. An admin is asked to at the next log-in.",
        "Take it away",
        reverse("staff-account-factor-remove"),
        kind="danger",
        asks=(_PROOF,),
    )
    return [renews, removes]


def _ends() -> Act:
    return Act(
        "end_sessions",
        "Log out everywhere else",
        "Every other browser that you are logged in with is logged out at once.",
        "Log out everywhere else",
        reverse("staff-account-sessions"),
    )


# --- the buttons ---------------------------------------------------------------------------------


def _pressed(
    request: HttpRequest,
    act: str,
    work: Callable[[Deed], Any],
    then: Callable[[Any], HttpResponse],
) -> HttpResponse:
    asked = AskedAct(act, members.target_of(request.user.get_username()))
    return answered(request, asked, work, then=then, back=lambda why: _shown(request, why))


def _coded(request: HttpRequest, use: Callable[[User, str], Any]) -> Any:
    """So often and no more; what is wrong with the code stands at its field."""
    user = _user(request)
    credentials.check_tries(user)
    try:
        return use(user, request.POST.get("code", ""))
    except (WrongCode, CodeUsed) as why:
        raise WrongField("code", str(why)) from None


def _proved(request: HttpRequest, deed: Deed) -> str:
    """The salt of the second factor that she has proved."""

    def use(user: User, code: str) -> str:
        factor = secondfactor.of(str(user.pk))
        if factor is None:
            raise NotSetUp
        secondfactor.prove(user, code=code, action="prove_second_factor", deed=deed)
        return factor.salt

    return str(_coded(request, use))


@sensitive_post_parameters()
@doors.button
def set_up(request: HttpRequest) -> HttpResponse:
    def work(deed: Deed) -> list[str]:
        def use(user: User, code: str) -> list[str]:
            return secondfactor.set_up(user, salt=_salt(request), code=code, deed=deed)

        codes: list[str] = _coded(request, use)
        return codes

    def then(codes: list[str]) -> HttpResponse:
        request.session.pop(SALT, None)
        _mark(request)
        return _shown(request, codes=codes)

    return _pressed(request, "set_up_second_factor", work, then)


def _mark(request: HttpRequest) -> None:
    """This session has proved it, too."""
    mark = request.session.get(sessions.MARK)
    if mark is not None:
        request.session[sessions.MARK] = {**mark, "is_proved": True}


@sensitive_post_parameters()
@doors.button
def renew_codes(request: HttpRequest) -> HttpResponse:
    def work(deed: Deed) -> list[str]:
        salt = _proved(request, deed)
        return secondfactor.renew_codes(_user(request), salt=salt, deed=deed)

    return _pressed(
        request, "renew_recovery_codes", work, lambda codes: _shown(request, codes=codes)
    )


@sensitive_post_parameters()
@doors.button
def remove(request: HttpRequest) -> HttpResponse:
    def work(deed: Deed) -> None:
        secondfactor.remove(_user(request), salt=_proved(request, deed), deed=deed)

    return _pressed(request, "remove_second_factor", work, lambda _: redirect("staff-account"))


@doors.button
def end_sessions(request: HttpRequest) -> HttpResponse:
    here = request.session.session_key or ""

    def work(deed: Deed) -> int:
        return members.end_own_sessions(_user(request), here=here, deed=deed)

    def then(ended: int) -> HttpResponse:
        messages.success(request, f"Logged out: {ended}.")
        return redirect("staff-account")

    return _pressed(request, "end_sessions", work, then)
