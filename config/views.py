"""Pages that belong to no app: logging in, and the list of the API's endpoints."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from config import logins

_METHODS = ("get", "post", "put", "patch", "delete")
# Who calls what; the first that fits.
_AUDIENCES = (
    ("Platforms", "Tips, and the calls that are signed.", ("/api/tips", "/api/webhooks")),
    (
        "Staff",
        "Of all performers, and of what was given up.",
        (
            "/api/admin",
            "/api/performance-queue/dlq",
            "/api/performance-queue/health",
            "/api/performance-queue/metrics",
        ),
    ),
    ("Queue", "What waits, and who may change it.", ("/api/performance-queue",)),
    ("Menu", "What each amount does.", ("/api/lovense/tip-menu",)),
    ("Patterns", "What an item plays.", ("/api/lovense/patterns",)),
    ("Devices and stop", "Toys, apps, and what keeps them safe.", ("/api/lovense",)),
    ("Everybody", "What anyone may check, without an account.", ("/api/",)),
)
_LONGEST_SEARCH = 100
_form = logins.LogIn.as_view()


def login(request: HttpRequest) -> HttpResponseBase:
    """What a page asks for by itself after its session has ended is sent here. It is told so, for
    the place where the page says it: what is shown and what was typed stay."""
    if request.headers.get("HX-Request") == "true":
        answer = render(request, "_signed_out.html", status=401)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#session", "innerHTML"
        answer["Cache-Control"] = "private, no-store"
        return answer
    return _form(request)


def admin_login(request: HttpRequest) -> HttpResponse:
    """There is one page to log in; who has done so and may not see the admin is told that."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect(f"{reverse('login')}?{urlencode({'next': request.GET.get('next', '/admin/')})}")


@never_cache
@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    schema = SchemaGenerator().get_schema(  # type: ignore[no-untyped-call]
        request=None, public=True
    )
    wanted = request.GET.get("q", "")[:_LONGEST_SEARCH].strip()
    context = {"info": schema["info"], "wanted": wanted, "groups": audiences(schema, wanted)}
    return render(request, "api_docs.html", context)


def audiences(schema: dict[str, Any], wanted: str) -> list[dict[str, Any]]:
    """The endpoints by who calls them; only those in which every word of the search stands."""
    words = wanted.lower().split()
    found = [each for each in endpoints(schema) if all(word in _text(each) for word in words)]
    groups = []
    for name, about, prefixes in _AUDIENCES:
        own = [each for each in found if each["path"].startswith(prefixes)]
        found = [each for each in found if not each["path"].startswith(prefixes)]
        if own:
            groups.append({"name": name, "about": about, "endpoints": own})
    return groups


def _text(endpoint: dict[str, Any]) -> str:
    operation = endpoint["operation"]
    said = (operation.get("summary", ""), operation.get("description", ""))
    return " ".join([endpoint["method"], endpoint["path"], *said]).lower()


def endpoints(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Each operation of the schema with its words, in the order of the paths."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "operation": operation,
            "responses": _responses(operation),
        }
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    ]


def _responses(operation: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (status, response.get("description", ""))
        for status, response in operation["responses"].items()
    ]
