"""The performer's statistics. Finds whose they are, reads once, renders."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from ground import clock
from lovense.models import Performer
from lovense.page.statisticspage import StatisticsPage
from lovense.rows import Json
from lovense.views.pages import page


@require_safe
@login_required
def statistics(request: HttpRequest) -> HttpResponse:
    """Values that are none stand beside their field; the rest is applied."""

    def shown(performer: Performer) -> Json:
        return {"shown": StatisticsPage(performer, request.GET, clock.now())}

    return page(request, "statistics", "lovense/statistics.html", shown)
