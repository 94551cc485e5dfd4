"""`GET /api/admin/lovense/stats`: what was tipped in a period, what became of it and how fast, for
staff."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from adminpanel.api.schema import OF_STAFF, example, given
from adminpanel.doors import ByTable
from adminpanel.statistics import asked as asking
from adminpanel.statistics import period
from adminpanel.statistics.counted import Counted, Numbers, Took
from adminpanel.watch import recounting
from ground import clock
from ground.json.fields import Malformed
from ground.json.shapes import Shape, refusal
from lovense.deciding.shortfall import TENTHS
from lovense.history import facets
from lovense.rows import Json
from tips.schema import HexId

BY_PERFORMER = "performer"
MOST = 200
_WORD_HELP = "A word that `by` this shows; `none`: of what has none"


class InvalidStatistics(Malformed):
    """A period is days up to today, or from a day to a day; each facet has one word."""


def _word() -> serializers.CharField:
    return serializers.CharField(required=False, max_length=40, help_text=_WORD_HELP)


class StatisticsIn(Shape):
    period = serializers.CharField(required=False, max_length=20, help_text=period.RULE)
    device, bridge, kind, pattern, outcome = (_word() for _ in facets.NAMES)
    performer = HexId(required=False)
    by = serializers.ChoiceField([*facets.NAMES, BY_PERFORMER], required=False)
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST, default=MOST, help_text="Of `by`"
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of the language."""
        said = "A day (UTC), as 2026-01-03"
        ends = {
            name: serializers.DateField(required=False, help_text=said) for name in ("from", "to")
        }
        return {**super().get_fields(), **ends}


class TookOut(Shape):
    """Milliseconds, right to 9.1 %; null: nothing was counted."""

    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class ReasonOut(Shape):
    reason = serializers.CharField()
    tips = serializers.IntegerField()


class SumsOut(Shape):
    tips = serializers.IntegerField(help_text="Whose turn came in the period")
    over = serializers.IntegerField(help_text="Of them, those of which it is known what became")
    played = serializers.IntegerField()
    tokens = serializers.IntegerField()
    net = serializers.IntegerField()
    commission = serializers.IntegerField()
    promisedSeconds = serializers.FloatField()
    deliveredSeconds = serializers.FloatField()
    owedSeconds = serializers.FloatField()


class NumbersOut(SumsOut):
    notPlayed = ReasonOut(many=True, help_text="The most common first")
    settledToSent = TookOut()
    sentToStarted = TookOut()


class PartOut(SumsOut):
    value = serializers.CharField(help_text="The word of the facet, or a performer's id")
    settledToSent = TookOut(allow_null=True, help_text="null: of a performer")
    sentToStarted = TookOut(allow_null=True, help_text="null: of a performer")


class SettledOut(Shape):
    tips = serializers.IntegerField()
    tokens = serializers.IntegerField()


class StatisticsOut(Shape):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    countedAt = serializers.DateTimeField(
        allow_null=True, help_text="All that was so then is counted"
    )
    isLate = serializers.BooleanField(help_text="Nobody has counted for three minutes")
    settled = SettledOut(
        allow_null=True, help_text="By the hour of settlement; null where a facet is asked for"
    )
    numbers = NumbersOut()
    before = NumbersOut(help_text="Of the period before, as long and as far along")
    by = PartOut(many=True, allow_null=True, help_text="The most tips, or tokens, first")
    ofEachDay = serializers.IntegerField(
        allow_null=True,
        help_text="By performer, where there are too many to add up: so many count of each day, "
        "those who were tipped most in it; null: all",
    )


_TOOK: Json = {"p50": 210.8, "p95": 501.4, "p99": 843.2}
_SUMS: Json = {
    "tips": 120,
    "over": 118,
    "played": 112,
    "tokens": 12_000,
    "net": 9_000,
    "commission": 3_000,
    "promisedSeconds": 1_180.0,
    "deliveredSeconds": 1_102.5,
    "owedSeconds": 12.0,
}
_NUMBERS = {**_SUMS, "settledToSent": _TOOK, "sentToStarted": _TOOK}
WEEK: Json = {
    "since": "2025-12-28T00:00:00.000Z",
    "until": "2026-01-03T05:00:00.000Z",
    "countedAt": "2026-01-03T04:15:00.000Z",
    "isLate": False,
    "settled": {"tips": 121, "tokens": 12_100},
    "numbers": {**_NUMBERS, "notPlayed": [{"reason": "device_offline", "tips": 6}]},
    "before": {**_NUMBERS, "notPlayed": []},
    "by": [{"value": "STANDARD_LAN", **_NUMBERS}],
    "ofEachDay": None,
}


@extend_schema(
    operation_id="admin_stats",
    summary="What was tipped in a period, what became of it, and how fast",
    parameters=[StatisticsIn],
    responses={200: StatisticsOut, 400: refusal("A field breaks a rule"), **OF_STAFF},
    examples=[example("A week by path", WEEK)],
)
@api_view(["GET"])
@permission_classes([ByTable])
def stats(request: Request) -> Response:
    """Without a period, the last seven days. By performer, a facet cannot be asked for."""
    shape = given(StatisticsIn(data=request.query_params))
    now, by = clock.now(), shape.get("by", "")
    asked = asking.read(request.query_params, now)
    for field, rule in asked.errors.items():
        raise InvalidStatistics(field, rule)
    if by == BY_PERFORMER and (asked.is_narrowed or asked.performer_id):
        raise InvalidStatistics("by", "must be another one where something else is asked for")
    counted, fresh = Counted(asked), recounting.freshness()
    settled = None if asked.is_narrowed else _settled(counted)
    answer = {
        "since": clock.iso(asked.period.since),
        "until": clock.iso(asked.period.until),
        "countedAt": clock.iso(fresh.at) if fresh.at else None,
        "isLate": fresh.is_late(now),
        "settled": settled,
        "numbers": _numbers(counted.now),
        "before": _numbers(counted.before),
        **_by(counted, by, shape["limit"]),
    }
    return Response(answer)


def _settled(counted: Counted) -> Json:
    found = counted.settled(counted.asked.period.since, counted.asked.period.until)
    return {"tips": found.tips, "tokens": found.tokens}


def _numbers(found: Numbers) -> Json:
    reasons = [{"reason": why, "tips": tips} for why, tips in found.not_played]
    return {**_of_numbers(found), "notPlayed": reasons}


def _of_numbers(found: Numbers) -> Json:
    sums = {name: found.sums[name] for name in facets.SUMMED}
    told = _sums({**sums, "over": found.over, "played": found.played})
    return {**told, "settledToSent": _took(found.sent), "sentToStarted": _took(found.started)}


def _sums(sums: Mapping[str, int]) -> Json:
    return {
        **{name: sums[name] for name in ("tips", "over", "played", "tokens", "net")},
        "commission": sums["tokens"] - sums["net"],
        **{f"{name}Seconds": sums[name] / TENTHS for name in ("promised", "delivered", "owed")},
    }


def _took(found: Took) -> Json:
    shares = found._asdict().items()
    return {name: value if value is None else round(value, 1) for name, value in shares}


def _by(counted: Counted, by: str, limit: int) -> Json:
    if by == BY_PERFORMER:
        none = {"settledToSent": None, "sentToStarted": None}
        found = counted.ranked(limit)
        told = [{"value": each.performer_id, **_sums(each.sums), **none} for each in found.rows]
        return {"by": told, "ofEachDay": found.of_each or None}
    if not by:
        return {"by": None, "ofEachDay": None}
    words = [
        {"value": asking.said_of(word), **_of_numbers(each)}
        for word, each in counted.by(by)[:limit]
    ]
    return {"by": words, "ofEachDay": None}
