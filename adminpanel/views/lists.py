"""What somebody of the staff does with a list of hers: its columns, its views, what comes first.
Each button goes back to the list as it was asked. And by which clock she reads all of them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from adminpanel import doors
from adminpanel.asking.grammar import LONGEST
from adminpanel.lists import saved
from adminpanel.lists import times as clocks
from adminpanel.lists.saved import ViewWish
from adminpanel.views.listed import LISTS, ListDoors
from ground import clock
from ground.people import Role, role_of


@doors.button
def columns(request: HttpRequest, name: str) -> HttpResponse:
    """None chosen: those that are usual."""
    records = _list(name).records
    known = {column.name for column in records.columns_for(role_of(request.user))}
    chosen = [each for each in request.POST.getlist("column") if each in known]
    saved.choose(str(request.user.pk), name, columns=chosen)
    return _back(request, name)


@doors.button
def view(request: HttpRequest, name: str) -> HttpResponse:
    _list(name)
    is_shared = bool(request.POST.get("is_shared"))
    query, called = request.POST.get("q", "")[:LONGEST], request.POST.get("name", "")
    shown = [each for each in request.POST.get("columns", "").split(",") if each]
    with doors.refusals_said(request):
        saved.save(
            _wish(request, name), name=called, query=query, columns=shown, is_shared=is_shared
        )
        messages.success(request, "The view is kept.")
    return _back(request, name)


@doors.button
def forget(request: HttpRequest, name: str) -> HttpResponse:
    _list(name)
    with doors.refusals_said(request):
        saved.forget(_wish(request, name), request.POST.get("view", ""))
        messages.success(request, "The view is removed.")
    return _back(request, name)


@doors.button
def first(request: HttpRequest, name: str) -> HttpResponse:
    """The view that is shown where nothing is asked; an empty one: everything."""
    _list(name)
    chosen = request.POST.get("view", "")[: saved.LONGEST_KEY]
    saved.choose(str(request.user.pk), name, first=chosen)
    return _back(request, name)


@doors.button
def times(request: HttpRequest) -> HttpResponse:
    """The page that asks has turned already, and stays."""
    is_local = request.POST.get("times") == "local"
    clocks.choose(request.session, str(request.user.pk), is_local=is_local)
    return HttpResponse(status=204)


def _list(name: str) -> ListDoors:
    if name not in LISTS:
        raise Http404
    return LISTS[name]


def _wish(request: HttpRequest, name: str) -> ViewWish:
    return ViewWish(
        owner=str(request.user.pk),
        list_name=name,
        by=request.user.get_username(),
        now=clock.now(),
        may_share=role_of(request.user) is Role.ADMIN,
    )


def _back(request: HttpRequest, name: str) -> HttpResponse:
    route = _list(name).route
    asked = {"q": request.POST.get("q", "")[:LONGEST]}
    return redirect(f"{reverse(route)}?{urlencode(asked)}")
