"""The table of gates in docs/states.md is what the code asks, of whom, and what a no means."""

import re

import pytest
from django.conf import settings

from ground.json.fields import Fields
from lovense.deciding import platform
from lovense.deciding.gates import ANSWERED, DELAYS, EXPIRES, GATES, decide
from lovense.deciding.rules import Rules
from lovense.lane import submissions
from lovense.models import Performer
from tests.factories import NOW
from tests.lovense.conftest import request_of
from tests.states import rows_below

pytestmark = pytest.mark.django_db

ITEM = {"pattern": "pulse", "intensity": 8, "durationSec": 5}
TABLE = [
    (gate.strip("`"), whom, reason.strip("`"), end, binding)
    for gate, whom, reason, end, binding in rows_below("Gates")
]


def documented(*of_whom):
    return [gate for gate, whom, *_ in TABLE if whom in of_whom]


def asked(request, before=None):
    request = request | {"attempts": 1, "claimed_by": "worker-0/x"}
    row = decide(request, Rules.read([request["lane"]]), is_online=True, now=NOW, before=before)
    assert row["status"] == "dispatched"
    return row, [gate["gate"] for gate in row["gates"]]


def submitted(chain, **body):
    wanted = submissions.parse(Fields({"type": "lovense.test"} | body, ""))
    made = submissions.submit(wanted, lane=chain.performer_id, account="1", name="ana", key="a key", now=NOW)
    return made.row


def test_the_documented_gates_are_the_codes_with_their_reasons_and_what_these_mean():
    def outcome(reason):
        return "waits" if reason in DELAYS else "expired" if reason in EXPIRES else "skipped"

    told = [(gate, reason, end) for gate, _, reason, end, _ in TABLE if gate != "submitted"]
    assert told == [(gate, reason, reason and outcome(reason)) for gate, reason in GATES.items()]


def test_every_gate_that_may_say_no_names_what_binds_it():
    known = {*platform.SETTINGS, *(field.name for field in Performer._meta.fields)}
    for gate, _, reason, _, binding in TABLE:
        assert bool(binding) == bool(reason), gate
        for name in re.findall(r"`(\w+)`", binding):
            assert name in known or hasattr(settings, name), name


def test_a_tip_is_asked_what_the_table_says(chain, bob):
    _, gates = asked(request_of(chain.settled(bob, 100)))
    assert gates == documented("every request", "a tip", "an amount")


def test_a_later_attempt_has_its_item(chain, bob):
    request = request_of(chain.settled(bob, 100))
    first, gates = asked(request)
    first["gates"] = [gate | {"saw": "then"} for gate in first["gates"]]
    later, again = asked(request, before=first)
    assert again == gates
    assert {gate["gate"] for gate in later["gates"] if gate["saw"] == "then"} == ANSWERED


def test_a_submission_is_asked_what_the_table_says(chain):
    assert asked(submitted(chain, item=ITEM))[1] == documented("every request", "a submission")


def test_a_submitted_amount_is_asked_of_the_menu(chain):
    gates = asked(submitted(chain, amount=100))[1]
    assert gates == documented("every request", "a submission", "an amount")
