"""`GET /api/admin/lovense/stats`: the same numbers as the page's, as JSON."""

import pytest

from lovense.history import ranking
from tests.adminpanel.statistics.rows import count_all, fill
from tests.config.test_openapi import SCHEMA, breaches, json_of
from tests.factories import NOW, token_of

pytestmark = pytest.mark.django_db
PATH = "/api/admin/lovense/stats"


@pytest.fixture
def get(client, dina, monkeypatch):
    monkeypatch.setattr("ground.clock.now", lambda: NOW)

    def ask(**query):
        answer = client.get(PATH, query, headers={"Authorization": f"Token {token_of(dina)}"})
        described = SCHEMA["paths"][PATH]["get"]["responses"][str(answer.status_code)]
        assert breaches(json_of(described)["schema"], answer.json()) == []
        return answer

    return ask


@pytest.fixture
def history(ana, carol):
    found = fill([ana.pk, carol.pk], 120)
    count_all([ana.pk, carol.pk])
    return found


@pytest.mark.parametrize("by", ["device", "bridge", "kind", "pattern", "outcome", "performer"])
def test_the_parts_of_a_period_are_together_the_whole(get, history, by):
    told = get(period="90d", by=by).json()
    for name in ("tips", "over", "played", "tokens", "net", "commission", "owedSeconds"):
        assert sum(each[name] for each in told["by"]) == pytest.approx(told["numbers"][name]), name
    assert told["numbers"]["tips"] > 50
    assert sum(each["tips"] for each in told["numbers"]["notPlayed"]) == (
        told["numbers"]["over"] - told["numbers"]["played"]
    )


def test_each_value_of_by_can_be_asked_for_and_is_that_part(get, history):
    for each in get(period="90d", by="pattern").json()["by"]:
        alone = get(period="90d", pattern=each["value"]).json()
        assert alone["numbers"]["tokens"] == each["tokens"]
        assert alone["numbers"]["settledToSent"] == each["settledToSent"]
        assert alone["settled"] is None


def test_of_one_performer_it_is_hers(get, history, ana):
    [hers] = [each for each in get(period="90d", by="performer").json()["by"] if each["value"] == ana.pk]
    assert get(period="90d", performer=ana.pk).json()["numbers"]["tokens"] == hers["tokens"]


def test_a_limit_leaves_the_most_tipped(get, history):
    whole = get(period="90d", by="performer").json()["by"]
    assert get(period="90d", by="performer", limit=1).json()["by"] == whole[:1]


def test_a_ranking_says_where_of_each_day_only_some_count(get, history, monkeypatch):
    assert get(period="90d", by="performer").json()["ofEachDay"] is None
    monkeypatch.setattr(ranking, "WHOLE", 0)
    monkeypatch.setattr(ranking, "CUT", 0)
    told = get(period="90d", by="performer", limit=1).json()
    assert (told["ofEachDay"], len(told["by"])) == (1, 1)
    assert get(period="90d", by="kind").json()["ofEachDay"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period": "1e1d"}, "period"),
        ({"period": "९d"}, "period"),
        ({"from": "2026-02-01"}, "from"),
        ({"from": "2025-09-01", "to": "2026-01-01"}, "from"),
        ({"to": "x"}, "to"),
        ({"bridge": "{$gt:1}"}, "bridge"),
        ({"performer": "x"}, "performer"),
        ({"by": "secret"}, "by"),
        ({"by": "performer", "kind": "LEVEL"}, "by"),
        ({"limit": "201"}, "limit"),
        ({"limit": "0"}, "limit"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_field(get, query, field):
    answer = get(**query)
    assert answer.status_code == 400
    assert field in str(answer.json())
