"""The buttons of the menu's page that are about its terms: the default reaction, cooldowns and
stock. Each makes one call into a rule and says what came of it."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from ground.json.fields import Fields
from lovense.deciding import resets
from lovense.menus import drafts, reactions
from lovense.menus.drafts import ChangedMeanwhile
from lovense.menus.wishes import InvalidItem
from lovense.models import Performer
from lovense.page import itemterms
from lovense.page.itemterms import ReactionForm
from lovense.views.buttons import by
from lovense.views.menubuttons import buttons, form, writing_of


@require_http_methods(["GET", "POST"])
@buttons.hers
def reaction(request: HttpRequest, performer: Performer) -> HttpResponse:
    """GET: the default reaction in a form; POST: changed, or what was typed with what is wrong."""
    draft = drafts.of(performer.performer_id)
    now = draft.reaction or reactions.usual()
    filled = ReactionForm(draft.revision, now)
    if request.method == "POST":
        try:
            wanted = reactions.read(Fields(itemterms.reaction_body(request.POST), ""), now)
            drafts.react(writing_of(request, performer), wanted)
        except (InvalidItem, ChangedMeanwhile) as wrong:
            filled = ReactionForm(draft.revision, now, request.POST, wrong)
        else:
            return buttons.told(f"The default reaction is {'on' if wanted['active'] else 'off'}.")
    shown = {"form": filled}
    return form(request, performer, "lovense/_reaction_form.html", shown, "Default reaction")


# --- cooldowns -----------------------------------------------------------------------------------


@require_POST
@buttons.hers
def reset(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """It answers again."""
    return _reset(request, performer, item_id)


@require_POST
@buttons.hers
def reset_all(request: HttpRequest, performer: Performer) -> HttpResponse:
    return _reset(request, performer)


def _reset(request: HttpRequest, performer: Performer, item_id: str = "") -> HttpResponse:
    who = by(request, performer)
    ended = resets.cooldowns(performer.pk, item_id, by=who["by"], now=who["now"])
    if not ended:
        return buttons.told("Nothing was cooling down.", tone="warn")
    return buttons.told(
        f"{len(ended)} {'item answers' if len(ended) == 1 else 'items answer'} again."
    )


# --- stock ---------------------------------------------------------------------------------------


@require_POST
@buttons.hers
def restock(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    who = by(request, performer)
    shelf = resets.restock(performer.pk, item_id, by=who["by"], now=who["now"])
    return buttons.told(f"Filled up: {shelf.left} left.")


@require_POST
@buttons.hers
def give_back(request: HttpRequest, performer: Performer, item_id: str) -> HttpResponse:
    """Those of which nobody knows whether they played."""
    who = by(request, performer)
    shelf = resets.give_back(performer.pk, item_id, by=who["by"], now=who["now"])
    return buttons.told(f"Given back: {shelf.left} left.")
