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
    return render(
        request, "api_docs.html", {"info": schema["info"], "endpoints": endpoints(schema)}
    )


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
