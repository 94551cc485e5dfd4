"""The staff's page of samples: an admin of a test deployment sends one, and sees what the door
answered.

The last answer is kept in her session and has an address of its own, so that a page that is loaded
again sends nothing again."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from adminpanel import doors
from adminpanel.handling import deployment, samples
from adminpanel.handling.samples import SampleAnswer, SampleKind, SampleOrder
from adminpanel.people.deeds import Deed, DeedTarget
from adminpanel.views import acts
from adminpanel.views.acts import Act, ActField, AskedAct, Pressed
from lovense.models import Performer

ON = "staff-deliveries"
SEND = "send-sample"
USUAL_AMOUNT = 25
SENT, LAST = "sent", "last_sample"
"""In the address the sample that is shown; in the session the last one."""
_KINDS = (
    (SampleKind.TIP.value, "A signed tip"),
    (SampleKind.PURCHASE.value, "A purchase of tokens"),
    (SampleKind.WRONG_SIGNATURE.value, "A tip with a wrong signature"),
    (SampleKind.DUPLICATE.value, "A tip, and the same once more"),
    (SampleKind.CONFLICT.value, "A tip, and another amount under its id"),
)


@doors.page
def asked(request: HttpRequest) -> HttpResponse:
    return _page(request)


@doors.button
def send(request: HttpRequest) -> HttpResponse:
    said = [request.POST.get(name, "")[:100] for name in ("kind", "performer", "amount")]

    def work(deed: Deed) -> tuple[SampleOrder, list[SampleAnswer]]:
        sample = samples.asked(*said)
        return sample, samples.send(sample, at=_own_socket(request), deed=deed)

    def then(done: tuple[SampleOrder, list[SampleAnswer]]) -> HttpResponse:
        last = request.session[LAST] = _last(*done, whose=said[1])
        return redirect(reverse("staff-samples", query={SENT: last["id"]}))

    return acts.answered(
        request,
        AskedAct("send_sample", DeedTarget("sample", said[0][:20])),
        work,
        then=then,
        back=lambda pressed: _page(request, pressed._replace(act=SEND)),
    )


def _last(sample: SampleOrder, answers: list[SampleAnswer], *, whose: str) -> dict[str, Any]:
    reaches = sample.kind is not SampleKind.WRONG_SIGNATURE
    return {
        "id": answers[0].call.headers["webhook-id"],
        "kind": str(sample.kind),
        "amount": str(sample.amount),
        "whose": whose,
        "tip_id": sample.tip_id if reaches else "",
        "answers": [each.shown for each in answers],
    }


def _own_socket(request: HttpRequest) -> str:
    """Where this very request came in, as the server's socket says it and no header can."""
    host, port = request.META["SERVER_NAME"], request.META["SERVER_PORT"]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _page(request: HttpRequest, pressed: Pressed | None = None) -> HttpResponse:
    why_not, last = deployment.why_not(), request.session.get(LAST, {})
    wanted = request.GET.get(SENT)
    context = {
        "why_not": why_not,
        "acts": [] if why_not else acts.shown([_act(last)], pressed),
        "pressed": pressed,
        "sent": last if last.get("id") == wanted else None,
        "is_gone": wanted and last.get("id") != wanted,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/samples.html", context, on=ON, status=status)


def _act(last: Mapping[str, Any]) -> Act:
    """What was sent last stands in its fields."""
    kind = last.get("kind", _KINDS[0][0])
    amount = last.get("amount", str(USUAL_AMOUNT))
    whose = last.get("whose") or _somebody()
    asks = (
        ActField("kind", "What", kind="select", options=_KINDS, value=kind),
        ActField("performer", "For", "The name or the id of a performer.", value=whose),
        ActField("amount", "Tokens", f"1 to {samples.LARGEST}", "number", value=amount, maximum=5),
    )
    words = (
        "It is signed and sent to this server’s own webhook, as a payment system does it. "
        "A tip is paid and plays; it is recorded that you sent it."
    )
    address = reverse("staff-sample-send")
    return Act(SEND, "Send a sample", words, "Send it", address, kind="main", asks=asks)


def _somebody() -> str:
    first = Performer.objects.order_by("pk").select_related("user").first()
    return first.user.get_username() if first else ""
