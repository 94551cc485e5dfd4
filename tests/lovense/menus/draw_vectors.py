"""The vectors of random draws, for whoever checks one with a program of their own.

`python -m tests.lovense.menus.draw_vectors` writes `tests/golden/draws.json` anew: a case that is different
then is another draw, and every published version would be drawn otherwise."""

import hashlib
import json
from itertools import count
from pathlib import Path

from lovense.menus import draws
from lovense.menus.draws import Draw

GOLDEN = Path(__file__).parent.parent.parent / "golden" / "draws.json"
SECRETS = [bytes(range(32)), hashlib.sha256(b"another").digest(), b"\xff" * 32]
PATTERNS = [{"pattern": "wave", "weight": 3}, {"pattern": "my/Träume", "weight": 1}]
RANDOMS = [
    {"intensity": {"from": 5, "to": 15}},
    {"durationSec": {"from": 10, "to": 30}},
    {"intensity": {"from": 7, "to": 7}, "durationSec": {"from": 1, "to": 3600}},
    {"patterns": PATTERNS},
    {
        "intensity": {"from": 1, "to": 20},
        "durationSec": {"from": 2, "to": 9},
        "patterns": [{"pattern": name, "weight": 1} for name in ("level", "pulse", "wave", "fireworks")],
    },
]
TIPS = ["tip-1", "0f3b9f5e-2c56-4e5b-9d0a-3c1e8a5f7b21", "tïp 3"]
# As many weights as there may be, whose sum leaves the most numbers beyond the last whole span.
HEAVY = [{"pattern": f"my/{place}", "weight": 1000 - (place == 19)} for place in range(20)]


def cases():
    for secret in SECRETS:
        for random in RANDOMS:
            for tip in TIPS:
                yield case(secret, random, Draw("ana.3", tip, "item-1"))
    yield refused_once()


def case(secret, random, draw):
    return {
        "secret": secret.hex(),
        "commitment": draws.commitment(secret),
        "menu": draw.menu,
        "tip": draw.tip,
        "item": draw.item,
        "random": random,
        "drawn": draws.drawn({"random": random}, secret, draw),
    }


def refused_once():
    """A tip whose first number lies beyond the last whole span."""
    span = sum(each["weight"] for each in HEAVY)
    end = draws.NUMBERS - draws.NUMBERS % span
    for number in count():
        draw = Draw("ana.3", f"refused-{number}", "item-1")
        if next(draw.numbers(SECRETS[0], draws.PATTERN)) >= end:
            return case(SECRETS[0], {"patterns": HEAVY}, draw)
    raise AssertionError


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in cases())
    GOLDEN.write_text(f"[\n{lines}\n]\n")
