"""What a visit to a page of hers costs, with the scripts and styles of production: requests, and bytes as a
proxy packs them."""

import pytest
from playwright.sync_api import expect

from tests.browser.served import Visit, collect, serve

MOST_REQUESTS, MOST_BYTES, MOST_CHANGE = 14, 100_000, 16_000
PAGES = ("/", "/devices", "/menu", "/patterns", "/history", "/statistics", "/preferences/limits", "/account")


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    to = tmp_path_factory.mktemp("served")
    collect(to)
    return to


@pytest.fixture
def visit(context, the_stage, ana, collected):
    """Of a page in a browser that has nothing of ours."""
    the_stage.log_in(context.new_page(), ana.name)
    context.pages[0].close()
    page = context.new_page()
    serve(page, collected)
    return Visit(page, the_stage.url)


def settle(page):
    expect(page.locator("[data-socket]")).to_have_text("Connected")
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("path", PAGES)
def test_a_first_visit_asks_for_few_and_loads_little(visit, the_stage, path):
    visit.page.goto(the_stage.url + path)
    settle(visit.page)

    assert visit.elsewhere == []
    assert len(visit.asked) <= MOST_REQUESTS, sorted(visit.asked)
    assert sum(visit.weights.values()) <= MOST_BYTES, visit.weights


def test_a_change_of_page_loads_less(visit, the_stage):
    visit.page.goto(the_stage.url)
    settle(visit.page)
    costs = {}
    for name in ("Devices", "Menu", "Patterns", "History", "Statistics", "Live"):
        visit.begin()
        visit.page.get_by_label("Main", exact=True).get_by_role("link", name=name).click()
        expect(visit.page.locator("h1")).to_have_text(name)
        visit.settle()
        costs[name] = sum(visit.weights.values())

    assert {name: cost for name, cost in costs.items() if cost > MOST_CHANGE} == {}
