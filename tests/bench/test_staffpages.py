"""`python -m bench.staffpages`: what it asks is all there is to ask, and what it calls a miss is one."""

import pytest
from django.contrib import admin

from adminpanel.views import listed
from bench import staffasked, staffpages
from bench.staffpages import missed
from config.seeds import history
from config.seeds.crowd import CrowdSize
from tests.factories import NOW

LISTS = (listed.AUDIT, listed.TIPS, listed.DELIVERIES, listed.DEVICES, listed.PERFORMERS)


@pytest.fixture
def pages(db):
    size = CrowdSize(performers=8, tips=40, activations=120, audit=120, days=3)
    history.make_crowd(size, seed=7, now=NOW, progress=lambda rows: None)
    return staffasked.pages("dina")


def test_each_key_and_view_of_each_list_is_asked_and_each_list_of_records(pages):
    for each in LISTS:
        asked = [name.partition(": ")[2] for name in pages if name.startswith(f"{each.title}: ")]
        keys = {word.lstrip("-").partition(":")[0] for query in asked for word in query.split(" ")}
        assert {*each.records.listed.keys} <= keys
        assert {view.query.format(me="dina") for view in each.records.views} <= {*asked}
        assert sum(" " in query for query in asked) >= staffasked.PAIRS
    assert sum(name.startswith("Records: ") for name in pages) == len(admin.site._registry)


def row(**more):
    cpu = {"p50": 10.0, "p95": 20.0}
    usual = {f"{size}_{kind}": cpu for size in ("few", "many") for kind in ("cpu", "clock")}
    counts = {f"{size}_{kind}": 9 for size in ("few", "many") for kind in ("commands", "shown")}
    return {**usual, **counts, "wrong": [], "page": "Tips", **more}


@pytest.mark.parametrize(
    ("more", "misses"),
    [
        ({}, []),
        ({"many_cpu": {"p50": 10.0, "p95": 27.0}}, ["ratio"]),
        ({"many_cpu": {"p50": 10.0, "p95": 27.0}, "many_shown": 50}, []),
        ({"many_cpu": {"p50": 10.0, "p95": 201.0}}, ["ms", "ratio"]),
        ({"many_commands": 21}, ["commands"]),
        ({"wrong": ["tips: scans"]}, ["tips: scans"]),
    ],
)
def test_what_misses_a_bound_is_said(more, misses):
    assert missed(row(**more)) == misses


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"planSummary": "IXSCAN { at: -1 }", "docsExamined": 51, "nreturned": 51}, ""),
        ({"planSummary": "IXSCAN { at: -1 }", "docsExamined": 204, "nreturned": 1}, "examines 204 for 1"),
        ({"planSummary": "COLLSCAN", "docsExamined": 7, "nreturned": 7}, ""),
        ({"planSummary": "COLLSCAN", "docsExamined": 300, "nreturned": 300}, "scans"),
        ({"planSummary": "IXSCAN", "hasSortStage": True, "keysExamined": 201, "nreturned": 1}, "sorts"),
        ({"planSummary": "IXSCAN", "hasSortStage": True, "keysExamined": 1, "nreturned": 1}, ""),
    ],
)
def test_what_the_profiler_says_of_a_command_is_judged(said, wrong):
    assert staffpages._plan({"op": "query", "ns": "tips.tips", **said})["wrong"] == wrong
