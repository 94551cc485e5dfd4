"""Staff's sessions end by themselves: after twelve hours, and an admin's after half an hour without
use (`adminpanel/people/sessions.py` has the rules). What is asked in the session's name is then
asked by nobody, whatever door it is for.

A page that fetches itself again is no use of it: what htmx asks for by GET does not count."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from adminpanel.people import sessions
from adminpanel.people.sessions import MARK, Over
from config.requests import answer_away, is_api
from ground import clock


class StaffSessionMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            try:
                _keep_or_end(request)
            except Exception as error:
                if (answer := answer_away(request, error)) is None:
                    raise
                return answer
        return self.get_response(request)


def _keep_or_end(request: HttpRequest) -> None:
    if not (isinstance(request.user, User) and request.user.is_staff):
        return
    mark, now = request.session.get(MARK), clock.now()
    required = settings.STAFF_REQUIRE_OTP
    is_admin = request.user.is_superuser
    over = sessions.over(mark, is_admin=is_admin, is_required=required, now=now)
    if over is not None:
        _end(request, over)
    elif mark is None:
        request.session[MARK] = sessions.begun(is_proved=False, now=now)
    elif _is_use(request) and (moved := sessions.used(mark, now=now)):
        request.session[MARK] = moved


def _end(request: HttpRequest, over: Over) -> None:
    logout(request)
    if not (is_api(request) or request.headers.get("HX-Request")):
        messages.info(request, over.value)


def _is_use(request: HttpRequest) -> bool:
    if request.method != "GET":
        return True
    is_asked_by_htmx = request.headers.get("HX-Request") == "true"
    return request.headers.get("HX-Boosted") == "true" or not (is_asked_by_htmx or is_api(request))
