"""Which page holds the devices: the first, until it leaves or its lease runs out; and what a restarted
process frees."""

from collections import Counter
from datetime import timedelta

import pytest

from ground.mongodb.collections import collection
from lovense.models import PageLease
from lovense.sending import pages
from lovense.sending.pages import Holder
from tests.factories import NOW
from tests.lovense.conftest import seconds

pytestmark = pytest.mark.django_db

ANA, CAROL = "507f191e810c19729de860eb", "507f191e810c19729de860ec"
TICK = timedelta(milliseconds=1)
LEASE = seconds(pages.LEASE_SECONDS)


def take(page="one", *, performer=ANA, slot="web-0", now=NOW):
    return bool(pages.take(performer, page_id=page, channel=f"channel-{page}", slot=slot, now=now))


def holder(now=NOW):
    return pages.holders(now=now).get(ANA, Holder(None, 0)).channel


def test_the_first_page_takes_the_devices_and_others_watch():
    assert take("one")
    assert not take("two")
    assert holder() == "channel-one"


def test_the_holder_takes_them_again_with_its_new_channel():
    take("one")
    assert pages.take(ANA, page_id="one", channel="channel-new", slot="web-1", now=NOW)
    assert holder() == "channel-new"


def lease():
    return pages.holders(now=NOW)[ANA].lease


def test_each_other_page_gets_a_higher_number_and_one_that_returns_keeps_its_own():
    take("one", now=NOW - LEASE)
    take("two")
    assert lease() == 2
    take("two")
    pages.take(ANA, page_id="two", channel="channel-new", slot="web-1", now=NOW)
    assert lease() == 2
    pages.release(ANA, channel="channel-new", now=NOW - TICK)
    take("one")
    assert lease() == 3


@pytest.mark.parametrize("name", ["$page_id", "$$NOW", "$", "a\x00b", ""])
def test_a_page_is_called_whatever_it_likes(name):
    assert take(name)
    assert not take("two")
    assert take(name)


def test_an_older_socket_of_the_same_page_does_not_take_them_back():
    take("one")
    pages.take(ANA, page_id="one", channel="channel-new", slot="web-0", now=NOW)
    old = {"page_id": "one", "channel": "channel-one", "slot": "web-0", "has_returned": False}
    assert not pages.take(ANA, **old, now=NOW)
    assert holder() == "channel-new"
    assert pages.take(ANA, **old, now=NOW + LEASE)


def test_twenty_pages_at_once_and_one_holds(in_threads):
    names = iter(range(20))
    taken = in_threads(lambda: take(f"page-{next(names)}"), times=20)
    assert Counter(taken) == {True: 1, False: 19}
    assert collection(PageLease).count_documents({}) == 1


def test_twenty_pages_at_once_for_a_lease_that_ran_out(in_threads):
    take("old")
    names = iter(range(20))
    assert Counter(in_threads(lambda: take(f"page-{next(names)}", now=NOW + LEASE), times=20)) == {
        True: 1,
        False: 19,
    }


def test_a_lease_runs_out_at_its_end_and_not_before():
    take("one")
    assert not take("two", now=NOW + LEASE - TICK)
    assert holder(NOW + LEASE - TICK) == "channel-one"
    assert holder(NOW + LEASE) is None
    assert take("two", now=NOW + LEASE)
    assert holder(NOW + LEASE) == "channel-two"


def test_a_renewed_lease_holds():
    take("one")
    for second in range(1, 20):
        assert pages.renew("web-0", ["channel-one"], now=NOW + seconds(second)) == {"channel-one"}
    assert not take("two", now=NOW + seconds(19) + LEASE - TICK)


def test_a_page_that_lost_its_lease_is_told_so_and_does_not_renew_the_new_holders():
    """The process stood still for longer than the lease."""
    take("one")
    take("one-carol", performer=CAROL)
    assert take("two", slot="web-1", now=NOW + LEASE)
    assert pages.renew("web-0", ["channel-one", "channel-one-carol"], now=NOW + LEASE) == {
        "channel-one-carol"
    }
    assert holder(NOW + LEASE + LEASE) is None


def test_a_lease_that_ran_out_and_nobody_took_is_renewed():
    take("one")
    assert pages.renew("web-0", ["channel-one"], now=NOW + seconds(60)) == {"channel-one"}
    assert holder(NOW + seconds(61)) == "channel-one"


def test_one_slot_does_not_renew_for_another():
    take("one", slot="web-0")
    assert pages.renew("web-1", ["channel-one"], now=NOW + seconds(3)) == set()
    assert holder(NOW + LEASE) is None


def test_a_page_that_leaves_frees_the_devices_at_once():
    take("one")
    pages.release(ANA, channel="channel-one", now=NOW + seconds(1))
    assert holder(NOW + seconds(1)) is None
    assert take("two", now=NOW + seconds(1))


def test_a_page_that_left_late_does_not_take_from_its_successor():
    take("one")
    take("two", now=NOW + LEASE)
    pages.release(ANA, channel="channel-one", now=NOW + LEASE)
    assert holder(NOW + LEASE) == "channel-two"


def test_a_restarted_process_frees_its_slots_pages_and_no_others():
    take("one", slot="web-0")
    take("two", performer=CAROL, slot="web-1")
    pages.release_slot("web-0", now=NOW + seconds(1))
    assert pages.holders(now=NOW + seconds(1)) == {CAROL: Holder("channel-two", 1)}
    assert take("three", now=NOW + seconds(1))


def test_since_when_nobody_holds():
    take("one")
    take("two", performer=CAROL)
    pages.release(CAROL, channel="channel-two", now=NOW + seconds(2))
    never = "f" * 24
    everyone = [ANA, CAROL, never]
    assert pages.offline_since(everyone, before=NOW + seconds(1)) == {never}
    assert pages.offline_since(everyone, before=NOW + seconds(2)) == {CAROL, never}
    assert pages.offline_since(everyone, before=NOW + LEASE) == {ANA, CAROL, never}
    assert pages.offline_since([], before=NOW) == set()
