"""`manage.py queue_status`: the queue in one look, on a terminal."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from ground import clock
from lovense.lane import controls
from tests.chain import Chain
from tests.factories import fund

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(ana, bob):
    chain = Chain(ana, now=clock.now())
    chain.publish_menu()
    chain.hold()
    fund(bob, 1000)
    return chain


@pytest.fixture
def look(capsys):
    def printed(*words):
        call_command("queue_status", *words)
        return capsys.readouterr().out

    return printed


def table(text):
    return {line[:14].strip(): line[14:] for line in text.splitlines()}


def test_the_deployment(look, chain, bob):
    for _ in range(3):
        chain.settled(bob, 100)
    chain.dispatch()
    controls.set_draining(is_on=True, by="dina", why="a deploy", now=chain.now)
    found = table(look())
    assert found["waiting"].startswith("2, oldest ")
    assert (found["running"], found["mode"], found["held"], found["health"]) == (
        "1",
        "fifo",
        "draining",
        "healthy",
    )
    assert found["dead letters"] == "0 without a review"
    assert found["last hour"] == "3 submitted, 0 completed, 0 failed, 0 dead, 0 cancelled"
    assert "mongodb up" in found["parts"]
    assert "worker DOWN" in found["parts"]


def test_one_lane(look, chain, bob):
    for _ in range(2):
        chain.settled(bob, 100)
    chain.dispatch()
    controls.pause(
        performer_id=chain.performer_id,
        by="ana",
        why="",
        until=clock.now() + timedelta(hours=1),
        now=chain.now,
    )
    found = table(look("--performer", chain.performer_id))
    assert (found["waiting"], found["mode"]) == ("1", "fifo, the platform’s")
    assert found["paused"].startswith("since ")
    assert found["running"].startswith("TipActivated  claimed")
    assert found["1"].startswith("TipActivated  pending")
    assert "bob" not in "".join(found.values())


def test_watching_is_one_line_refreshed(look, chain, bob):
    chain.settled(bob, 100)
    for words in (("--performer", chain.performer_id), ()):
        shown = look("--watch", "--rounds", "1", *words)
        assert shown.count("\n") == 1
        assert " 1/1" in shown.rstrip().split("\r")[-1]


def test_an_unknown_performer_is_refused(db):
    with pytest.raises(CommandError, match="no performer"):
        call_command("queue_status", "--performer", "0" * 24)
