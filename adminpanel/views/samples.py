"""The staff's page of samples: an admin of a test deployment sends one, and sees what the door
answered."""

from django.http import HttpRequest, HttpResponse
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
    """The answer is the page itself: what was answered is kept nowhere."""
    said = [request.POST.get(name, "")[:100] for name in ("kind", "performer", "amount")]

    def work(deed: Deed) -> tuple[SampleOrder, list[SampleAnswer]]:
        sample = samples.asked(*said)
        return sample, samples.send(sample, at=_own_socket(request), deed=deed)

    def then(done: tuple[SampleOrder, list[SampleAnswer]]) -> HttpResponse:
        return _page(request, sample=done[0], answers=done[1], whose=said[1])

    return acts.answered(
        request,
        AskedAct("send_sample", DeedTarget("sample", said[0][:20])),
        work,
        then=then,
        back=lambda pressed: _page(request, pressed._replace(act=SEND)),
    )


def _own_socket(request: HttpRequest) -> str:
    """Where this very request came in, as the server's socket says it and no header can."""
    host, port = request.META["SERVER_NAME"], request.META["SERVER_PORT"]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _page(
    request: HttpRequest,
    pressed: Pressed | None = None,
    *,
    sample: SampleOrder | None = None,
    answers: list[SampleAnswer] | None = None,
    whose: str = "",
) -> HttpResponse:
    why_not = deployment.why_not()
    context = {
        "why_not": why_not,
        "acts": [] if why_not else acts.shown([_act(sample, whose)], pressed),
        "pressed": pressed,
        "sample": sample,
        "answers": answers or (),
        "reaches": sample and sample.tip_id and sample.kind is not SampleKind.WRONG_SIGNATURE,
    }
    status = acts.status_of(pressed)
    return doors.show(request, "adminpanel/samples.html", context, on=ON, status=status)


def _act(sample: SampleOrder | None, whose: str) -> Act:
    """What was sent last stands in its fields."""
    kind = str(sample.kind) if sample else _KINDS[0][0]
    amount = str(sample.amount if sample else USUAL_AMOUNT)
    asks = (
        ActField("kind", "What", kind="select", options=_KINDS, value=kind),
        ActField(
            "performer", "For", "The name or the id of a performer.", value=whose or _somebody()
        ),
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
