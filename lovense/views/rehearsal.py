"""The buttons of a rehearsal: on and off, one tip of it, and a small show."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from lovense.lane import rehearsal
from lovense.lane.rehearsal import InvalidRehearsal
from lovense.models import Performer
from lovense.views.buttons import Buttons, by

_page = Buttons(news=("queue", "preferences", "notices"), words={}, home="live")
LONGEST_AMOUNT = 16  # digits
SWITCH = {"1": True, "0": False}


@require_POST
@_page.hers
def switch(request: HttpRequest, performer: Performer) -> HttpResponse:
    """`on`: 1 or 0."""
    if (asked := request.POST.get("on", "")) not in SWITCH:
        raise InvalidRehearsal("on", "must be 1 or 0")
    rehearsal.switch(**by(request, performer), is_on=SWITCH[asked])
    said = "You rehearse: what you send yourself moves no tokens."
    return _page.told(said if SWITCH[asked] else "The rehearsal is over.")


@require_POST
@_page.hers
def tips(request: HttpRequest, performer: Performer) -> HttpResponse:
    """One, of `amount` tokens."""
    text = request.POST.get("amount", "")
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_AMOUNT):
        raise InvalidRehearsal("amount", "must be a whole number of tokens")
    _send(request, performer, [int(text)])
    return _page.told(f"Rehearsal: {int(text)} tokens are on their way.")


@require_POST
@_page.hers
def show(request: HttpRequest, performer: Performer) -> HttpResponse:
    """A small one."""
    sent = rehearsal.small_show(performer.performer_id)
    _send(request, performer, sent)
    return _page.told(f"Rehearsal: {len(sent)} tips are on their way.")


def _send(request: HttpRequest, performer: Performer, amounts: list[int]) -> None:
    """Each press is another viewer's."""
    whose, account = by(request, performer), str(request.user.pk)
    rehearsal.send(amounts, **whose, account=account, key=uuid.uuid4().hex)
