"""The staff's list of tips, with the verdict on each."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from adminpanel import doors
from adminpanel.tip import listing
from adminpanel.views.listed import ListDoors

_DOORS = ListDoors(listing.RECORDS, {}, "staff-tips", "adminpanel/tips.html")


@doors.page
def tips(request: HttpRequest) -> HttpResponse:
    return _DOORS.show(request)


@doors.page
def news(request: HttpRequest) -> JsonResponse:
    return _DOORS.news(request)


@doors.page
def suggest(request: HttpRequest) -> JsonResponse:
    return _DOORS.suggest(request)


@doors.page
def export(request: HttpRequest) -> HttpResponseBase:
    return _DOORS.export(request)
