"""The page to log in, which every account uses. Whoever has a second factor, and an admin who must
have one, is sent on to it (`config/secondstep.py`); everybody else is in."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel.people import attempts, secondfactor
from adminpanel.people.attempts import Cause
from config import entering, tries
from config.tries import TOO_MANY, WINDOW_SECONDS, TryKind
from ground import clock
from lovense.models import Performer
from lovense.performers import firstrun

log = logging.getLogger(__name__)


class LogInForm(AuthenticationForm):
    """Django's, which would be asked as often as anybody likes."""

    def clean(self) -> dict[str, Any]:
        account = str(self.cleaned_data.get("username") or "")
        tried = tries.of(self.request, TryKind.PASSWORD, account)
        if not tries.may_try(tried):
            refused(tried, Cause.TOO_MANY)
            raise ValidationError(TOO_MANY, code="too_many")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            refused(tried, Cause.PASSWORD)
            raise
        tries.succeeded(tried)
        return cleaned


def refused(tried: tries.Try, cause: Cause) -> None:
    """Kept among the log-ins that failed; of many too many once."""
    is_told = True
    if cause is Cause.TOO_MANY:
        log.info("log_in_refused", extra={"error_code": "too_many"})
        is_told = not tries.is_told(tried)
    now = clock.now()
    attempts.failed(tried.account, cause, address=tried.address, now=now, is_told=is_told)


class LogIn(LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True
    authentication_form = LogInForm

    def get_success_url(self) -> str:
        """Who has nothing yet is shown the way, unless she was on the way somewhere else."""
        asked = self.get_redirect_url()
        if asked and asked != reverse("live"):
            return asked
        hers = Performer.objects.filter(user_id=self.request.user.pk).first()
        return reverse("welcome" if hers is not None and firstrun.is_due(hers) else "live")

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user: Any = form.get_user()
        if user.is_staff:
            if (step := _next_step(user)) is not None:
                then = self.get_redirect_url()
                entering.hold(self.request, user, then=then, salt=secondfactor.fresh_salt())
                return redirect(step)
            attempts.succeeded(user, now=clock.now())
        entering.enter(self.request, user)
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        is_too_often = form.has_error(NON_FIELD_ERRORS, "too_many")
        return refused_too_often(answer) if is_too_often else answer


def _next_step(user: User) -> str | None:
    """The address of what is left to prove."""
    if secondfactor.of(str(user.pk)) is not None:
        return "login-code"
    return "login-second-factor" if settings.STAFF_REQUIRE_OTP and user.is_superuser else None


def refused_too_often(answer: HttpResponse) -> HttpResponse:
    answer.status_code = 429
    answer["Retry-After"] = str(WINDOW_SECONDS)
    return answer
