"""The lint: for each code a menu that has it, the smallest amount that shows it, and a fix that makes it go
and brings no other."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lovense.deciding.linting import Linter
from lovense.deciding.rules import Rules
from lovense.menus import content, fixes, lint, ruler, starter, wishes
from lovense.menus.drafts import Draft
from lovense.menus.matching import match
from tests.lovense.devices.test_named_functions import LANE, LUSH, MAX, NORA, device
from tests.lovense.menus.offers import said
from tests.properties import EXAMPLES

SOLACE = device("solace", {}, main="Thrusting")


def linter(*devices, seconds=30, intensity=20, minimum=10):
    performer = {"_id": LANE, "maximum_seconds": None, "maximum_intensity": intensity, "devices": [*devices]}
    performer |= {"minimum_tip": None, "bridge": "SIMULATOR", "menu_version": 0}
    rules = Rules({"maximum_seconds": seconds, "minimum_tip": minimum}, {LANE: performer})
    return Linter(rules, performer, texts={})


def draft(items):
    return Draft(0, list(items))


def offer(title, low, high, **more):
    plain = {"pattern": "level", "minimum": low, "maximum": high}
    return wishes.new(said(title, **plain | more)) | {"itemId": title}


def found(whose, *offers):
    return {(each.code, *each.items): each for each in whose.findings(draft(offers))}


def fixed(whose, offers, code):
    """The menu after the fix of the finding of this code."""
    (one,) = (each for each in whose.fixed(draft(offers)) if each.finding.code == code)
    assert one.fix is not None
    after = fixes.applied(offers, one.fix)
    keys = {each.key for each in whose.findings(draft(offers))}
    assert {each.key for each in whose.findings(draft(after))} <= keys - {one.finding.key}
    return after


TIERS = (offer("a", 10, 24, durationSec=5), offer("b", 25, 49, durationSec=8), offer("c", 50, None))


def test_a_clean_menu_has_no_finding():
    assert linter(LUSH, NORA).findings(draft(TIERS)) == []
    shipped = [wishes.new(each) for each in starter.STARTER]
    assert [each.code for each in linter(LUSH).findings(draft(shipped))] == []


def test_a_gap_is_closed_by_the_item_below():
    offers = offer("a", 10, 20, durationSec=5), offer("c", 50, None)
    one = found(linter(LUSH), *offers)["gap",]
    assert (one.amount, one.until, one.severity) == (21, 49, "warning")
    assert fixed(linter(LUSH), offers, "gap")[0]["maximum"] == 49


def test_a_gap_before_the_first_item_is_closed_by_it():
    offers = (offer("a", 20, None),)
    assert found(linter(LUSH), *offers)["gap",].amount == 10
    assert fixed(linter(LUSH), offers, "gap")[0]["minimum"] == 10


def test_two_ranges_without_an_end_overlap_and_the_lower_one_gets_one():
    offers = offer("a", 10, None, durationSec=5), offer("c", 50, None)
    one = found(linter(LUSH), *offers)["overlap", "c", "a"]
    assert one.amount == 50
    assert fixed(linter(LUSH), offers, "overlap")[0]["maximum"] == 49


def test_an_item_that_nothing_reaches_rests():
    offers = *TIERS, offer("low", 1, 5), offer("under", 11, 24)
    codes = found(linter(LUSH), *offers, offer("over", 11, 24))
    assert codes["unreachable", "low"].amount == 1
    assert codes["unreachable", "over"].amount == 11
    assert "before it" in codes["unreachable", "over"].text
    assert not fixed(linter(LUSH), offers, "unreachable")[3]["active"]


def test_more_tokens_for_less_is_an_inversion_and_gets_as_much():
    offers = offer("a", 10, 24, durationSec=20), offer("b", 25, None, durationSec=10)
    one = found(linter(LUSH), *offers)["price_inversion", "b", "a"]
    assert (one.amount, one.severity) == (25, "warning")
    assert fixed(linter(LUSH), offers, "price_inversion")[1]["durationSec"] == 20


def test_what_no_device_can_play_is_an_error_and_what_some_cannot_a_warning():
    offers = (offer("a", 10, None, functions={"Rotate": 100}),)
    assert found(linter(LUSH, NORA), *offers)["device_cannot", "a"].severity == "warning"
    assert fixed(linter(LUSH, NORA), offers, "device_cannot")[0]["devices"] == [
        {"device": "nora", "offsetMs": 0}
    ]
    one = found(linter(LUSH, MAX), *offers)["device_cannot", "a"]
    assert (one.severity, one.amount) == ("error", 10)
    assert "Rotate is off" in one.text
    assert fixed(linter(LUSH, MAX), offers, "device_cannot")[0]["functions"] == {}


def test_a_machine_that_is_not_enabled_can_do_nothing_and_one_that_is_switched_off_is_not_asked():
    assert found(linter(SOLACE), *TIERS)["device_cannot", "a"].severity == "error"
    off = LUSH | {"isEnabled": False}
    assert found(linter(off, NORA), *TIERS) == {}
    away = LUSH | {"isConnected": False}
    assert found(linter(away), *TIERS) == {}


def test_what_a_limit_cuts_asks_for_what_it_gets():
    offers = (offer("a", 10, None, durationSec=60, intensity=15),)
    one = found(linter(LUSH, intensity=12), *offers)["over_cap", "a"]
    assert "60 s are asked, 30 s are played" in one.text
    after = fixed(linter(LUSH, intensity=12), offers, "over_cap")
    assert (after[0]["durationSec"], after[0]["intensity"]) == (30, 12)


def test_loops_beyond_a_limit_are_fewer():
    offers = (offer("a", 10, None, durationSec=8, loops=5, pauseSec=2),)
    after = fixed(linter(LUSH), offers, "over_cap")
    assert (after[0]["durationSec"], after[0]["loops"]) == (8, 3)


def test_what_is_altered_says_what_will_play():
    offers = (offer("a", 10, None, durationSec=1),)
    one = found(linter(LUSH), *offers)["altered", "a"]
    assert (one.severity, "runs 2 s" in one.text) == ("note", True)
    assert fixed(linter(LUSH), offers, "altered")[0]["durationSec"] == 2


def test_two_exact_items_with_one_amount_are_an_error():
    offers = *TIERS, offer("x", 30, 30), offer("y", 30, 30)
    one = found(linter(LUSH), *offers)["same_price", "y", "x"]
    assert (one.severity, one.amount) == ("error", 30)
    assert ("unreachable", "y") not in found(linter(LUSH), *offers)
    assert [item["active"] for item in fixed(linter(LUSH), offers, "same_price")][3:] == [True, False]


def test_an_amount_at_which_everything_may_be_cooling_down_is_stuck():
    limited = TIERS[0], TIERS[1] | {"cooldownSec": 60}, TIERS[2]
    one = found(linter(LUSH), *limited)["stuck", "b"]
    assert (one.amount, one.until) == (25, 49)
    assert found(linter(LUSH), TIERS[0] | {"stock": 3}, offer("all", 1, None, durationSec=60)).keys() == {
        ("over_cap", "all"),
    }


def test_items_of_different_shows_do_not_meet():
    public, private = {"shows": ["public"]}, {"shows": ["private", "group"]}
    whole = offer("b", 10, None) | public, offer("c", 10, None) | private
    assert linter(LUSH).findings(draft(whole)) == []
    alike = offer("x", 30, 30) | private, offer("y", 30, 30) | private
    one = found(linter(LUSH), *whole, *alike)["same_price", "y", "x"]
    assert (one.show, "private show" in one.text) == ("private", True)


def test_the_worst_comes_first():
    offers = offer("a", 10, 24, durationSec=1), offer("b", 50, None, functions={"Rotate": 10})
    assert [each.severity for each in linter(LUSH).findings(draft(offers))] == ["error", "warning", "note"]


# --- always ------------------------------------------------------------------------------------------------

DEVICES = st.sampled_from([(), (LUSH,), (LUSH, NORA), (MAX, NORA), (SOLACE, LUSH)])


def drawn(number, low, width, **more):
    high = None if width > 30 else low + width
    return offer(
        f"i{number}", low, high, **{name: value for name, value in more.items() if value is not None}
    )


OFFERS = st.lists(
    st.fixed_dictionaries(
        {
            "low": st.integers(5, 40),
            "width": st.integers(0, 33),
            "active": st.sampled_from([True, True, True, False]),
            "durationSec": st.sampled_from([1, 5, 8, 20, 40]),
            "intensity": st.sampled_from([5, 10, 20]),
            "pattern": st.sampled_from(["level", "level", "wave", "heartbeat"]),
            "functions": st.sampled_from([None, None, {"Rotate": 50}, {"Vibrate": 100, "Pump": 50}]),
        }
    ),
    max_size=4,
).map(lambda many: [drawn(number, **each) for number, each in enumerate(many)])


@settings(max_examples=EXAMPLES, deadline=None)
@given(OFFERS, DEVICES, st.sampled_from([8, 20]))
def test_each_finding_shows_at_its_amount_and_its_fix_makes_it_go_and_adds_none(offers, devices, intensity):
    whose = linter(*devices, intensity=intensity)
    known = {each.key for each in whose.findings(draft(offers))}
    for one, fix in whose.fixed(draft(offers)):
        if one.code in ("gap", "overlap", "price_inversion", "device_cannot", "over_cap", "altered"):
            item = match(content.numbered(offers), one.amount)
            assert (item is None) == (one.code == "gap")
            assert one.code in ("gap", "overlap") or item["itemId"] == one.items[0]
        if fix is not None:
            after = {each.key for each in whose.findings(draft(fixes.applied(offers, fix)))}
            assert one.key not in after
            assert after <= known


@settings(max_examples=max(200, EXAMPLES // 5), deadline=None)
@given(OFFERS)
def test_the_amount_of_a_finding_is_the_smallest_that_shows_it(offers):
    numbered = content.numbered(offers)
    for one in linter(LUSH).findings(draft(offers)):
        if one.code in ("device_cannot", "over_cap", "altered"):
            smallest = next(
                n for n in range(10, 80) if (match(numbered, n) or {}).get("itemId") == one.items[0]
            )
            assert one.amount == smallest


def test_a_menu_of_five_hundred_takes_at_most_fifteen_times_the_steps_of_one_of_fifty(monkeypatch):
    steps = []
    pop, push = ruler.heappop, ruler.heappush
    monkeypatch.setattr(ruler, "heappop", lambda heap: steps.append(1) or pop(heap))
    monkeypatch.setattr(ruler, "heappush", lambda heap, one: steps.append(1) or push(heap, one))

    def counted(count):
        del steps[:]
        looked = []
        nested = [offer(f"n{n}", 10 + n, 5000 - n) for n in range(count)]
        menu = linter(LUSH).menu(draft(nested))
        counting = lint.Linted(menu.items, lambda item: looked.append(1) or menu.look(item), 10)
        assert counting.findings == []
        return len(steps) + len(looked)

    assert counted(500) <= 15 * counted(50)
