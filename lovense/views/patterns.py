"""The performer's page of her patterns and its buttons. Each finds whose page it is, makes one call
into a rule and says what came of it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ground import clock
from ground.json import fields
from ground.json.fields import Fields, Malformed
from lovense.devices import summary
from lovense.lane import patterntests, submissions
from lovense.lane.patterntests import AskedPattern
from lovense.models import Performer
from lovense.page import patternpad
from lovense.page.partsform import whole
from lovense.page.patternform import DrawnText, PatternForm, PatternTestForm
from lovense.page.patternspage import PatternsPage
from lovense.patterns import imports, library, reading, shipped
from lovense.patterns.imports import LONGEST_FILE, LONGEST_NAME
from lovense.patterns.library import (
    PatternChanged,
    PatternNameTaken,
    PatternWriting,
    TooManyPatterns,
    WrongPattern,
)
from lovense.patterns.reading import InvalidPattern
from lovense.patterns.recording import MOST_SAMPLES
from lovense.patterns.score import LONGEST_MS, LONGEST_TEXT
from lovense.rows import Json, PatternRow
from lovense.timeline import SECOND
from lovense.views.buttons import Buttons, asked
from lovense.views.pages import page

# What is answered by the form, with what was typed.
KEPT = (WrongPattern, PatternNameTaken, TooManyPatterns, PatternChanged)


@require_safe
@login_required
def patterns(request: HttpRequest) -> HttpResponse:
    """The page or, to HTMX, one region of it by name."""

    def shown(performer: Performer) -> Json:
        return {"shown": PatternsPage(performer)}

    return page(request, "patterns", "lovense/patterns.html", shown)


# --- buttons -------------------------------------------------------------------------------------

_page = Buttons(
    news=("patterns",),
    words={
        submissions.NoTestNow: "You have pressed stop. Resume first, then test.",
        PatternChanged: "The pattern has changed on another page: nothing was done.",
    },
    home="patterns",
)


@require_http_methods(["GET", "POST"])
@_page.hers
def add(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: an empty form, or a copy of a shipped one; POST: saved, or what was typed with what is
    wrong with it."""
    if request.method != "POST":
        return _form(request, performer, _empty(request.GET.get("from", "")))
    try:
        row = library.add(_writing(request, performer), library.wish(_body(request), is_new=True))
    except KEPT as wrong:
        return _form(request, performer, PatternForm(*_typed(request), wrong=wrong))
    return _page.told(f"{row['name']} is saved. Name it in an item of your menu.")


def _empty(name: str) -> PatternForm:
    if not name:
        return PatternForm("", "10 2s, 0 1s\n")
    if name not in shipped.TEXTS:
        raise Http404
    return PatternForm(f"My {name}", shipped.TEXTS[name])


@require_safe
@_page.hers
def edit(request: HttpRequest, performer: Performer, pattern_id: str) -> HttpResponse:
    """One of hers, on a page of its own."""
    row = library.owned(performer.performer_id, pattern_id)
    return _form(request, performer, PatternForm(row["name"], row["text"], row, row["revision"]))


@require_http_methods(["GET", "POST"])
@_page.hers
def change(request: HttpRequest, performer: Performer, pattern_id: str) -> HttpResponse:
    """GET: the pattern in a form; POST: changed, or what was typed with what is wrong with it."""
    row = library.owned(performer.performer_id, pattern_id)
    if request.method != "POST":
        return edit(request, pattern_id=pattern_id)
    seen, body = _seen(request), _body(request)
    try:
        wished = library.wish(body, is_new=False)
        library.change(_writing(request, performer), pattern_id, wished, seen=seen)
    except PatternChanged as late:
        revision = late.row["revision"]
        return _form(request, performer, PatternForm(*_typed(request), row, revision, late))
    except KEPT as wrong:
        return _form(request, performer, PatternForm(*_typed(request), row, seen, wrong))
    return _page.told("Saved. What is published plays it as it was.")


@require_POST
@_page.hers
def drawn(request: HttpRequest, performer: Performer) -> HttpResponse:
    """What the text plays as it stands, or where it cannot be read; with `source` pad, the text
    that plays what was drawn."""
    _, text = _typed(request)
    if request.POST.get("source") == "pad":
        text = patternpad.text_of(request.POST.get("levels", "")) or text
    found = DrawnText(text)
    shown = {"drawn": found, "pad": patternpad.of(found), "is_answer": True}
    return render(request, "lovense/_pattern_drawn.html", shown)


@require_POST
@_page.hers
def try_out(request: HttpRequest, performer: Performer) -> HttpResponse:
    """The text as it stands, saved or not, on one device: it waits for its turn."""
    name, text = _typed(request)
    reading.read(text)
    body = Fields(_asked_test(request), "")
    asked_test = patterntests.parse(body, name=name.strip() or "A pattern", text=text)
    _tested(request, performer, asked_test)
    return _page.told("It is played in a moment.")


@require_http_methods(["GET", "POST"])
@_page.hers
def take_in(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: which file; POST: its pattern in the form, with what was changed. Nothing is saved."""
    if request.method != "POST":
        return render(request, "lovense/_pattern_import.html", {})
    try:
        found = imports.read_file(_file(request))
    except (Malformed, InvalidPattern) as wrong:
        return render(request, "lovense/_pattern_import.html", {"wrong": str(wrong)})
    form = PatternForm(found.name, found.text, changes=found.changes, is_imported=True)
    return _form(request, performer, form)


@require_http_methods(["GET", "POST"])
@_page.hers
def record(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: the field on which to tap; POST: what was recorded in the form, with what was changed.
    Nothing is saved."""
    if request.method != "POST":
        return _recorder(request)
    try:
        found = imports.read(_samples(request))
    except (Malformed, InvalidPattern) as wrong:
        return _recorder(request, str(wrong))
    form = PatternForm("", found.text, changes=found.changes, is_imported=True)
    return _form(request, performer, form)


def _samples(request: HttpRequest) -> Fields:
    said = request.POST.get("samples", "").encode()
    if len(said) > LONGEST_FILE:
        raise Malformed("samples", "must be at most 1 MiB")
    return fields.read(b'{"samples":' + (said or b"null") + b"}")


def _recorder(request: HttpRequest, wrong: str = "") -> HttpResponse:
    limits = {"longest_ms": LONGEST_MS, "longest_s": LONGEST_MS // SECOND, "most": MOST_SAMPLES}
    return render(request, "lovense/_pattern_record.html", {"wrong": wrong} | limits)


def _file(request: HttpRequest) -> bytes:
    file = request.FILES.get("file")
    if file is None or file.size is None:
        raise Malformed("file", "choose one")
    if file.size > LONGEST_FILE:
        raise Malformed("file", "must be at most 1 MiB")
    return bytes(file.read())


@require_http_methods(["GET", "POST"])
@_page.hers
def test(request: HttpRequest, performer: Performer, pattern_id: str) -> HttpResponse:
    """GET: on which device; POST: it waits for its turn."""
    row = library.owned(performer.performer_id, pattern_id)
    if request.method != "POST":
        return _test_form(request, performer, row)
    try:
        body = Fields(_asked_test(request), "")
        asked_test = patterntests.parse(body, name=row["name"], text=row["text"])
    except Malformed as wrong:
        return _test_form(request, performer, row, str(wrong))
    _tested(request, performer, asked_test)
    return _page.told(f"{row['name']} is played in a moment.")


def _tested(request: HttpRequest, performer: Performer, asked_test: AskedPattern) -> None:
    patterntests.ask(
        asked_test,
        performer_id=performer.performer_id,
        account=str(request.user.pk),
        by=request.user.get_username(),
        key=request.request_id,  # type: ignore[attr-defined]
        now=clock.now(),
    )


def _asked_test(request: HttpRequest) -> Json:
    numbers = {name: whole(request.POST.get(name, "")) for name in ("strength", "seconds")}
    return {"deviceId": request.POST.get("deviceId", ""), **numbers}


def _test_form(
    request: HttpRequest, performer: Performer, row: PatternRow, wrong: str = ""
) -> HttpResponse:
    form = PatternTestForm(row, summary.ready(performer.devices or []), wrong)
    return render(request, "lovense/_pattern_test.html", {"form": form})


@require_http_methods(["GET", "POST"])
@_page.hers
def archive(request: HttpRequest, performer: Performer, pattern_id: str) -> HttpResponse:
    """GET: the question, in words; POST: done."""
    row = library.owned(performer.performer_id, pattern_id)
    if request.method == "POST":
        library.archive(_writing(request, performer), pattern_id, seen=_seen(request))
        return _page.told(f"{row['name']} is archived.")
    url = reverse("patterns-archive", args=[pattern_id])
    return asked(
        request,
        f"Archive “{row['name']}”?",
        f"{url}?revision={row['revision']}",
        text="It leaves this list, and its name is free again. What is published still plays it; "
        "items of your draft that name it need another pattern.",
        label="Archive it",
        keep="Keep it",
    )


# --- what they have in common --------------------------------------------------------------------


def _form(request: HttpRequest, performer: Performer, form: PatternForm) -> HttpResponse:
    """In a dialog; elsewhere a page of its own."""
    asked_by = request.htmx  # type: ignore[attr-defined]
    caps = patternpad.caps(performer.performer_id)
    shown = {"form": form, "pad": patternpad.of(form.drawn), "caps": caps}
    shown |= {"usual": [0] * patternpad.USUAL_COLUMNS, "tried": patterntests}
    if asked_by and not asked_by.boosted:
        return render(request, "lovense/_pattern_form.html", shown)
    whole = {"is_page": True, **shown}
    where = reverse("patterns")
    return page(request, "patterns-edit", "lovense/pattern.html", lambda _: whole, address=where)


def _typed(request: HttpRequest) -> tuple[str, str]:
    """Name and text, as a browser sends them: its line breaks are two characters."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    return request.POST.get("name", "")[: LONGEST_NAME * 2], text[: LONGEST_TEXT * 2]


def _body(request: HttpRequest) -> Fields:
    name, text = _typed(request)
    return Fields({"name": name, "text": text}, "")


def _writing(request: HttpRequest, performer: Performer) -> PatternWriting:
    return PatternWriting(performer.performer_id, request.user.get_username(), clock.now())


def _seen(request: HttpRequest) -> int:
    said = request.POST if "revision" in request.POST else request.GET
    return library.seen_of(Fields({"revision": whole(said.get("revision", ""))}, ""))
