"""The page that a one-time link leads to: whoever has it sets the password of an account. It needs
no log-in, and says nothing but the name. Its address is the secret, which no other site is told:
the policy of the whole site (SECURE_REFERRER_POLICY) sees to that. None at all would take the
origin from its form, which Django then refuses."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from adminpanel.people import links
from adminpanel.people.deeds import WrongField
from adminpanel.people.links import NoSuchLink
from ground import clock

LONGEST_PASSWORD = 128


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    try:
        user = links.whose(token, now=clock.now())
        return _used(request, token, user) if request.method == "POST" else _shown(request, user)
    except NoSuchLink as why:
        return render(request, "link.html", {"gone": str(why)}, status=why.status)


def _used(request: HttpRequest, token: str, user: User) -> HttpResponse:
    password = request.POST.get("password", "")[: LONGEST_PASSWORD + 1]
    try:
        if len(password) > LONGEST_PASSWORD:
            raise WrongField("password", f"At most {LONGEST_PASSWORD} characters.")
        if request.POST.get("again", "") != password:
            raise WrongField("again", "That is not the same.")
        links.use(token, password=password, now=clock.now())
    except WrongField as wrong:
        return _shown(request, user, wrong)
    messages.success(request, "Your password is set. Log in with it.")
    return redirect("login")


def _shown(request: HttpRequest, user: User, wrong: WrongField | None = None) -> HttpResponse:
    shown = {"name": user.get_username(), "maximum": LONGEST_PASSWORD}
    if wrong is not None:
        shown |= {"wrong": {wrong.field: str(wrong)}}
    return render(request, "link.html", shown, status=wrong.status if wrong else 200)
