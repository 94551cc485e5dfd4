"""A page takes her devices from another one: the old one stops its toys, then lets go; one that does not
answer has lost them when its lease is over, never before; and whatever happens, one page holds them."""

from collections import Counter

import pytest
from django.conf import settings

from ground import clock
from ground.mongodb.collections import collection
from lovense.bridges import choosing
from lovense.models import PageLease
from lovense.sending import handover, pages
from lovense.sending.handover import NoSuchPage, ToldByServer
from tests.factories import NOW, token_of
from tests.lovense.callers import Caller
from tests.lovense.conftest import seconds

pytestmark = pytest.mark.django_db

LEASE, WISHED_FOR = seconds(pages.LEASE_SECONDS), pages.WISHED_FOR
SLOT = settings.STACK_SLOT


def channel(page):
    return f"channel-{page}"


def hold(performer, page, *, now=NOW, **more):
    about = {"page_id": page, "channel": channel(page), "slot": SLOT, "now": now}
    return bool(pages.take(performer.pk, **about, **more))


def stands(performer, *names):
    return [handover.stand_by(performer.pk, page_id=name, channel=channel(name)) for name in names]


def take(performer, page, *, now=NOW):
    return handover.take(performer.pk, page_id=page, now=now)


def renewed(*names, now):
    return pages.renew(SLOT, [channel(name) for name in names], now=now)


def release(performer, page, *, now=NOW, is_still=True):
    pages.release(performer.pk, channel=channel(page), now=now, is_still=is_still)


def holder(performer, now=NOW):
    found = pages.holders(now=now).get(performer.pk)
    return found.channel.removeprefix("channel-") if found else None


@pytest.fixture
def two(ana):
    """The page `old` holds ana's devices, and `new` stands by."""
    hold(ana, "old")
    stands(ana, "new")
    return ana


# --- the rule ----------------------------------------------------------------------------------------------


def test_the_page_that_lets_go_is_followed_at_once_by_the_one_that_wants(two):
    assert take(two, "new") is False
    assert not hold(two, "new", has_returned=False)
    release(two, "old")
    assert hold(two, "new", has_returned=False)
    assert holder(two) == "new"


def test_a_wanted_lease_is_not_renewed_and_is_over_after_its_five_seconds_and_not_before(two):
    renewed("old", now=NOW)
    take(two, "new", now=NOW + seconds(1))
    assert renewed("old", now=NOW + seconds(2)) == set()
    assert handover.asked_to_go(SLOT, [channel("old")], now=NOW + seconds(2)) == {channel("old")}
    almost = NOW + LEASE - seconds(0.01)
    assert not hold(two, "new", now=almost, has_returned=False)
    assert holder(two, almost) == "old"
    assert hold(two, "new", now=NOW + LEASE, has_returned=False)


def test_again_it_changes_nothing_and_buys_no_time(two):
    take(two, "new")
    before = collection(PageLease).find_one()
    assert take(two, "new", now=NOW + seconds(3)) is False
    assert collection(PageLease).find_one() == before


def test_the_page_that_holds_them_is_told_so_and_goes_on(two):
    assert take(two, "old") is True
    assert renewed("old", now=NOW) == {channel("old")}


def test_whoever_takes_them_ends_the_wish(two):
    take(two, "new")
    release(two, "old")
    hold(two, "new")
    assert renewed("new", now=NOW + seconds(1)) == {channel("new")}
    assert handover.standings([two.pk], now=NOW)[two.pk] == (True, "")


def test_a_page_that_returns_does_not_take_back_what_another_one_wants(two):
    take(two, "new")
    assert not hold(two, "old", now=NOW + LEASE, has_returned=True)
    assert hold(two, "new", now=NOW + LEASE, has_returned=False)


def test_a_page_that_goes_without_a_word_is_waited_for_until_its_toys_are_still(two):
    take(two, "new")
    release(two, "old", now=NOW + seconds(1), is_still=False)
    late = NOW + seconds(1) + pages.SILENT_AFTER
    assert not hold(two, "new", now=late - seconds(0.01), has_returned=False)
    assert hold(two, "new", now=late, has_returned=False)


def test_a_killed_process_frees_what_nobody_wants_at_once_and_the_rest_when_its_toys_are_still(two, carol):
    hold(carol, "hers")
    take(two, "new")
    pages.release_slot(SLOT, now=NOW + seconds(2))
    late = NOW + seconds(2) + pages.SILENT_AFTER
    assert set(pages.holders(now=NOW + seconds(2))) == {two.pk}
    assert holder(two, late) is None


def test_a_page_that_never_comes_for_them_keeps_them_from_nobody_for_long(two):
    take(two, "new")
    release(two, "old")
    assert not hold(two, "third", now=NOW + WISHED_FOR - seconds(0.01))
    assert hold(two, "third", now=NOW + WISHED_FOR)


def test_the_server_takes_them_where_she_has_chosen_it_whoever_wants_them(two):
    take(two, "new")
    release(two, "old")
    assert hold(two, "server/web-0", has_returned=False, is_server=True)


# --- two that want them ------------------------------------------------------------------------------------


def test_of_two_that_want_them_the_last_one_gets_them(two):
    stands(two, "third")
    take(two, "new")
    take(two, "third", now=NOW + seconds(1))
    release(two, "old")
    assert [hold(two, name, has_returned=False) for name in ("new", "third")] == [False, True]


def test_twenty_pages_that_take_at_once_and_exactly_one_holds(two, in_threads):
    names = [f"page-{number}" for number in range(20)]
    stands(two, *names)
    asking = iter(names)
    in_threads(lambda: take(two, next(asking)), times=20)
    release(two, "old")
    trying = iter(names)
    held = in_threads(lambda: hold(two, next(trying), has_returned=False), times=20)
    assert Counter(held) == {True: 1, False: 19}


def test_a_page_that_has_got_them_since_it_looked_wants_nothing_of_itself(two):
    before = collection(PageLease).find_one()
    handover._wish(two.pk, "old", NOW)
    assert collection(PageLease).find_one() == before


# --- who may -----------------------------------------------------------------------------------------------


def test_a_page_that_is_not_open_is_refused_and_nothing_changes(two):
    handover.stand_down(two.pk, channel=channel("new"))
    before = collection(PageLease).find_one()
    for name in ("new", "never", ""):
        with pytest.raises(NoSuchPage) as refused:
            take(two, name)
        assert refused.value.details["field"] == "pageId"
    assert collection(PageLease).find_one() == before


def test_a_page_of_another_performer_is_none_of_hers(two, carol):
    hold(carol, "hers")
    stands(carol, "standing")
    for name in ("hers", "standing"):
        with pytest.raises(NoSuchPage):
            take(two, name)


def test_nobody_takes_what_the_server_tells(two):
    about = {"changes": {"bridge": "STANDARD_SERVER"}, "by": "ana", "now": clock.now()}
    choosing.change(performer_id=two.pk, **about)
    with pytest.raises(ToldByServer):
        take(two, "new")


def test_whoever_never_had_a_page_has_nobody_to_stand_by_for(ana):
    assert stands(ana, "new") == [False]
    assert handover.standings([ana.pk], now=NOW) == {}


def test_so_many_stand_by_and_no_more(two):
    stands(two, *(f"page-{number}" for number in range(handover.MOST + 5)))
    assert len(collection(PageLease).find_one()["standing_by"]) == handover.MOST


# --- over REST ---------------------------------------------------------------------------------------------


def asked(performer, body, root="/api/lovense"):
    return Caller(token=token_of(performer.user), root=root)("post", "/holder/take", body)


def test_over_rest_it_is_asked_answered_and_refused(two, carol):
    assert handover.take(two.pk, page_id="new", now=clock.now()) is False
    answer = asked(two, {"pageId": "new"})
    assert (answer.status_code, answer.json()) == (202, {"pageId": "new", "holder": False})
    hold(two, "new", now=clock.now())
    answer = asked(two, {"pageId": "new"})
    assert (answer.status_code, answer.json()) == (200, {"pageId": "new", "holder": True})
    for whose, name in ((two, "unknown"), (carol, "new")):
        answer = asked(whose, {"pageId": name})
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (404, "pageId")


@pytest.mark.parametrize("body", [{}, {"pageId": 5}, {"pageId": "x" * 65}, {"pageId": "new", "more": 1}])
def test_over_rest_a_bad_body_names_its_field(two, body):
    answer = asked(two, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] in ("pageId", "more")


def test_over_rest_what_the_server_tells_is_nobodys_to_take(two):
    about = {"changes": {"bridge": "STANDARD_SERVER"}, "by": "ana", "now": clock.now()}
    choosing.change(performer_id=two.pk, **about)
    answer = asked(two, {"pageId": "new"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "told_by_server")
