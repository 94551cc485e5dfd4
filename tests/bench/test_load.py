"""The generator's accounting: small histories made by hand, and what is said of them."""

import pytest

from bench.load import OfferedTip, disordered, judge, percentiles


def tip(
    name: str, *, posted: float, accepted: float | None, arrivals: tuple[float, ...] = (), performer: int = 0
) -> OfferedTip:
    return OfferedTip(name, performer, posted, accepted, list(arrivals))


def test_a_quiet_history_is_clean() -> None:
    history = [tip("a", posted=0, accepted=1, arrivals=(2,)), tip("b", posted=3, accepted=4, arrivals=(5,))]
    judgement = judge(history)
    assert judgement.clean
    assert (judgement.accepted, judgement.delivered) == (2, 2)


def test_an_accepted_tip_that_never_arrives_is_lost() -> None:
    judgement = judge([tip("a", posted=0, accepted=1)])
    assert judgement.lost == 1
    assert not judgement.clean


def test_a_tip_that_was_never_accepted_cannot_be_lost() -> None:
    judgement = judge([tip("a", posted=0, accepted=None)])
    assert (judgement.lost, judgement.accepted) == (0, 0)


def test_a_command_may_arrive_before_its_post_is_answered() -> None:
    judgement = judge([tip("a", posted=0, accepted=3, arrivals=(2,))])
    assert judgement.clean


def test_a_second_arrival_counts_the_tip_once_as_twice() -> None:
    judgement = judge([tip("a", posted=0, accepted=1, arrivals=(2, 3, 4))])
    assert judgement.twice == 1
    assert judgement.delivered == 1
    assert not judgement.clean


def test_a_tip_posted_after_another_was_accepted_may_not_overtake_it() -> None:
    first, second = (
        tip("a", posted=0, accepted=1, arrivals=(9,)),
        tip("b", posted=2, accepted=3, arrivals=(4,)),
    )
    assert judge([first, second]).disordered == 1


def test_posts_under_way_together_may_arrive_either_way_round() -> None:
    first, second = (
        tip("a", posted=0, accepted=3, arrivals=(9,)),
        tip("b", posted=2, accepted=4, arrivals=(5,)),
    )
    assert judge([first, second]).disordered == 0


def test_order_is_asked_of_each_performer_alone() -> None:
    ana = tip("a", posted=0, accepted=1, arrivals=(9,), performer=0)
    eve = tip("b", posted=2, accepted=3, arrivals=(4,), performer=1)
    assert judge([ana, eve]).disordered == 0


def test_every_overtaker_is_counted() -> None:
    late = tip("a", posted=0, accepted=1, arrivals=(9,))
    early = [
        tip(name, posted=2 + at, accepted=2.5 + at, arrivals=(5 + at / 10,)) for at, name in enumerate("bc")
    ]
    assert disordered([*early, late]) == 2


def test_commands_in_flight_together_are_not_clean() -> None:
    assert not judge([], in_flight=1).clean


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, {"p50": 1, "p95": 1, "p99": 1, "max": 1}), (100, {"p50": 51, "p95": 96, "p99": 100, "max": 100})],
)
def test_percentiles_are_ranks_of_what_was_measured(count: int, expected: dict[str, float]) -> None:
    assert percentiles([float(value) for value in range(count, 0, -1)]) == expected


def test_nothing_measured_has_no_percentiles() -> None:
    assert percentiles([]) == {}
