"""She rehearses: what she sends herself goes the way of a tip, and no money, sum or viewer hears of it."""

import pytest
from django.apps import apps
from pymongo.errors import PyMongoError

from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding import standings
from lovense.lane import controls, rehearsal, submissions
from lovense.lane.devicetests import CannotTestHere
from lovense.lane.rehearsal import InvalidRehearsal, NotRehearsing
from lovense.lane.submissions import NoTestNow, TooManySubmissions
from lovense.menus import publishing
from lovense.models import Activation, ItemState, Owed, Performer, StockPiece
from lovense.owed import keeping as owed
from lovense.owed import owing
from lovense.performers.preferences import NoSuchPerformer
from lovense.shows import sums
from lovense.stopping import stop
from tests.chain import MENU, SECOND
from tests.factories import NOW
from tests.lovense.conftest import in_collection
from tests.lovense.controlling import HOUR, actions, drain, who
from tests.lovense.live_page import button, page, said
from tips.models import Priority, QueueRequest, RequestType

__all__ = ["button", "page", "who"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def rehearsing(chain, who):
    rehearsal.switch(**who, is_on=True)
    return chain


def send(who, *amounts, key="k", **more):
    return rehearsal.send(amounts, **who | more, account="ana", key=key)


def rows():
    return list(collection(Activation).find().sort("_id", 1))


def money():
    """How many rows the ledger and the tips have, table by table."""
    kept = [model for name in ("ledger", "tips") for model in apps.get_app_config(name).get_models()]
    found = {model._meta.db_table: collection(model).count_documents({}) for model in kept}
    return {table: count for table, count in found.items() if table != QueueRequest._meta.db_table}


def play(chain, delivered=10.0):
    """What is in her queue, one after the other."""
    while True:
        drain(chain)
        running = collection(Activation).find_one({"status": "dispatched"})
        if running is None:
            return
        chain.acknowledge(running["_id"].removesuffix(".all"), "finished", delivered_seconds=delivered)


# --- once --------------------------------------------------------------------------------------------------


def test_her_menu_answers_it_and_it_says_that_it_is_a_rehearsal(rehearsing, who):
    send(who, 100)
    drain(rehearsing)
    (row,) = rows()
    assert (row["item"]["title"], row["status"], row["tipper_name"]) == (
        "Fireworks",
        "dispatched",
        rehearsal.VIEWER,
    )
    assert (row["is_rehearsal"], row["tip_id"]) == (True, None)
    assert collection(QueueRequest).find_one()["type"] == RequestType.TEST


def test_a_show_of_twelve_moves_nothing_of_the_money(rehearsing, who):
    before = money()
    amounts = rehearsal.small_show(rehearsing.performer_id)
    assert amounts == [10, 100] * 6
    send(who, *amounts)
    play(rehearsing)
    assert money() == before
    assert [row["is_rehearsal"] for row in rows()] == [True] * 12


def test_without_a_menu_a_show_is_of_the_least_amount(ana):
    assert rehearsal.small_show(ana.performer_id) == [10] * 12


def test_a_pause_holds_it_as_it_holds_a_tip(rehearsing, who):
    controls.pause(**who, why="")
    send(who, 100)
    drain(rehearsing, NOW + HOUR)
    assert rows() == []


def test_another_tests_activation_is_not_marked(chain, who):
    test = submissions.Submission(RequestType.TEST, 100, None, Priority.NORMAL)
    submissions.submit(test, lane=chain.performer_id, account="a", name="ana", key="k", now=NOW)
    drain(chain)
    assert "is_rehearsal" not in rows()[0]


# --- nothing counts it -------------------------------------------------------------------------------------


def test_it_takes_no_stock_and_nothing_cools_down(rehearsing, who):
    limited = [MENU[1] | {"itemId": "f" * 24, "stock": 1, "cooldownSec": 60}]
    publishing.publish(rehearsing.performer_id, limited, NOW)
    send(who, 100, 100)
    play(rehearsing)
    assert [row["status"] for row in rows()] == ["completed"] * 2
    assert [collection(model).count_documents({}) for model in (StockPiece, ItemState)] == [0, 0]
    found = standings.of_items(rehearsing.performer_id, limited)
    assert found["f" * 24].since is None


def test_nothing_of_it_is_owed_or_summed_and_every_promise_adds_up(rehearsing, who):
    send(who, 100)
    play(rehearsing, delivered=2.0)
    owed.drain(now=NOW + SECOND, limit=9)
    assert collection(Owed).count_documents({}) == 0
    found = sums.of(rehearsing.performer_id, began_at=NOW, ended_at=NOW + HOUR)
    assert [found[name] for name in ("tips", "played", "promised", "owed")] == [0] * 4
    assert owing.difference(rows()[0], None) == ""


# --- refused -----------------------------------------------------------------------------------------------


def test_only_while_she_rehearses(chain, who):
    with pytest.raises(NotRehearsing):
        send(who, 100)
    rehearsal.switch(**who, is_on=True)
    send(who, 100)
    rehearsal.switch(**who, is_on=False)
    with pytest.raises(NotRehearsing):
        send(who, 100, key="other")
    with pytest.raises(NoSuchPerformer):
        send(who, 100, performer_id="nobody")


@pytest.mark.parametrize("amount", [0, -1, 2**53])
def test_an_amount_is_one_that_could_be_tipped(rehearsing, who, amount):
    with pytest.raises(InvalidRehearsal):
        send(who, amount)
    assert collection(QueueRequest).count_documents({}) == 0


def test_not_after_her_stop_nor_where_the_extension_decides(rehearsing, who):
    stop.press(**who, why="", through="api")
    with pytest.raises(NoTestNow):
        send(who, 100)
    Performer.objects.update(bridge="EXTENSION", stopped_at=None)
    with pytest.raises(CannotTestHere):
        send(who, 100)


def test_as_many_a_minute_as_tests(rehearsing, who):
    for n in range(5):
        send(who, *[100] * 12, key=str(n))
    with pytest.raises(TooManySubmissions):
        send(who, 100, key="one more")


# --- repeated, concurrent, crashed -------------------------------------------------------------------------


def test_said_twice_under_one_key_it_is_one(rehearsing, who):
    assert [made.is_new for made in send(who, 100) + send(who, 100)] == [True, False]


def test_eight_at_once_are_one_show(rehearsing, who, in_threads):
    in_threads(lambda: send(who, 100, 50), times=8)
    assert collection(QueueRequest).count_documents({}) == 2


def test_what_died_half_way_is_sent_again_under_its_key(rehearsing, who, fail_command):
    send(who, 100)
    fail_command("insert", errorCode=8000, **in_collection(QueueRequest))
    with pytest.raises(PyMongoError):
        send(who, 100, 50)
    send(who, 100, 50)
    assert collection(QueueRequest).count_documents({}) == 2


def test_switched_twice_or_by_eight_it_is_one_entry(chain, who, in_threads):
    in_threads(lambda: rehearsal.switch(**who, is_on=True), times=8)
    assert rehearsal.switch(**who, is_on=True) is False
    assert Performer.objects.get().rehearses_since == NOW
    assert rehearsal.switch(**who, is_on=False) is True
    assert actions() == ["rehearse", "rehearse"]


def test_a_switch_that_has_no_entry_is_none(chain, who, fail_command):
    fail_command("insert", errorCode=8000, **in_collection(AuditEntry))
    with pytest.raises(PyMongoError):
        rehearsal.switch(**who, is_on=True)
    assert Performer.objects.get().rehearses_since is None


# --- her buttons -------------------------------------------------------------------------------------------


def test_the_buttons(button, chain):
    assert said(button("rehearsal/tips", amount="25")) == "Switch rehearsal on first."
    assert said(button("rehearsal", on="1")) == "You rehearse: what you send yourself moves no tokens."
    assert said(button("rehearsal/tips", amount="25")) == "Rehearsal: 25 tokens are on their way."
    assert said(button("rehearsal/show")) == "Rehearsal: 12 tips are on their way."
    assert collection(QueueRequest).count_documents({}) == 13
    assert said(button("rehearsal", on="0")) == "The rehearsal is over."


@pytest.mark.parametrize("amount", ["", "-1", "1.5", "25 ", "٢٥", "9" * 17, "0", "\0", "<img>"])
def test_an_amount_that_is_none_names_the_field(button, chain, amount):
    button("rehearsal", on="1")
    answer = button("rehearsal/tips", amount=amount)
    assert (answer.status_code, answer.content.decode().partition(":")[0]) == (400, "amount")
    assert button("rehearsal", on="yes").content == b"on: must be 1 or 0."


@pytest.mark.parametrize("name", ["rehearsal", "rehearsal/tips", "rehearsal/show"])
def test_a_button_is_a_performers(client, dina, name):
    client.force_login(dina)
    assert client.post(f"/live/{name}").status_code == 403
    assert client.get(f"/live/{name}").status_code == 405
