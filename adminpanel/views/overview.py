"""The staff's first page: how everything is, and whether anybody has looked. And the line of it
that stands on every page of theirs."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from adminpanel import doors
from adminpanel.watch import lasthour, readiness
from adminpanel.watch import overview as shown
from ground import clock

ON = "staff"


@doors.page
def overview(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    hour = lasthour.read(now=now)
    steps = shown.steps(hour, now=now)
    context = {
        "hour": hour,
        "now": now,
        "steps": steps,
        "sentence": shown.sentence(steps, hour),
        "tone": _tone(steps, hour),
        "processes": shown.processes(now=now),
        "has_redis": readiness.redis_answers(),
        "ledger": settings.LEDGER_GATEWAY,
        "today": shown.today(now=now),
    }
    return doors.show(request, "adminpanel/overview.html", context, on=ON)


def _tone(steps: list[shown.StepSeen], hour: lasthour.LastHour) -> str:
    is_late = any(step.is_late for step in steps)
    return "warn" if is_late and hour.word is lasthour.HealthWord.WELL else hour.word.tone


@doors.page
def strip(request: HttpRequest) -> HttpResponse:
    return render(request, "adminpanel/_strip.html", {"strip": doors.strip(request)})
