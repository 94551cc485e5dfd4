"""A preview, the ruler and what a tip is decided to do are one answer. Pure."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lovense.bridges import legs
from lovense.deciding import foresight
from lovense.deciding.foresight import Foresights
from lovense.deciding.gates import decide
from lovense.menus import content, ruler
from lovense.menus.compiler import Compiled
from lovense.menus.matching import SHOWS, MenuIndex
from lovense.menus.reading import PublishedMenu
from tests.factories import NOW
from tests.lovense.devices.test_named_functions import LANE, LUSH
from tests.lovense.menus.test_lint import DEVICES, OFFERS, TIERS, linter, offer
from tests.properties import EXAMPLES

PLATFORM = {"enable_lovense": True, "require_tip_menu": False, "default_intensity": 5, "default_seconds": 5}
PERFORMER = {"stop_epoch": 0, "paused_at": None, "paused_until": None, "stopped_at": None}

OF_SHOWS = st.lists(st.sampled_from([[], [], ["private"], ["public", "group"]]), min_size=4, max_size=4)


def foresights(offers, devices, intensity=20):
    whose = linter(*devices, intensity=intensity)
    whose.rules.platform.update(PLATFORM)
    whose.performer.update(PERFORMER | ({} if devices else {"devices": None}))  # none is known yet
    menu = PublishedMenu(foresight.DRAFT, foresight.UNPUBLISHED, MenuIndex(content.numbered(offers)))
    rules = foresight._as_if(whose.rules, whose.performer, menu)
    return Foresights(rules, rules.performers[LANE], foresight.DRAFT, menu, NOW)


def decided(menu, amount, show):
    """What a tip of that amount gets."""
    request = foresight.tip_of(menu.performer, amount, show, NOW)
    return decide(request, menu.rules, is_online=True, now=NOW)


@settings(max_examples=EXAMPLES, deadline=None)
@given(OFFERS, DEVICES, st.sampled_from([8, 20]), st.integers(1, 80), st.sampled_from(SHOWS), OF_SHOWS)
def test_a_preview_is_what_a_tip_of_that_amount_gets(offers, devices, intensity, amount, show, shows):
    offers = [each | {"shows": theirs} for each, theirs in zip(offers, shows, strict=False)]
    menu = foresights(offers, devices, intensity)
    seen, row = menu.of(amount, show), decided(menu, amount, show)
    assert (menu.of(amount, show), decided(menu, amount, show)) == (seen, row)
    assert seen.reason == row["reason"]
    if seen.found.item is None:
        assert row["item"] is None
        return
    (part,) = (
        each
        for each in ruler.intervals(menu.menu.items, 10, show=show)
        if each.low <= amount and (each.high is None or amount <= each.high)
    )
    assert part.item is seen.found.item
    if row["item"] is None or row["reason"]:
        assert not seen.outlook.plays or any(not each["isConnected"] for each in devices)
        return
    assert row["item"]["itemId"] == seen.found.item["itemId"]
    assert row["promised_seconds"] == seen.outlook.promised_seconds
    for each in seen.outlook.devices:
        told = legs.told_to(row["commands"], each.toy_id or "any")
        assert told == (list(each.found.calls) if isinstance(each.found, Compiled) else [])


def test_a_limit_that_would_hold_a_tip_now_is_said_and_the_answer_stays():
    menu = foresights([offer("a", 10, None)], ())
    menu.performer["stopped_at"] = NOW
    seen = menu.of(20)
    assert (seen.reason, seen.outlook.promised_seconds) == ("stopped", 8)
    assert seen.gates[-1]["gate"] == "stop_epoch"
    assert menu.performer["_id"] == LANE


def test_while_no_device_is_known_a_preview_does_not_say_that_a_page_holds_them():
    def saw(*devices):
        gates = {each["gate"]: each["saw"] for each in foresights(TIERS, devices).of(50).gates}
        return gates["device_online"]

    assert saw() == "no device is known yet: as if one were there"
    assert "no device" not in saw(LUSH)
