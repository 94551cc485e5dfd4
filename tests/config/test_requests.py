"""Every answer has a request id and every error one shape."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from config.logging import trace_id
from config.requests import RequestIdMiddleware


def answer(offered=None, view=lambda request: HttpResponse()):
    headers = {} if offered is None else {"X-Request-ID": offered}
    return RequestIdMiddleware(view)(RequestFactory().get("/", headers=headers))


def test_each_request_gets_its_own_id():
    first, second = answer()["X-Request-ID"], answer()["X-Request-ID"]
    assert first != second
    assert len(first) == 32


@pytest.mark.parametrize("sane", ["a", "7f1b6a52-0d2c-4b1e-9d4e-1c7f3a2b5c6d", "trace.1_2-3", "x" * 64])
def test_a_sane_id_of_the_caller_is_kept(sane):
    assert answer(sane)["X-Request-ID"] == sane


@pytest.mark.parametrize("wrong", ["", " ", "a b", "x" * 65, "a\tb", "<script>", "ä", '"', "a,b", "../x"])
def test_any_other_is_replaced(wrong):
    assert len(answer(wrong)["X-Request-ID"]) == 32


def test_the_view_and_its_log_lines_know_the_id():
    seen = []

    def view(request):
        seen.append((request.request_id, trace_id.get()))
        return HttpResponse()

    answer("req-1", view)
    assert seen == [("req-1", "req-1")]
    assert trace_id.get() == ""


def test_the_id_does_not_survive_an_error():
    def fail(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer("req-1", fail)
    assert trace_id.get() == ""


# --- the shape of errors -----------------------------------------------------------------------------------

ERRORS = {
    "validation": exceptions.ValidationError({"amount": ["Must be positive."]}),
    "list": exceptions.ValidationError("Wrong."),
    "http404": Http404("no such tip"),
    "denied": PermissionDenied(),
    "not_found": exceptions.NotFound(),
    "throttled": exceptions.Throttled(wait=7),
    "parse": exceptions.ParseError(),
    "custom": exceptions.APIException(detail="Later.", code="busy"),
    "unknown": ZeroDivisionError("secret"),
}


class Failing(APIView):
    permission_classes = ()
    authentication_classes = ()

    def get(self, request, name):
        raise ERRORS[name]


class Closed(APIView):
    def get(self, request):
        return Response({})


def urls():
    from django.urls import path

    return [path("fail/<name>", Failing.as_view()), path("closed", Closed.as_view())]


urlpatterns = urls()


@pytest.fixture
def api(settings):
    settings.ROOT_URLCONF = __name__
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize(
    ("name", "status", "code", "details"),
    [
        ("validation", 400, "invalid", {"amount": ["Must be positive."]}),
        ("list", 400, "invalid", ["Wrong."]),
        ("http404", 404, "not_found", None),
        ("denied", 403, "permission_denied", None),
        ("not_found", 404, "not_found", None),
        ("throttled", 429, "throttled", None),
        ("parse", 400, "parse_error", None),
        ("custom", 500, "busy", None),
    ],
)
def test_every_error_has_one_shape(api, name, status, code, details):
    response = api.get(f"/fail/{name}")
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["details"]) == (status, code, details)
    assert set(error) == {"code", "message", "details"}
    assert error["message"]
    assert response["X-Request-ID"]


def test_headers_of_an_error_are_kept(api):
    assert api.get("/fail/throttled")["Retry-After"] == "7"
    unknown = api.get("/closed")
    assert unknown.status_code == 401
    assert unknown["WWW-Authenticate"] == "Token"
    assert unknown.json()["error"]["code"] == "not_authenticated"


def test_what_nobody_anticipated_is_a_500_that_says_nothing(api):
    response = api.get("/fail/unknown")
    assert response.status_code == 500
    assert b"secret" not in response.content
