"""What the pages of access let somebody do: a form for each act, with the reason that it asks for;
and what is answered when one is pressed. No page lives here.

An act that is refused is answered by the page that it was on, with what is wrong beside its field
and what was typed still in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from django.http import Http404, HttpRequest, HttpResponse

from adminpanel.people.deeds import (
    Deed,
    DeedTarget,
    deed_of,
    reason_of,
    refusals_recorded,
)
from ground import clock
from ground.audit.log import LONGEST_WHY
from ground.json.errors import Refusal

T = TypeVar("T")
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ActField:
    name: str
    label: str
    hint: str = ""
    kind: str = "text"
    options: Options = ()
    maximum: int = LONGEST_WHY
    autocomplete: str = "off"
    value: str = ""
    error: str = ""
    id: str = ""


REASON = ActField("reason", "Why", "3 to 200 characters, for the audit log. Name nobody in it.")


class Pressed(NamedTuple):
    """An act that was refused: which, why, and what was typed."""

    act: str
    refusal: Refusal
    typed: Mapping[str, str]

    @property
    def field(self) -> str:
        return str((self.refusal.details or {}).get("field", ""))


@dataclass(frozen=True)
class Act:
    """`seen`: the state that whoever presses it has before her."""

    name: str
    title: str
    words: str
    button: str
    address: str
    seen: str = ""
    kind: str = "plain"
    asks: tuple[ActField, ...] = ()
    pressed: Pressed | None = field(default=None)

    @property
    def is_open(self) -> bool:
        return self.pressed is not None

    @property
    def fields(self) -> list[ActField]:
        return [filled(each, self.name, self.pressed) for each in (*self.asks, REASON)]


def filled(each: ActField, act: str, pressed: Pressed | None) -> ActField:
    """The field of an act, as it was left when that was refused."""
    own = f"{each.name}-{act}"
    if pressed is None:
        return replace(each, id=own)
    is_secret = each.kind == "password" or each.autocomplete == "one-time-code"
    value = "" if is_secret else pressed.typed.get(each.name, each.value)
    error = str(pressed.refusal) if pressed.field == each.name else ""
    return replace(each, id=own, value=value, error=error)


def shown(acts: list[Act], pressed: Pressed | None) -> list[Act]:
    """The act that was refused stands open."""
    return [
        replace(act, pressed=pressed) if pressed and pressed.act == act.name else act
        for act in acts
    ]


class AskedAct(NamedTuple):
    """What was pressed, and on what."""

    act: str
    target: DeedTarget


def answered(
    request: HttpRequest,
    asked: AskedAct,
    work: Callable[[Deed], T],
    *,
    then: Callable[[T], HttpResponse],
    back: Callable[[Pressed], HttpResponse],
) -> HttpResponse:
    """Done, with its entry, and `then`; or refused, with an entry of that, and `back`."""
    said = {name: str(value) for name, value in request.POST.items()}
    said.pop("csrfmiddlewaretoken", None)
    why = said.get("reason", "")
    deed = deed_of(request.user, now=clock.now(), why=" ".join(why[:LONGEST_WHY].split()))
    try:
        with refusals_recorded(deed, asked.act, asked.target):
            result = work(deed._replace(why=reason_of(why)))
    except Refusal as refused:
        if refused.status == 404:
            raise Http404 from None
        answer = back(Pressed(asked.act, refused, said))
        for name, value in refused.headers.items():
            answer[name] = value
        return answer
    return then(result)


def status_of(pressed: Pressed | None) -> int:
    return pressed.refusal.status if pressed else 200


def number(said: Any) -> int:
    """The version that a form carries; what is none is nobody's."""
    text = str(said)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
