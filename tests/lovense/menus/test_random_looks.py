"""What is said of an item that leaves something to chance, before anybody tips."""

import pytest
from django.http import QueryDict

from lovense.menus import lint, parts, wishes
from lovense.menus.matching import PUBLIC
from lovense.page import chanceform, itemform, menuwords
from tests.lovense.callers import Caller
from tests.lovense.devices.test_named_functions import LUSH
from tests.lovense.menus.chancing import LUCKY, publish
from tests.lovense.menus.offers import added
from tests.lovense.menus.test_foresight import decided, foresights
from tests.lovense.menus.test_lint import fixed, found, linter, offer

ROOT = "/api/lovense/tip-menu"


def chance(title, low, high, random, **more):
    plain = {"title": title, "minimum": low, "maximum": high, "random": random}
    plain |= {name: value for name, value in USUAL.items() if name not in random}
    if "patterns" in random:
        plain.pop("pattern", None)
    return wishes.new(plain | more) | {"itemId": title}


USUAL = {"pattern": "level", "intensity": 10, "durationSec": 10}


def between(low, high):
    return {"from": low, "to": high}


# --- the lint ----------------------------------------------------------------------------------------------


def test_it_is_compared_by_its_mean_and_its_bounds_are_named():
    offers = (
        offer("plain", 10, 49, intensity=10, durationSec=10),
        chance("lucky", 50, None, {"durationSec": between(2, 14)}),
    )
    one = found(linter(LUSH), *offers)["price_inversion", "lucky", "plain"]
    assert one.text == (
        "50 tokens get less than a smaller amount: “lucky” has an effect of 4 in 8 s on average, 1 to 7 in "
        "2 to 14 s, “plain” 5 in 10 s."
    )
    assert fixed(linter(LUSH), offers, "price_inversion")[1]["intensity"] == 13
    better = chance("lucky", 50, None, {"durationSec": between(2, 24)})
    assert ("price_inversion", "lucky", "plain") not in found(linter(LUSH), offers[0], better)


def test_the_mean_of_its_patterns_is_by_their_weights():
    random = {"patterns": [{"pattern": "level", "weight": 3}, {"pattern": "pulse", "weight": 1}]}
    look = linter(LUSH).look(chance("lucky", 10, None, random))
    level, pulse = (
        linter(LUSH).look(offer("x", 10, None, pattern=name, intensity=10, durationSec=10)).effect
        for name in ("level", "pulse")
    )
    assert look.effect == pytest.approx((3 * level + pulse) / 4, abs=0.001)


def test_a_limit_counts_for_its_highest_and_the_fix_takes_the_bounds_within():
    offers = (chance("lucky", 10, None, {"durationSec": between(20, 50), "intensity": between(5, 18)}),)
    whose = linter(LUSH, intensity=12)
    one = found(whose, *offers)["over_cap", "lucky"]
    assert "up to 50 s are asked, up to 30 s are played" in one.text
    (after,) = fixed(whose, offers, "over_cap")
    assert after["random"] == {"intensity": between(5, 12), "durationSec": between(20, 30)}
    assert (after["intensity"], after["durationSec"]) == (12, 30)


def test_what_is_altered_only_at_its_shortest_is_said_and_mended():
    offers = (chance("lucky", 10, None, {"durationSec": between(1, 9)}),)
    assert "altered" in {code for code, *_ in found(linter(LUSH), *offers)}
    (after,) = fixed(linter(LUSH), offers, "altered")
    assert after["random"] == {"durationSec": between(2, 9)}


def test_a_device_that_cannot_do_it_at_its_best_is_named():
    offers = (chance("lucky", 10, None, {"intensity": between(1, 20)}, functions={"Rotate": 100}),)
    assert found(linter(LUSH), *offers)["device_cannot", "lucky"].severity == lint.ERROR


# --- the preview -------------------------------------------------------------------------------------------


def test_a_preview_has_the_bounds_and_decides_nothing_else_than_a_tip():
    menu = foresights([chance("lucky", 10, None, LUCKY)], [LUSH])
    seen, row = menu.of(100), decided(menu, 100, PUBLIC)
    assert (seen.bounds.shortest, seen.bounds.longest, seen.bounds.seconds) == (3, 9, 6)
    assert seen.bounds.low.effect < seen.bounds.effect < seen.bounds.high.effect
    assert row["promised_seconds"] == seen.outlook.promised_seconds == 9
    (line,) = menu.table([100])
    assert line.bounds.words == seen.bounds.words


def test_of_a_plain_item_there_are_no_bounds():
    assert foresights([offer("plain", 10, None)], [LUSH]).of(100).bounds is None


def asked(chain, question):
    return Caller(chain.performer.user, root=ROOT)("get", f"/{question}").json()


@pytest.mark.django_db
def test_over_rest_preview_and_table_say_the_bounds(chain):
    publish(chain)
    told = asked(chain, "preview?amount=100&version=published")
    assert told["bounds"]["promisedSeconds"] == {"low": 3, "high": 9, "mean": 6}
    assert told["item"]["random"] == LUCKY
    row, plain = asked(chain, "preview/table?amounts=100,77&version=published")["amounts"]
    assert (row["bounds"], plain["bounds"]) == (told["bounds"], None)
    assert asked(chain, "preview/cheapest?item=lucky&version=published")["amount"] == 10


# --- the page ----------------------------------------------------------------------------------------------


def test_a_row_says_in_words_what_is_drawn():
    assert menuwords.does(chance("lucky", 10, None, LUCKY)) == (
        "Wave (75 %) or Pulse (25 %), strength 5 to 15 of 20, 3 to 9 s, drawn at random"
    )
    assert menuwords.does(offer("plain", 1, 2, intensity=3, durationSec=4)) == "Level, strength 3 of 20, 4 s"


def typed(item, **more):
    """As the form is sent that shows this item."""
    form = itemform.ItemForm(0, item, [], parts.HerToys({}, frozenset(), {}))
    sent = QueryDict(mutable=True)
    for name in ("title", "minimum", "maximum", "pattern", "intensity", "durationSec"):
        sent[name] = form[name].value
    sent |= {} if not form.is_active else {"active": "1"}
    names = (*chanceform.LEAST.values(), chanceform.DRAWN)
    for name, value in zip(
        names, (form.chance.intensity, form.chance.seconds, form.chance.patterns), strict=True
    ):
        sent[name] = value
    sent.update(more)
    return itemform.body(sent)


def test_the_form_sends_back_what_it_shows():
    item = chance("lucky", 10, None, LUCKY)
    body = typed(item)
    assert body["random"] == LUCKY
    assert "pattern" not in body
    assert typed(offer("plain", 10, 20))["random"] is None


def test_the_most_is_what_stands_above_and_a_line_without_a_weight_weighs_one():
    item = chance("lucky", 10, None, LUCKY)
    changed = typed(item, intensity="12", drawnPatterns="my/slow rise\nwave 4\n\n")
    assert changed["random"]["intensity"] == {"from": 5, "to": 12}
    assert changed["random"]["patterns"] == [
        {"pattern": "my/slow rise", "weight": 1},
        {"pattern": "wave", "weight": 4},
    ]
    assert typed(item, leastIntensity="few")["random"]["intensity"]["from"] == "few"


@pytest.mark.django_db
def test_her_page_shows_the_row_the_form_and_what_an_amount_may_get(chain, client):
    client.force_login(chain.performer.user)
    draft = added(
        chain.performer, "Lucky", minimum=60, maximum=60, random={"intensity": {"from": 2, "to": 8}}
    )
    assert "strength 2 to 8 of 20" in client.get("/menu").content.decode()
    item_id = draft.items[-1]["itemId"]
    form = client.get(f"/menu/items/{item_id}/change").content.decode()
    assert 'name="leastIntensity" value="2"' in form
    answer = client.get("/menu/answer?amount=60&show=public", headers={"HX-Request": "true"}).content.decode()
    assert "Drawn for each tip" in answer
