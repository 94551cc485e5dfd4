"""What her palette asks with every letter."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ground import clock
from lovense.page.findpage import FindPage
from lovense.views.pages import not_a_performer, performer_of


@never_cache
@require_safe
@login_required
def find(request: HttpRequest) -> HttpResponse:
    """`q`: letters of a name or a title, an amount, or an id; nothing is found for nothing."""
    performer = performer_of(request)
    if performer is None:
        return not_a_performer(request)
    shown = FindPage(performer, request.GET.get("q", ""), clock.now())
    return render(request, "lovense/_found.html", {"shown": shown})
