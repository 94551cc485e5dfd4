"""The staff's page of the queue: how it is, how much waits before each hop and for whom, and what
holds it back."""

from django.http import HttpRequest, HttpResponse

from adminpanel import doors
from adminpanel.watch import health, lanes
from ground import clock
from lovense import facts

_TONES = {
    health.Status.HEALTHY: "good",
    health.Status.DEGRADED: "warn",
    health.Status.UNHEALTHY: "bad",
}


@doors.page
def queue(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    found = health.read(now=now)
    context = {
        "health": found,
        "tone": _TONES[found.status],
        "hops": [{"hop": facts.HOPS[waits.name], "waits": waits} for waits in found.hops],
        "lanes": lanes.longest(now=now),
        "lanes_shown": lanes.LANES_SHOWN,
        "paused": lanes.paused(now=now),
    }
    return doors.show(request, "adminpanel/queue.html", context, on="staff-queue")
