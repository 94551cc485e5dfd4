"""The buttons of her show on the live page: ending it, putting its summary away, going on air."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from ground import clock
from lovense.models import Performer
from lovense.shows import ending, muting, summary
from lovense.views.buttons import Buttons, by

_page = Buttons(news=("shows", "devices", "queue", "notices"), words={}, home="live")


@require_POST
@_page.hers
def end(request: HttpRequest, performer: Performer) -> HttpResponse:
    """Pressed again, it is over already."""
    ended = ending.end(**by(request, performer))
    said = "The show is over: your devices are stopped and let go."
    return _page.told(said if ended.is_new else "You are off air.")


@require_POST
@_page.hers
def begin(request: HttpRequest, performer: Performer) -> HttpResponse:
    """What may hold her devices takes them within a second; a page that may not says so itself."""
    ending.begin(**by(request, performer))
    return _page.told("Going on air.")


@require_POST
@_page.hers
def put_away(request: HttpRequest, performer: Performer) -> HttpResponse:
    """`show`: the number of the show whose summary it is. Pressed again, it is out of sight."""
    number = request.POST.get("show", "")
    summary.put_away(performer_id=performer.performer_id, number=number, now=clock.now())
    return _page.shown()


@require_POST
@_page.hers
def mute(request: HttpRequest, performer: Performer, device_id: str) -> HttpResponse:
    """`muted` 1: nothing is sent to it until the show is over; 0: it plays again."""
    rule = muting.mute if request.POST.get("muted") == "1" else muting.unmute
    row = rule(**by(request, performer), device_id=device_id)
    name = row["nickname"]
    is_muted = bool(row.get("muted_in"))
    return _page.told(f"{name} is muted for this show." if is_muted else f"{name} plays again.")
