"""How often one may try to log in. Tries are counted in the cache, for the account and for the
address they come from; while that is away nobody is kept out, and the log says so.

An account under attack stays open where it was logged in to lately: there only its own tries from
there count, so that a stranger cannot lock a performer out of her show."""

import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse
from django.urls import reverse
from redis.exceptions import RedisError

from ground import clock
from lovense.models import Performer
from lovense.performers import firstrun, loggedin

T = TypeVar("T")
log = logging.getLogger(__name__)

WINDOW_SECONDS = 300
PER_ACCOUNT, PER_ADDRESS = 10, 50
KNOWN_SECONDS = 30 * 24 * 3600
LONGEST_AGENT = 1000
TOO_MANY = "Too many tries to log in. Wait five minutes, then try again."


class LogInForm(AuthenticationForm):
    """Django's, which would be asked as often as anybody likes."""

    def clean(self) -> dict[str, Any]:
        account = str(self.cleaned_data.get("username") or "")
        address = str(self.request.META.get("REMOTE_ADDR", "")) if self.request else ""
        if not _unless_away(lambda: _may_try(account, address), otherwise=True):
            log.info("log_in_refused", extra={"error_code": "too_many"})
            raise ValidationError(TOO_MANY, code="too_many")
        cleaned: dict[str, Any] = super().clean()
        _unless_away(lambda: _succeeded(account, address), otherwise=None)
        return cleaned


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
        """Where it was is kept, for whoever it is to see."""
        answer = super().form_valid(form)
        session = self.request.session
        meta = self.request.META
        login = loggedin.BrowserLogIn(
            str(self.request.user.pk),
            session.session_key or "",
            str(meta.get("HTTP_USER_AGENT", ""))[:LONGEST_AGENT],
            str(meta.get("REMOTE_ADDR", "")),
        )
        age = timedelta(seconds=session.get_expiry_age())
        loggedin.began(login, now=clock.now(), age=age)
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, "too_many"):
            answer.status_code = 429
            answer["Retry-After"] = str(WINDOW_SECONDS)
        return answer


def _may_try(account: str, address: str) -> bool:
    """Counts this try before it is made: of many at once no more than the limit come through."""
    tries = [
        (_counted(_account(account, address)), PER_ACCOUNT),
        (_counted(_key("address", address)), PER_ADDRESS),
    ]
    return all(count <= limit for count, limit in tries)


def _counted(key: str) -> int:
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        return int(cache.incr(key))
    except ValueError:  # its window ended between the two
        return 1


def _succeeded(account: str, address: str) -> None:
    cache.delete(_account(account, address))
    cache.set(_known(account, address), 1, KNOWN_SECONDS)


def _account(account: str, address: str) -> str:
    """What counts the account's tries: all of them, or where it is known, those from there."""
    is_known = cache.get(_known(account, address)) is not None
    return _key("account", account, address if is_known else "")


def _known(account: str, address: str) -> str:
    return _key("known", account, address)


def _key(*parts: str) -> str:
    """Names and addresses are nobody's business, not even the cache's."""
    return hashlib.sha256("\n".join(parts).lower().encode()).hexdigest()


def _unless_away(ask: Callable[[], T], *, otherwise: T) -> T:
    try:
        return ask()
    except (RedisError, OSError) as error:
        log.warning("log_in_uncounted", extra={"error_code": type(error).__name__})
        return otherwise
