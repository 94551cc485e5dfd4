"""The version that a viewer saw decides the tip, whatever is published afterwards; and a withdrawn one is
nobody's."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.gates import decide
from lovense.deciding.rules import MenuNotRead, Rules
from lovense.lane import eta
from lovense.menus import publishing, reading, seen, versions
from lovense.menus.seen import HISTORY_KEPT
from lovense.models import Performer, TipMenu
from lovense.sending import dispatch
from tests.commands import RECORDER
from tests.factories import NOW
from tests.ground.conftest import in_threads
from tests.lovense.conftest import activation_of, request_of
from tests.lovense.menus.offers import added, publication, said

__all__ = ["in_threads"]
MINUTE = timedelta(minutes=1)


def history(*withdrawn, count=4):
    """Version n in force from minute n on."""
    return [
        {"version": n, "at": NOW + n * MINUTE} | ({"withdrawn": True} if n in withdrawn else {})
        for n in range(1, count + 1)
    ]


def hers(known, version=None):
    return {"menu_version": version or known[-1]["version"], "menu_history": known}


def at(minutes):
    return NOW + timedelta(minutes=minutes)


# --- pure --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "number", "why"),
    [
        (9, 4, "in force at the tip"),
        (4, 4, "in force at the tip"),
        (3.99, 3, "in force at the tip; version 4 is now"),
        (2, 2, "in force at the tip; version 4 is now"),
        (0.5, 1, "the first: none was in force at the tip"),
    ],
)
def test_the_version_in_force_at_the_tip_is_the_one_that_was_seen(minutes, number, why):
    assert seen.of(hers(history()), at(minutes)) == (number, why)


@pytest.mark.parametrize(
    ("withdrawn", "minutes", "number"),
    [((2,), 2.5, 3), ((2, 3), 2.5, 4), ((1,), 0.5, 2), ((2,), 1.5, 1), ((2,), 3.5, 3)],
)
def test_who_saw_a_withdrawn_version_gets_the_next_that_is_none(withdrawn, minutes, number):
    found = seen.of(hers(history(*withdrawn)), at(minutes))
    assert found.number == number
    assert ("is withdrawn" in found.why) == (int(minutes or 1) in withdrawn or minutes < 1)


def test_what_is_no_tip_is_decided_by_the_menu_of_now():
    assert seen.of(hers(history()), None) == (4, "in force now")
    assert seen.of({"menu_version": 0}, at(1)).number == 0


@pytest.mark.parametrize("known", [None, [], history(count=3)])
def test_of_a_row_that_knows_nothing_of_it_the_version_of_now_is_taken(known):
    found = seen.of({"menu_version": 4, "menu_history": known}, at(1.5))
    assert found == (4, "in force now; what was at the tip is not known")


def test_twenty_versions_are_known_and_who_came_before_gets_the_oldest():
    known = []
    for number in range(1, 31):
        known = seen.after(known, number, at(number), is_withdrawn=False)
    assert [each["version"] for each in known] == list(range(11, 31))
    assert seen.of(hers(known), at(5)) == (11, "the oldest that is known")
    assert len(known) == HISTORY_KEPT


def test_a_clock_that_goes_back_puts_no_version_before_an_older_one():
    known = seen.after(history(), 5, at(1), is_withdrawn=True)
    assert known[-1] == {"version": 5, "at": at(4)}
    assert known[-2]["withdrawn"]


moves = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=15)


@given(moves, st.integers(-2, 40))
def test_it_is_the_newest_of_its_time_or_the_first_and_never_a_withdrawn_one(published, minute):
    """Each version after so many minutes, perhaps withdrawing the one before it."""
    known, log, clock = [], [], 0
    for number, (later, is_withdrawn) in enumerate(published, start=1):
        clock += later
        known = seen.after(known, number, at(clock), is_withdrawn=is_withdrawn)
        if log and is_withdrawn:
            log[-1] = (*log[-1][:2], True)
        log.append((number, clock, False))
    began = [number for number, since, _ in log if since <= minute] or [1]
    expected = next(number for number, _, is_gone in log[began[-1] - 1 :] if not is_gone)
    assert seen.of(hers(known), at(minute)).number == expected


# --- written -----------------------------------------------------------------------------------------------

db = pytest.mark.django_db


def row_of(performer):
    return collection(Performer).find_one({"_id": performer.pk})


@db
def test_both_ways_of_publishing_write_the_same_history(ana):
    publishing.publish(ana.pk, [said("One")], NOW)
    added(ana, "Two")
    versions.publish(publication(ana, key="a", now=at(1)))
    versions.roll_back(publication(ana, key="b", now=at(2)), 1)
    known = [(each["version"], each["at"]) for each in row_of(ana)["menu_history"]]
    assert known == [(1, NOW), (2, at(1)), (3, at(2))]
    retired = [row["retired_at"] for row in collection(TipMenu).find().sort("version", 1)]
    assert retired == [at(1), at(2), None]


@db
def test_the_history_of_a_row_from_before_begins_with_the_version_in_force(ana):
    publishing.publish(ana.pk, [said("One")], NOW)
    collection(Performer).update_one({"_id": ana.pk}, {"$unset": {"menu_history": ""}})
    publishing.publish(ana.pk, [said("Two")], at(1))
    assert [each["version"] for each in row_of(ana)["menu_history"]] == [1, 2]


@db
def test_at_the_same_moment_each_publication_is_in_the_history_once(ana, in_threads):
    titles = iter("abcd")
    in_threads(lambda: publishing.publish(ana.pk, [said(next(titles))], NOW), times=4, workers=4)
    assert [each["version"] for each in row_of(ana)["menu_history"]] == [1, 2, 3, 4]


@db
def test_withdrawing_is_marked_on_the_version_and_the_same_call_is_the_same_publication(ana):
    added(ana, "One")
    versions.publish(publication(ana, key="a"))
    added(ana, "Two")
    asked = publication(ana, key="b", now=at(1))._replace(is_withdrawn=True)
    assert versions.publish(asked).is_new
    assert not versions.publish(asked).is_new
    with pytest.raises(versions.OtherPublication):
        versions.publish(asked._replace(is_withdrawn=False))
    old, new = versions.of(ana.pk, 1), versions.of(ana.pk, 2)
    assert (old["withdrawn_at"], new.get("withdrawn_at")) == (at(1), None)
    assert seen.of(row_of(ana), NOW).number == 2


# --- decided -----------------------------------------------------------------------------------------------


def publish(chain, title, minutes):
    publishing.publish(chain.performer_id, [said(title, minimum=1, maximum=None)], at(minutes))


def tip_at(chain, bob, minutes):
    """Made then, and settled when the test says so."""
    chain.now = at(minutes)
    return chain.deliver(bob, 50)


def decided(tip_id):
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    return decide(request, Rules.read([request["lane"]], [request]), is_online=True, now=NOW)


def saw(row, gate):
    return next(one["saw"] for one in row["gates"] if one["gate"] == gate)


@db
def test_a_tip_gets_what_was_on_show_when_it_was_made_and_its_record_says_so(chain, bob):
    tips = {}
    for number in range(1, 4):
        publish(chain, f"Menu {number}", number)
        tips[number] = tip_at(chain, bob, number + 0.5)
    chain.settle(later=10 * MINUTE)
    rows = {number: decided(tip_id) for number, tip_id in tips.items()}
    assert {n: (row["item"]["title"], row["menu_version"]) for n, row in rows.items()} == {
        1: ("Menu 1", 2),
        2: ("Menu 2", 3),
        3: ("Menu 3", 4),
    }
    assert saw(rows[1], "menu") == "version 2, in force at the tip; version 4 is now"
    assert saw(rows[3], "menu") == "version 4, in force at the tip"


@db
def test_a_tip_that_saw_a_withdrawn_version_gets_the_next_and_its_record_says_so(chain, bob):
    publish(chain, "Mistake", 1)
    tip_id = tip_at(chain, bob, 1.5)
    added(chain.performer, "Right", minimum=1, maximum=None)
    asked = publication(chain.performer, key="b", now=at(2))._replace(is_withdrawn=True)
    versions.publish(asked)
    chain.settle(later=MINUTE)
    row = decided(tip_id)
    assert row["menu_version"] == 3
    assert saw(row, "menu") == (
        "version 3, the next after version 2, which was in force at the tip and is withdrawn"
    )


@db
@pytest.mark.parametrize("mode", ["fifo", "priority", "batch"])
def test_whatever_the_mode_and_however_late_it_is_settled_it_is_still_that_one(chain, bob, mode):
    platform.change(key="queue_mode", value=mode, by="dina", now=NOW)
    publish(chain, "Seen", 1)
    tips = [tip_at(chain, bob, 2), tip_at(chain, bob, 2)]
    publish(chain, "Later", 3)
    chain.settle(later=13 * MINUTE)
    chain.now = at(16)
    chain.hold()
    chain.dispatch()
    first = activation_of(tips[0])
    assert (first["item"]["title"], first["menu_version"]) == ("Seen", 2)
    members = [f"{tips[1]}.all"] if mode == "batch" else None
    assert first.get("members") == members
    if members:
        assert activation_of(tips[1])["menu_version"] == 2


@db
def test_what_was_refused_and_is_tried_again_keeps_its_version(chain, bob):
    publish(chain, "Seen", 1)
    tip_id = tip_at(chain, bob, 2)
    chain.settle()
    row = decided(tip_id)
    publish(chain, "Later", 3)
    request = request_of(tip_id) | {"attempts": 2, "claimed_by": "worker-0/x", "claimed_at": NOW}
    again = decide(request, Rules.read([request["lane"]]), is_online=True, now=NOW, before=row)
    assert (again["item"]["title"], again["menu_version"]) == ("Seen", 2)
    for gate in ("minimum", "menu", "menu_match"):
        assert saw(again, gate) == saw(row, gate)
    assert [each["gate"] for each in again["gates"]] == [each["gate"] for each in row["gates"]]


@db
def test_the_time_of_its_start_is_foreseen_by_the_version_that_it_saw(chain, bob):
    publish(chain, "Seen", 1)
    tip_at(chain, bob, 2)
    chain.settle()
    publish(chain, "Later", 3)
    (start,) = eta.of_lane(chain.performer_id, now=chain.now)
    assert start.decision["item"]["title"] == "Seen"


@db
def test_a_version_that_was_not_read_is_never_taken_for_none(chain, bob):
    publish(chain, "Seen", 1)
    tip_id = tip_at(chain, bob, 2)
    chain.settle()
    publish(chain, "Later", 3)
    reading._kept.clear()
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}
    rules = Rules.read([request["lane"]])
    with pytest.raises(MenuNotRead):
        decide(request, rules, is_online=True, now=NOW)
    rules.read_menus([request])
    assert decide(request, rules, is_online=True, now=NOW)["item"]["title"] == "Seen"


@db
def test_an_earlier_version_costs_a_round_no_further_command(chain, bob):
    """The first reading of a version apart, which is the same one for all of them."""
    publish(chain, "Seen", 1)
    tip_id = tip_at(chain, bob, 2)
    chain.settle()
    request = request_of(tip_id) | {"attempts": 1, "claimed_by": "worker-0/x", "claimed_at": NOW}

    def commands():
        RECORDER.commands = sent = []
        try:
            dispatch.look([request], now=chain.now)
        finally:
            RECORDER.commands = None
        return [next(iter(command)) + " " + str(command.get("find")) for _, command in sent]

    commands()
    plain = commands()
    publish(chain, "Later", 3)
    assert sorted(commands()) == sorted([*plain, "find tip_menus"])
    assert commands() == plain


@db
def test_a_show_of_its_own_is_answered_by_the_items_of_that_show(chain, bob):
    items = [
        said("For all", minimum=1, maximum=None),
        said("Private", minimum=50, maximum=50, shows=["private"]),
    ]
    publishing.publish(chain.performer_id, items, NOW)
    shows = {None: "For all", "public": "For all", "group": "For all", "private": "Private"}
    for show, title in shows.items():
        context = {"context": {"streamType": show}} if show else {}
        assert decided(chain.settled(bob, 50, **context))["item"]["title"] == title
    row = decided(chain.settled(bob, 50))
    assert saw(row, "menu_match") == "For all in a public show; passed over: “Private” (for another show)"


@db
def test_where_only_another_show_answers_the_tip_is_skipped_for_that(chain, bob):
    publishing.publish(chain.performer_id, [said("Private", minimum=1, maximum=None, shows=["private"])], NOW)
    row = decided(chain.settled(bob, 50))
    assert (row["status"], row["reason"], row["item"]) == ("skipped", "other_show", None)


def test_two_items_of_one_amount_clash_only_where_their_shows_meet():
    def both(one, other):
        exact = {"minimum": 50, "maximum": 50}
        return [said("One", itemId="1", shows=one, **exact), said("Two", itemId="2", shows=other, **exact)]

    assert publishing.validated(both(["public"], ["private", "group"]))
    for one, other in ([["public"], []], [["group", "public"], ["group"]]):
        with pytest.raises(publishing.InvalidMenu, match="“One” and “Two”") as refused:
            publishing.validated(both(one, other))
        assert [error.item for error in refused.value.errors] == [1, 2]


@pytest.mark.parametrize("wrong", ["public", ["secret"], ["public", "public"], [1], [{}], None])
def test_shows_are_a_list_of_known_ones(wrong):
    with pytest.raises(publishing.InvalidMenu) as refused:
        publishing.validated([said("One", shows=wrong)])
    (error,) = refused.value.errors
    assert error.field == "shows"
