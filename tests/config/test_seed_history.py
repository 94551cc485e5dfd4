"""`manage.py seed_history`: as many activations as asked for, provable, and again where it was broken off."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from adminpanel.watch import provers
from config.seeds import history
from config.seeds.history import HistorySize
from ground.mongodb.collections import collection
from ledger.books import reconcile
from lovense.models import Activation, PerformerHour, Show
from tests.factories import NOW
from tips.log import eventlog
from tips.models import QueueRequest

SIZE = HistorySize(performers=1, activations=240, days=6)


class BrokenOff(Exception):
    pass


class Progress:
    """Counts, and breaks off after so many."""

    def __init__(self, most=10**9):
        self.tips, self.most = 0, most

    def __call__(self, tips):
        self.tips += tips
        if self.tips >= self.most:
            raise BrokenOff


def make(progress):
    return history.make(SIZE, seed=7, now=NOW, progress=progress)


def test_it_goes_on_where_it_was_broken_off_and_is_proven(db):
    with pytest.raises(BrokenOff):
        make(Progress(most=100))
    progress = Progress()
    assert make(progress) == ["history-1"]
    assert progress.tips == SIZE.activations
    assert collection(Activation).count_documents({}) == SIZE.activations
    assert collection(Show).count_documents({"is_open": False, "sums": {"$ne": None}}) == SIZE.days
    live = {"status": {"$in": ["pending", "claimed"]}}
    assert collection(QueueRequest).count_documents(live) == 0
    cells = [cell for row in collection(PerformerHour).find() for cell in row["cells"]]
    assert sum(cell["tips"] for cell in cells) == SIZE.activations
    assert [str(finding) for finding in reconcile.findings()] == []
    assert eventlog.verify() == SIZE.activations
    assert "their seconds add up" in provers.seconds()


@pytest.mark.parametrize(
    "arguments", [("--performers=0",), ("--days=1", "--activations=401"), ("--activations=-1",)]
)
def test_more_than_an_evening_holds_and_less_than_one_is_refused(arguments):
    with pytest.raises(CommandError) as found:
        call_command("seed_history", *arguments)
    assert found.value.returncode == 2
