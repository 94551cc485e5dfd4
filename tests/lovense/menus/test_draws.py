"""Draws: each value of its bounds as often, the same for ever, and checked by anybody."""

import hashlib
import hmac
import json
import random
from collections import Counter

import pytest

from lovense.menus import chance, draws
from lovense.menus.draws import Draw, SecretMissing
from tests.lovense.menus import draw_vectors

TIMES = 100_000
SECRET = bytes(range(32))
HERS = Draw("ana.3", "tip-1", "item-1")


def offer(**drawn):
    return {"itemId": "item-1", "pattern": "level", "intensity": 15, "durationSec": 30, "random": drawn}


def between(low, high):
    return {"from": low, "to": high}


# --- as it is documented -----------------------------------------------------------------------------------


def by_hand(secret, menu, tip, item, field, span):
    """As `docs/menus.md` says it, with nothing of ours."""
    for attempt in range(100):
        message = f"{menu}\n{tip}\n{item}\n{field}\n{attempt}\n".encode()
        number = int(hmac.new(secret, message, hashlib.sha256).hexdigest()[:8], 16)
        if number < 2**32 - 2**32 % span:
            return number % span
    raise AssertionError


def expected(case):
    told, found = case["random"], {}
    whose = bytes.fromhex(case["secret"]), case["menu"], case["tip"], case["item"]
    for field in ("intensity", "durationSec"):
        if field in told:
            low, high = told[field]["from"], told[field]["to"]
            found[field] = low + by_hand(*whose, field, high - low + 1)
    if "patterns" in told:
        names = [each["pattern"] for each in told["patterns"] for _ in range(each["weight"])]
        found["pattern"] = names[by_hand(*whose, "pattern", len(names))]
    return found


GOLDEN = json.loads(draw_vectors.GOLDEN.read_text())


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['tip']} of {case['secret'][:4]}")
def test_every_vector_is_drawn_as_it_is_documented(case):
    secret = bytes.fromhex(case["secret"])
    draw = Draw(case["menu"], case["tip"], case["item"])
    assert draws.drawn({"random": case["random"]}, secret, draw) == case["drawn"] == expected(case)
    assert draws.commitment(secret) == hashlib.sha256(secret).hexdigest() == case["commitment"]


def test_a_number_beyond_the_last_whole_span_is_refused_and_the_next_one_counts():
    case = GOLDEN[-1]
    draw = Draw(case["menu"], case["tip"], case["item"])
    first = next(draw.numbers(bytes.fromhex(case["secret"]), draws.PATTERN))
    assert first >= 2**32 - 2**32 % 19_999
    assert draws.below(10, iter([2**32 - 1, 2**32 - 6, 2**32 - 7])) == 9


def test_what_a_draw_is_of_is_five_lines_and_nothing_else():
    assert HERS.message("intensity", 2) == b"ana.3\ntip-1\nitem-1\nintensity\n2\n"
    with pytest.raises(ValueError, match="line break"):
        Draw("ana.3", "tip\n1", "item-1").message("intensity")


# --- uniform -----------------------------------------------------------------------------------------------


def strange(counts, shares):
    """χ² against what is expected, in standard deviations of a normal variable (Wilson and Hilferty)."""
    told = sum((counts[key] - TIMES * share) ** 2 / (TIMES * share) for key, share in shares.items())
    free = len(shares) - 1
    return ((told / free) ** (1 / 3) - 1 + 2 / (9 * free)) / (2 / (9 * free)) ** 0.5


def drawn_often(item):
    seeded = random.Random(4711)
    tips = (f"{seeded.getrandbits(128):032x}" for _ in range(TIMES))
    return [draws.drawn(item, SECRET, HERS._replace(tip=tip)) for tip in tips]


def test_each_strength_and_each_second_comes_as_often_and_they_do_not_follow_each_other():
    found = drawn_often(offer(intensity=between(5, 15), durationSec=between(10, 33)))
    strengths, seconds = (range(5, 16), range(10, 34))
    assert strange(Counter(each["intensity"] for each in found), dict.fromkeys(strengths, 1 / 11)) < 3.1
    assert strange(Counter(each["durationSec"] for each in found), dict.fromkeys(seconds, 1 / 24)) < 3.1
    pairs = {(one, other): 1 / (11 * 24) for one in strengths for other in seconds}
    assert strange(Counter((each["intensity"], each["durationSec"]) for each in found), pairs) < 3.1


def test_each_pattern_comes_as_often_as_its_weight_says():
    weights = {"level": 1, "wave": 3, "pulse": 7}
    said = [{"pattern": name, "weight": weight} for name, weight in weights.items()]
    counts = Counter(each["pattern"] for each in drawn_often(offer(patterns=said)))
    assert strange(counts, {name: weight / 11 for name, weight in weights.items()}) < 3.1


# --- of an item --------------------------------------------------------------------------------------------


def test_it_is_the_same_again_and_another_for_each_tip_item_version_and_secret():
    item = offer(durationSec=between(1, 3600), intensity=between(1, 20))
    one = draws.drawn(item, SECRET, HERS)
    assert draws.drawn(item, SECRET, HERS) == one
    others = (HERS._replace(tip="tip-2"), HERS._replace(item="item-2"), HERS._replace(menu="ana.4"))
    assert all(draws.drawn(item, SECRET, other) != one for other in others)
    assert draws.drawn(item, SECRET[::-1], HERS) != one


def test_a_snapshot_has_what_was_drawn_its_bounds_its_version_and_the_text_of_its_pattern_alone():
    said = [{"pattern": "my/a", "weight": 1}, {"pattern": "my/b", "weight": 1}]
    texts = {"my/a": "10 2s", "my/b": "20 1s"}
    item = offer(intensity=between(5, 15), patterns=said) | {"pattern": "my/a", "patternTexts": texts}
    kept = draws.snapshot(item, SECRET, HERS)
    values = draws.drawn(item, SECRET, HERS)
    assert kept == offer(**item["random"]) | values | {
        "patternText": texts[values["pattern"]],
        "drawnBy": "ana.3",
    }


def test_without_the_secret_of_its_version_nothing_is_drawn():
    with pytest.raises(SecretMissing, match=r"ana\.3"):
        draws.snapshot(offer(intensity=between(1, 2)), None, HERS)


def test_secrets_are_of_256_bits_and_no_two_are_alike():
    made = {draws.fresh_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {32}


# --- what is left to chance --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        "5-15",
        {"strength": between(1, 2)},
        {"intensity": between(0, 5)},
        {"intensity": between(1, 21)},
        {"intensity": between(6, 5)},
        {"intensity": {"from": 1}},
        {"intensity": {"from": True, "to": 2}},
        {"intensity": {"from": 1, "to": 2, "step": 1}},
        {"durationSec": between(1, 3601)},
        {"durationSec": between(1.5, 2)},
        {"patterns": []},
        {"patterns": [{"pattern": "wave", "weight": 0}]},
        {"patterns": [{"pattern": "wave", "weight": 1001}]},
        {"patterns": [{"pattern": "wave", "weight": 1}] * 2},
        {"patterns": [{"pattern": 1, "weight": 1}]},
        {"patterns": [{"pattern": "wave"}]},
        {"patterns": [{"pattern": f"my/{n}", "weight": 1} for n in range(21)]},
    ],
)
def test_what_may_be_left_to_chance_has_bounds(wrong):
    assert chance.rule(wrong)


def test_of_what_is_drawn_the_items_own_field_holds_the_most_and_the_first_pattern():
    said = [{"pattern": "wave", "weight": 1}, {"pattern": "pulse", "weight": 1}]
    bare = offer(intensity=between(1, 9), patterns=said) | {"intensity": None, "pattern": None}
    assert chance.completed(bare) | {"random": None} == {
        **offer(),
        "random": None,
        "intensity": 9,
        "pattern": "wave",
    }
