"""What the REST doors of a menu have in common: who writes, the revision that was seen, and what an
address asks for."""

from rest_framework.request import Request

from ground import clock
from ground.json.fields import MAX_AMOUNT, Fields, Malformed
from lovense.api import menuschema
from lovense.api.calls import caller
from lovense.menus import drafts, publishing
from lovense.menus.drafts import Draft, Writing
from lovense.menus.matching import PUBLIC, SHOWS
from lovense.rows import Json


def writing_of(request: Request, whose: str, seen: int | None) -> Writing:
    return Writing(whose, seen, caller(request), clock.now())


def seen_in(body: Fields, *, is_needed: bool = True) -> int | None:
    if not is_needed and "revision" not in body.whole:
        return None
    return body.integer("revision", minimum=0, maximum=MAX_AMOUNT)


def draft_of(whose: str, draft: Draft) -> Json:
    """Beside what is published."""
    texts = publishing.texts_of(whose, draft.items)
    return menuschema.draft(draft, drafts.in_force(whose), texts)


def show_in(request: Request) -> str:
    """Which one is asked about."""
    show = request.query_params.get("show", PUBLIC)
    if show not in SHOWS:
        raise Malformed("show", f"must be one of {', '.join(SHOWS)}")
    return show


def queried(field: str, text: str) -> int:
    """The number of a version."""
    if (number := whole(text)) is None:
        raise Malformed(field, "must be draft, published or the number of a version")
    return number


def number_in(request: Request, name: str, *, minimum: int) -> int:
    number = whole(request.query_params.get(name, ""))
    if number is None:
        raise Malformed(name, "must be a whole number")
    return Fields({name: number}, "").integer(name, minimum=minimum, maximum=MAX_AMOUNT)


def whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None
