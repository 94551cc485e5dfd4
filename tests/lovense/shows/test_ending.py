"""She ends her show: her devices are let go and kept free until she begins again."""

import pytest
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.models import PageLease, Show
from lovense.sending import handover, pages
from lovense.shows import ending, onair
from tests.factories import NOW
from tests.lovense.conftest import in_collection, seconds
from tests.lovense.controlling import actions
from tests.lovense.shows.stage import ANA, MINUTE, hold, keep, let_go, shows, take

pytestmark = pytest.mark.django_db
ERROR = 8000
END = NOW + 30 * MINUTE


def end(at=END):
    return ending.end(performer_id=ANA, by="ana", now=at)


def begin(at=END):
    return ending.begin(performer_id=ANA, by="ana", now=at)


@pytest.fixture
def on_air():
    take()
    keep(NOW)
    hold(until=END + seconds(pages.LEASE_SECONDS))


# --- ending ------------------------------------------------------------------------------------------------


def test_the_show_is_over_now_and_its_page_is_asked_to_let_go(on_air):
    ended = end()
    assert (ended.is_new, ended.show["ended_at"], ended.show["ended_by"]) == (True, END, "ana")
    assert shows() == [(0, 30, False)]
    assert onair.current(ANA, now=END) is None
    assert pages.renew("web-0", ["channel-page-1"], now=END) == set()
    assert handover.asked_to_go("web-0", ["channel-page-1"], now=END) == {"channel-page-1"}
    (entry,) = collection(AuditEntry).find()
    assert (entry["action"], entry["actor"], entry["after"]) == (
        "end_show",
        "ana",
        {"off_air_at": "2026-01-03T04:45:00.000Z"},
    )


def test_said_again_it_changes_nothing_and_answers_the_same_show(on_air):
    first, second = end(), end(END + MINUTE)
    assert (second.is_new, second.show["_id"]) == (False, first.show["_id"])
    assert (shows(), actions()) == ([(0, 30, False)], ["end_show"])


def test_pressed_eight_times_at_once_it_ends_once(on_air, in_threads):
    in_threads(end, times=8)
    assert (shows(), actions()) == ([(0, 30, False)], ["end_show"])


@pytest.mark.parametrize("model", [AuditEntry, PageLease])
def test_an_end_that_is_not_written_whole_is_none(on_air, fail_command, model):
    fail_command("insert" if model is AuditEntry else "update", errorCode=ERROR, **in_collection(model))
    with pytest.raises(PyMongoError):
        end()
    assert onair.current(ANA, now=END) is not None
    assert actions() == []


def test_a_process_that_dies_after_it_leaves_the_rest_to_a_round(on_air, fail_command):
    fail_command("update", errorCode=ERROR, **in_collection(Show))
    with pytest.raises(PyMongoError):
        end()
    assert shows() == [(0, None, True)]
    keep(END)
    assert shows() == [(0, 30, False)]
    assert collection(Show).find_one()["sums"]["tips"] == 0


def test_off_air_there_is_nothing_to_end():
    assert end() == ending.EndedShow(None, False)
    assert actions() == []


# --- afterwards --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again", [{"page": "page-1"}, {"page": "page-2"}, {"page": "page-1", "has_returned": False}]
)
def test_nobody_takes_them_by_himself(on_air, again):
    end()
    let_go(at=END)
    assert not take(at=END + MINUTE, **again)
    assert not take("server", at=END + MINUTE, is_server=True)
    assert pages.not_to_take([ANA], now=END + MINUTE) == {ANA}
    assert handover.standings([ANA], now=END + MINUTE)[ANA].is_held


def test_when_she_begins_again_another_show_begins_with_the_first_that_takes_them(on_air):
    end()
    let_go(at=END)
    assert [begin(END + MINUTE), begin(END + MINUTE)] == [True, False]
    assert pages.not_to_take([ANA], now=END + MINUTE) == set()
    assert take("page-2", at=END + 2 * MINUTE, has_returned=False)
    keep(END + 2 * MINUTE)
    assert shows() == [(0, 30, False), (32, None, True)]
    assert actions() == ["end_show", "begin_show"]


def test_begun_again_before_the_page_has_let_go_it_is_another_show_all_the_same(on_air):
    end()
    begin(END)
    assert take(at=END + seconds(1))
    keep(END + seconds(1))
    assert shows()[0] == (0, 30, False)
    assert len(shows()) == 2


def test_a_page_that_is_named_takes_them(on_air):
    end()
    let_go(at=END)
    handover.stand_by(ANA, page_id="page-2", channel="channel-page-2")
    handover.take(ANA, page_id="page-2", now=END + MINUTE)
    assert not take("page-1", at=END + MINUTE)
    assert take("page-2", at=END + MINUTE, has_returned=False)
    assert onair.current(ANA, now=END + MINUTE)["since"] == END + MINUTE


def test_where_nothing_was_ended_there_is_nothing_to_begin(on_air):
    assert begin() is False
    assert actions() == []
