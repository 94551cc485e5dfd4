"""The last hop in the page's language: the vectors of `tests/lovense/test_fence.py`, and both languages side
by side on commands drawn at random. It needs a browser and no stack.

`FENCE_CASES=100000 pytest tests/browser/test_fence.py` draws a hundred thousand."""

import json
import os
import random
import re
from pathlib import Path

import pytest

from lovense.devices.summary import GUARDED
from tests.lovense.fence_vectors import outcome
from tests.lovense.fencing import drawn, wrong
from tests.lovense.test_fence import VECTORS

BASE = Path(__file__).parent.parent.parent
ORIGIN = "http://fence.test"
CASES = int(os.environ.get("FENCE_CASES", "2000"))
AT_ONCE = 5000
# The twin of `outcome`.
CHECK = """async (cases) => {
  const { boundsOf, checked, Fenced } = await import("/static/js/fence.js");
  const outcome = ({ command, bounds, epoch }) => {
    try {
      return checked(command, boundsOf(bounds), epoch);
    } catch (error) {
      if (error instanceof Fenced) return error.code;
      throw error;
    }
  };
  return JSON.stringify(JSON.parse(cases).map(outcome));
}"""


@pytest.fixture(scope="module")
def check(chrome):
    """`check(cases)`: what the page's fence makes of them. Numbers arrive as JSON has them."""
    page = chrome.new_page()

    def serve(route):
        name = route.request.url.removeprefix(ORIGIN).strip("/")
        if not name:
            return route.fulfill(body="<!doctype html><title>fence</title>", content_type="text/html")
        return route.fulfill(path=BASE / name, content_type="text/javascript")

    page.route(f"{ORIGIN}/**", serve)
    page.goto(ORIGIN)
    yield lambda cases: json.loads(page.evaluate(CHECK, json.dumps(cases)))
    page.close()


def test_every_vector(check):
    found = zip(VECTORS, check(VECTORS), strict=True)
    assert [(vector, one) for vector, one in found if one != vector["result"]] == []


def test_both_languages_agree_at_random_and_nothing_breaks_a_limit(check):
    chance, passed, different = random.Random(7), 0, []
    for begin in range(0, CASES, AT_ONCE):
        cases = [drawn(chance) for _ in range(min(AT_ONCE, CASES - begin))]
        for case, found in zip(cases, check(cases), strict=True):
            is_refused = isinstance(found, str)
            passed += not is_refused
            if found != outcome(case) or not (is_refused or not wrong(case, found)):
                different.append((case, found, outcome(case)))
    assert different == []
    assert passed > CASES / 5  # not only refusals


def test_what_moves_hardware_is_the_same_in_both_languages():
    told = (BASE / "static" / "js" / "toytable.js").read_text(encoding="utf-8")
    (line,) = [line for line in told.splitlines() if line.startswith("export const GUARDED")]
    assert set(re.findall(r'"(\w+)"', line)) == GUARDED
