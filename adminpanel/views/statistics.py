"""The staff's Statistics: what was tipped in a period, what became of it, and how fast."""

from django.http import HttpRequest, HttpResponse

from adminpanel import doors
from adminpanel.statistics import asked
from adminpanel.statistics.page import StatisticsShown
from ground import clock

ON = "staff-statistics"


@doors.page
def statistics(request: HttpRequest) -> HttpResponse:
    """Values that are none stand beside their field; the rest is applied."""
    now = clock.now()
    shown = StatisticsShown(asked.read(request.GET, now), now)
    return doors.show(
        request, "adminpanel/statistics.html", {"shown": shown, "asked_at": now}, on=ON
    )
