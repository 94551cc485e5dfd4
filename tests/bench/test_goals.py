"""What the comparison says of rows it is given."""

from typing import Any

from bench.goals import FLOOR_PEER, OURS, QUEUE_PEER, figures, ratios


def fastest(label: str, tips_per_s: float, *, ms_per_tip: float = 1.0) -> dict[str, Any]:
    processes = {
        "server": {"ms_per_tip": ms_per_tip, "rss_mb": 100.0},
        "mongod": {"ms_per_tip": 1.0, "rss_mb": 900.0},
    }
    return {"kind": "max", "label": label, "tips_per_s": tips_per_s, "processes": processes}


def test_a_figure_is_the_median_of_its_rounds() -> None:
    found = figures([fastest(OURS, rate) for rate in (100, 900, 200)])
    assert found["max tips/s"] == {OURS: 200}


def test_the_databases_memory_is_nobodys() -> None:
    assert figures([fastest(OURS, 1)])["RSS MB, servers"] == {OURS: 100}


def test_the_databases_work_is_part_of_a_tips_cost() -> None:
    assert figures([fastest(OURS, 1)])["CPU ms/tip, all"] == {OURS: 2.0}


def test_each_goal_says_whether_the_target_or_only_the_must_is_reached() -> None:
    rows = [
        fastest(OURS, 3000, ms_per_tip=0.2),
        fastest(QUEUE_PEER, 800, ms_per_tip=5.0),
        fastest(FLOOR_PEER, 20_000),
    ]
    reached = {line[0]: line[-1] for line in ratios(figures(rows))}
    assert reached[f"max tips/s ÷ {QUEUE_PEER}"] == "must"
    assert reached[f"max tips/s ÷ {FLOOR_PEER}"] == "MISSED"
    assert reached[f"CPU ms/tip, all ÷ {QUEUE_PEER}"] == "target"


def test_a_system_that_never_came_back_is_silent_for_ever() -> None:
    killed = {"kind": "crash", "label": OURS, "posted": 900, "accepted": 302, "lost": 0, "longest_gap_s": 0.1}
    assert ratios(figures([killed]))[0][-1] == "MISSED"


def test_what_was_not_measured_is_not_compared() -> None:
    assert ratios(figures([fastest(OURS, 3000)])) == []
