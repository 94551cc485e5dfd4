"""The page on which anybody checks the random draws of a published version."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ground import clock
from ground.json.errors import Refusal
from lovense.deciding import revealing
from lovense.page.drawspage import DrawsPage, TooManyLooks, after_in, let_in


@never_cache
@require_safe
def draws(request: HttpRequest, menu: str) -> HttpResponse:
    try:
        let_in(request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""))
        after, version = after_in(request.GET.get("after")), revealing.of(menu)
    except TooManyLooks as why:
        return HttpResponse(
            why.message, status=why.status, headers=why.headers, content_type="text/plain"
        )
    except Refusal as why:
        raise Http404 from why
    page = DrawsPage(version, after, clock.now())
    return render(request, "lovense/draws.html", {"page": page})
