"""What an answer means, by its table; and that what is unknown is told from what is known not to be done."""

import json
from pathlib import Path

import pytest

from lovense.bridges.outcomes import LASTING, PASSING, CallAnswer, CallOutcome, outcome_of

TABLE = json.loads((Path(__file__).parents[2] / "golden" / "outcomes.json").read_text())


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line["says"])
def test_an_answer_means_what_the_table_says(line):
    assert outcome_of(CallAnswer(line["status"], line["body"].encode())) == line["outcome"]


def test_bytes_that_are_no_text_are_unknown():
    assert outcome_of(CallAnswer(200, b"\xff\xfe{")) is CallOutcome.UNKNOWN


def test_the_unknown_neither_passes_nor_lasts():
    assert PASSING | LASTING | {CallOutcome.ACCEPTED, CallOutcome.UNKNOWN} == set(CallOutcome)
    assert not PASSING & LASTING
