"""Daily heads: a chain that was rewritten from some row to its end contradicts what was noted when the day
ended."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from ground.mongodb.collections import collection
from tests.factories import NOW
from tests.tips.calls import bought, settle, succeeded, tip_id
from tips.log import archive, daily_heads, eventlog, events
from tips.models import ChainHead, DailyHead, TipActivated

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def log(db):
    """Two tips on January 3rd, none on the 4th, three on the 5th."""
    bought(10_000)
    for number, day in ((1, 0), (2, 0), (3, 2), (4, 2), (5, 2)):
        succeeded(number)
        settle(NOW + day * DAY)


def keep(days):
    return daily_heads.keep(now=NOW + days * DAY)


def kept():
    return {row["_id"]: row["sequence"] for row in collection(DailyHead).find()}


def verified(capsys, *arguments):
    call_command("verify_event_log", *arguments)
    return capsys.readouterr().out.splitlines()


def refused(*arguments):
    with pytest.raises(CommandError) as caught:
        call_command("verify_event_log", *arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


def rewrite(first):
    """Somebody who may write everything forges row `first` and builds the chain anew from there."""
    rows = list(collection(TipActivated).find({"sequence": {"$gte": first}}).sort("sequence", 1))
    previous = rows[0]["previous_hash"]
    for row in rows:
        row["payload"]["tipper"]["username"] = "mallory"
        row |= {"payload_hash": events.digest(row["payload"]), "previous_hash": previous}
        previous = events.row_digest(row)
        collection(TipActivated).replace_one({"_id": row["_id"]}, row)
    collection(ChainHead).update_one({}, {"$set": {"digest": previous}})


def test_each_day_that_has_ended_gets_the_end_of_the_chain(log):
    assert keep(3) == 3
    assert kept() == {"2026-01-03": 2, "2026-01-04": 2, "2026-01-05": 5}
    row = collection(DailyHead).find_one({"_id": "2026-01-05"})
    assert row["digest"] == collection(ChainHead).find_one()["digest"]
    assert collection(DailyHead).find_one({"_id": "2026-01-03"})["digest"] == eventlog.row(3)["previous_hash"]


def test_a_day_that_has_not_ended_or_only_just_has_none(log):
    assert keep(2) == 2
    assert daily_heads.keep(now=NOW.replace(day=6, hour=0, minute=4)) == 0
    assert daily_heads.keep(now=NOW.replace(day=6, hour=0, minute=5)) == 1


def test_without_events_there_is_nothing_to_keep(db):
    assert keep(9) == 0


def test_keeping_again_changes_nothing(log):
    keep(3)
    before = list(collection(DailyHead).find())
    assert keep(3) == 0
    assert list(collection(DailyHead).find()) == before


def test_many_that_keep_at_once_write_each_day_once(log, in_threads):
    assert sum(in_threads(lambda: keep(3), times=8)) == 3
    assert len(kept()) == 3


def test_archived_days_are_found(log):
    archive.run(before=NOW + DAY, time=lambda: NOW)
    assert keep(3) == 3
    assert kept()["2026-01-03"] == 2


def test_an_intact_log_agrees_and_its_head_is_printed(log, capsys):
    keep(3)
    head = f"5:{collection(ChainHead).find_one()['digest']}"
    assert verified(capsys) == ["5 rows verified, 3 daily heads agree", f"head {head}"]
    assert verified(capsys, "--noted", head)


def test_a_rewritten_end_is_discovered(log, capsys):
    assert verified(capsys)
    keep(3)
    rewrite(4)
    assert eventlog.verify() == 5  # in itself it holds
    assert (
        refused()
        == "The event log is broken at row 5: it, or one before it, is not what it was when its digest was "
        "kept."
    )


def test_an_end_that_was_cut_off_is_discovered(log):
    keep(3)
    digest = collection(TipActivated).find_one({"_id": tip_id(4)})["previous_hash"]
    collection(TipActivated).delete_many({"sequence": {"$gt": 3}})
    collection(ChainHead).update_one({}, {"$set": {"sequence": 3, "digest": digest}})
    assert eventlog.verify() == 3
    assert (
        refused()
        == "The event log is broken at row 4: is missing, and so is all up to row 5, which once was there."
    )


def test_a_head_noted_elsewhere_discovers_what_was_rewritten_with_the_daily_heads(log, capsys):
    keep(3)
    noted = verified(capsys)[1].removeprefix("head ")
    rewrite(4)
    collection(DailyHead).delete_many({})
    keep(3)
    assert verified(capsys)[0] == "5 rows verified, 3 daily heads agree"
    assert refused("--noted", noted) == (
        "The heads that were kept contradict each other: row 5 has been noted with two digests."
    )


def test_a_head_that_is_none_is_refused(log):
    with pytest.raises(CommandError, match="NUMBER:DIGEST"):
        call_command("verify_event_log", "--noted", "5")
