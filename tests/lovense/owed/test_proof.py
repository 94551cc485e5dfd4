"""The proof that every promise adds up, by both its names; what staff and the platform are shown; and what an
older release left behind."""

import importlib

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ground.mongodb.collections import collection
from lovense.deciding.activation import activation_id
from lovense.models import Activation, Owed
from lovense.owed import keeping, listing
from tests.commands import RECORDER
from tests.ground.plans import MANY, fill, recorded, scans
from tests.lovense.conftest import activation_of
from tests.lovense.owed.rest import (
    adds_up,
    expire,
    keep,
    kept,
    owed_of,
    playing,
    requeue,
    shortened,
    sums,
    waive,
)

pytestmark = pytest.mark.django_db


def proven(name, *words):
    try:
        call_command(name, *words)
    except CommandError as error:
        return error.returncode
    return 0


@pytest.mark.parametrize("words", [("verify_seconds",), ("prove", "seconds")])
def test_it_holds_whatever_was_decided_and_names_what_does_not_add_up(chain, bob, capsys, words):
    _, again, short = (kept(chain, bob, delivered) for delivered in (3.2, 3.2, 8.1))
    playing(chain, bob)
    requeue(again)
    waive(short)
    assert proven(*words) == 0
    assert "4 activations read, their seconds add up" in capsys.readouterr().out
    (broken, *_) = collection(Owed).find({"state": "open"})
    collection(Owed).update_one({"_id": broken["_id"]}, {"$inc": {"owed": 1}})
    assert proven(*words) == 1
    said = f"{broken['_id']}: promised 10 s, and 3.2 delivered + 6.9 owed + 0 requeued + 0 waived"
    assert said in capsys.readouterr().out
    collection(Owed).delete_one({"_id": broken["_id"]})
    assert proven(*words) == 1


def test_what_is_not_kept_yet_is_no_difference(chain, bob):
    shortened(chain, bob)
    assert list(listing.differences()) == []
    keep()
    assert adds_up()


def test_the_tips_page_says_the_equation_in_one_line(client, dina, chain, bob):
    tip_id = kept(chain, bob)
    client.force_login(dina)
    page = " ".join(client.get(f"/staff/tips/{tip_id}").content.decode().split())
    assert "promised 10 s = 3.2 delivered + 6.8 owed (disconnect)" in page
    requeue(tip_id)
    page = " ".join(client.get(f"/staff/tips/{tip_id}").content.decode().split())
    assert "promised 10 s = 3.2 delivered + 6 requeued + 0.8 waived (disconnect)" in page


def test_her_page_shows_what_plays_again_as_owed(client, ana, chain, bob):
    requeue(kept(chain, bob))
    client.force_login(ana.user)
    region = client.get("/?region=queue", headers={"HX-Request": "true"}).content.decode()
    assert "Owed" in region
    assert "By hand" not in region
    chain.dispatch()
    assert "Owed" in client.get("/?region=playing", headers={"HX-Request": "true"}).content.decode()


def test_ends_of_an_older_release_owe_as_well(chain, bob):
    short = playing(chain, bob)
    chain.acknowledge(short, "finished", delivered_seconds=3.2)
    silent = playing(chain, bob)
    expire(silent)
    whole = playing(chain, bob)
    chain.acknowledge(whole, "finished", delivered_seconds=10.0)
    collection(Activation).update_many({}, {"$unset": {"owes_since": ""}})
    migration = importlib.import_module("lovense.migrations.0008_seconds_owed")
    for _ in range(2):
        migration.mark_old_ends(None, connection.schema_editor())
        keep()
    assert (sums(short)[2], sums(silent)[2], owed_of(whole)) == (6.8, 10.0, None)
    assert adds_up()


# --- what it costs -----------------------------------------------------------------------------------------


def test_ends_that_owe_are_found_among_many_that_do_not(chain, bob):
    tip_id = kept(chain, bob)
    like = activation_of(tip_id)
    fill(Activation, lambda n: like | {"_id": f"{n}.all", "position": n})
    again = shortened(chain, bob)
    with recorded(run=True) as plans:
        assert keep() == 1
    assert scans(plans) == []
    assert max(plan.examined for plan in plans) <= 10
    assert owed_of(again) is not None
    with recorded(run=True) as plans:
        assert keeping.drain(now=like["created_at"], limit=9, performer_id=chain.performer_id) == 0
    assert [(plan.indexes, plan.examined) for plan in plans] == [(["activation_owes"], 0)]


@pytest.mark.parametrize("state", ["", "waived"])
def test_her_list_costs_as_many_as_are_shown(chain, bob, state):
    like = owed_of(kept(chain, bob))
    fill(
        Owed,
        lambda n: (
            like | {"_id": f"{n:05}.all", "performer_id": f"P{n % 3}", "state": "open" if n % 2 else "waived"}
        ),
    )
    with recorded(run=True) as plans:
        rows, after = listing.newest("P1", state=state, limit=20)
        more, _ = listing.newest("P1", state=state, after=after, limit=20)
    assert len({row["_id"] for row in rows + more}) == 40
    assert scans(plans) == []
    assert [plan.indexes for plan in plans] == [["owed_in_state" if state else "owed_newest"]] * 2
    assert plans[0].examined <= 21
    assert plans[1].examined <= MANY


def test_an_end_that_delivered_all_costs_the_writes_it_has_always_cost(chain, bob, monkeypatch):
    tip_id = playing(chain, bob)
    commands = []
    monkeypatch.setattr(RECORDER, "commands", commands)
    chain.acknowledge(tip_id, "finished", delivered_seconds=10.0, is_answer=True)
    monkeypatch.undo()
    assert [next(iter(command)) for _, command in commands] == ["update", "update"]
    assert "owes_since" not in activation_of(tip_id)
    assert activation_id(tip_id) not in listing.of([activation_id(tip_id)])
