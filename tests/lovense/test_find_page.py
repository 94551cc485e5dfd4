"""What her palette finds: her devices, the items in force, and tips by their id or by whose they are."""

import pytest

from lovense.models import Performer
from lovense.page import findpage
from lovense.page.findpage import MOST_OF_EACH, FindPage
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.lovense.history.rows import add, fill
from tests.lovense.live_page import _at_the_fixed_time, chain

__all__ = ["_at_the_fixed_time", "chain"]
pytestmark = pytest.mark.django_db


def found(performer, asked):
    """By kind, the titles."""
    fresh = Performer.objects.get(pk=performer.pk)
    kinds = FindPage(fresh, asked, NOW).kinds
    return {kind.name: [each.title for each in kind.found] for kind in kinds}


def test_nothing_is_found_for_nothing(ana, chain):
    assert [found(ana, asked) for asked in ("", "   ", "\u200b\u200b")] == [{}, {}, {}]


def test_an_item_is_found_by_its_title_and_by_its_amount(ana, chain):
    items = found(ana, "soft")["Menu"]
    assert items == ["Soft wave"]
    assert "Soft wave" in found(ana, "10 to")["Menu"]


def test_a_device_is_found_by_its_name_and_by_its_type(ana, chain):
    chain.hold()
    assert found(ana, "lush") == {"Devices": ["Lush"]}


def test_a_tip_is_found_by_the_name_of_who_gave_it_however_it_is_written(ana):
    add(ana, 1, tipper_name="Marguerite")
    add(ana, 2, tipper_name="bob")
    assert found(ana, "RGUER") == {"Tips": ["\u2068Marguerite\u2069 · 100\u00a0tokens"]}


def test_a_tip_is_found_by_its_own_id_and_by_that_of_its_run(ana):
    run = add(ana, 7)
    tip = run.removesuffix(".all")
    assert len(found(ana, run)["Tips"]) == len(found(ana, f" {tip} ")["Tips"]) == 1


def test_what_is_another_performers_is_not_found(ana, carol, chain):
    chain.hold()
    run = add(ana, 7, tipper_name="Marguerite")
    assert [found(carol, asked) for asked in ("soft", "lush", "marg", run)] == [{}] * 4


def test_few_of_each_are_shown_and_only_the_latest_tips_are_looked_at(ana, monkeypatch):
    monkeypatch.setattr(findpage, "TIPS_READ", 20)
    fill(ana, 20)
    add(ana, 900, tipper_name="Marguerite")
    assert len(found(ana, "bob")["Tips"]) == MOST_OF_EACH
    assert found(ana, "marguerite") == {}


@pytest.mark.parametrize("asked", [".*", "(", "\\", "\u202ebob", "x" * 10_000, "💗", "a.b[", "0" * 24])
def test_whatever_is_asked_is_text(ana, client, asked):
    fill(ana, 3)
    client.force_login(ana.user)
    answer = client.get("/find", {"q": asked})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_it_is_hers_to_ask(client, ana, dina):
    assert client.get("/find?q=a")["Location"] == "/login?next=/find%3Fq%3Da"
    client.force_login(dina)
    assert client.get("/find?q=a")["Location"] == "/staff"
    client.force_login(ana.user)
    assert client.post("/find", {"q": "a"}).status_code == 405


def test_it_costs_the_same_for_a_long_history(ana, chain, client):
    chain.hold()
    client.force_login(ana.user)
    client.get("/find", {"q": "bob"})  # the menu is read once
    costs = []
    for count in (3, 600):
        fill(ana, count) if count == 3 else [add(ana, n) for n in range(3, count, 40)]
        with recorded() as plans:
            client.get("/find", {"q": "bob"})
        costs.append(len(plans))
    assert costs[0] == costs[1] <= 9
