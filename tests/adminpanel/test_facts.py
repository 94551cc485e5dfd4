"""The six facts are told once: the health of the queue, the demonstration, the flow tests and the documents
say what `lovense/facts.py` says."""

from pathlib import Path

import pytest

from adminpanel.tip import story, timeline
from adminpanel.watch import health
from config.demo import facts as demo
from config.demo.table import LEGEND
from ground.mongodb.collections import collection
from lovense import facts
from lovense.lane import controls
from lovense.sending import leases
from tests.chain import SECOND
from tests.factories import NOW
from tests.flows import facts as flows
from tips.queue import requests as queue

pytestmark = pytest.mark.django_db

BASE = Path(__file__).parent.parent.parent


def rows(head, fields):
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in fields),
    ]


def table_of_facts():
    """The README's."""
    head = ("#", "Fact", "Unique key", "Waits for", "Where")
    return rows(
        head,
        (
            (
                str(fact.number),
                fact.means,
                fact.key,
                fact.waits_for,
                ", ".join(f"`{path}`" for path in fact.where),
            )
            for fact in facts.SIX
        ),
    )


def table_of_hops():
    """That of docs/operators.md."""
    before = {
        name: [str(fact.number) for fact in facts.SIX if fact.hop is hop] for name, hop in facts.HOPS.items()
    }
    late = {
        name: f"after {hop.late_seconds} s" if hop.late_seconds else "never: waiting is what it is for"
        for name, hop in facts.HOPS.items()
    }
    return rows(
        ("Hop", "On the page", "Waits", "Before fact", "Late"),
        (
            (
                f"`{name}`",
                hop.title,
                hop.waits,
                " and ".join(before[name]) or "the rows of 1 to 5",
                late[name],
            )
            for name, hop in facts.HOPS.items()
        ),
    )


@pytest.mark.parametrize(
    ("document", "table"), [("README.md", table_of_facts), ("docs/operators.md", table_of_hops)]
)
def test_the_tables_of_the_documents_are_these(document, table):
    text = (BASE / document).read_text(encoding="utf-8")
    assert "\n".join(table()) in text, "put this table there:\n" + "\n".join(table())


def test_they_are_six_in_order_and_each_names_its_files():
    assert [fact.number for fact in facts.SIX] == [1, 2, 3, 4, 5, 6]
    assert [path for fact in facts.SIX for path in fact.where if not (BASE / path).is_file()] == []


def test_health_watches_what_waits_before_them_in_their_order(db):
    told = list(dict.fromkeys(fact.hop.name for fact in facts.SIX if fact.hop))
    assert list(facts.HOPS) == ["entries", *told], "the journal's rows come before any other row"
    assert [hop.name for hop in health.hops(now=NOW)] == list(facts.HOPS)
    assert set(health.COUNTS) == set(facts.HOPS)


@pytest.mark.parametrize(
    ("name", "seconds", "is_late"),
    [
        ("entries", 11, True),
        ("deliveries", 10, False),
        ("deliveries", 11, True),
        ("looks", 11, True),
        ("claims", 11, True),
        ("requests", 100_000, False),
        ("claims", None, False),
    ],
)
def test_late_is_late_where_the_facts_say_so(name, seconds, is_late):
    assert health.Backlog(name, 1, seconds).is_late is is_late


def test_the_legend_of_the_demonstration_names_them():
    assert LEGEND.endswith("1 stored · 2 recorded · 3 settled · 4 decided · 5 handed over · 6 acknowledged")


# --- four readers, one answer ------------------------------------------------------------------------------


def of_page(tip_id):
    return [fact.at for fact in timeline.of(story.read(tip_id))]


def of_demo(tip_id):
    return list(demo.trails([tip_id])[tip_id].times)


def of_flows(tip_id):
    """By the rows as a change stream would tell them."""
    found = {}
    for fact in facts.SIX:
        for row in collection(fact.model).find():
            change = {"ns": {"coll": fact.model._meta.db_table}, "fullDocument": row}
            if flows.records(fact.number, {tip_id})(change):
                found[fact.number] = fact.at(row)
    return [found.get(fact.number) for fact in facts.SIX]


def silent(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    chain.acknowledge(tip_id, "received")
    leases.expire(now=chain.now + 60 * SECOND, limit=10)
    return tip_id


def handed_over(chain, bob):
    tip_id = chain.settled(bob, 100)
    chain.dispatch()
    return tip_id


def cancelled(chain, bob):
    tip_id = chain.settled(bob, 100)
    told = {"by": "dina", "why": "", "now": chain.now}
    controls.cancel(request_id=queue.request_id(tip_id), performer_id=None, **told)
    return tip_id


WAYS = {
    "stored": (lambda chain, bob: chain.deliver(bob, 100), 1),
    "settled": (lambda chain, bob: chain.settled(bob, 100), 3),
    "skipped": (lambda chain, bob: (chain.settled(bob, 5), chain.dispatch())[0], 4),
    "cancelled before its turn": (cancelled, 4),
    "handed over": (handed_over, 5),
    "never ended by its page": (silent, 5),
    "played": (lambda chain, bob: chain.played(bob, 100), 6),
}


@pytest.mark.parametrize(("way", "last"), WAYS.values(), ids=WAYS)
def test_the_page_the_demonstration_and_the_flow_tests_agree_on_every_fact(way, last, chain, bob):
    chain.hold()
    tip_id = way(chain, bob)
    told = of_page(tip_id)
    assert [at is not None for at in told] == [True] * last + [False] * (6 - last)
    assert of_demo(tip_id) == of_flows(tip_id) == told


# --- handed over is not received ---------------------------------------------------------------------------


def fifth(tip_id):
    found = timeline.of(story.read(tip_id))[4]
    return found.title, dict(found.details)["Confirmed by the page"], found.waits


def test_nothing_is_said_to_be_sent_and_the_page_confirms_what_was_handed_over(chain, bob):
    chain.hold()
    tip_id = handed_over(chain, bob)
    open_end = "the page's confirmation, or the end of its lease."
    assert fifth(tip_id) == ("Handed over to the page", "not yet", open_end)
    assert timeline.of(story.read(tip_id))[5].waits == "the fact before it."
    chain.acknowledge(tip_id, "received", later=SECOND)
    assert fifth(tip_id) == ("Handed over to the page", "04:15:01.000 UTC", "")
    assert "word that it finished" in timeline.of(story.read(tip_id))[5].waits
    assert "ent to the page" not in str(timeline.of(story.read(tip_id)))


@pytest.mark.parametrize("stage", ["started", "finished", "failed"])
def test_a_page_that_goes_straight_on_has_confirmed_it_too(stage, chain, bob):
    chain.hold()
    tip_id = handed_over(chain, bob)
    chain.acknowledge(tip_id, stage, later=2 * SECOND, code="toy_unreachable" if stage == "failed" else "")
    assert fifth(tip_id) == ("Handed over to the page", "04:15:02.000 UTC", "")


def test_what_ended_without_a_word_of_its_page_was_never_acknowledged(chain, bob):
    chain.hold()
    tip_id = silent(chain, bob)
    last = timeline.of(story.read(tip_id))[5]
    assert (last.state, last.waits) == ("never", "Never: no page said how it ended.")
