"""The JSON of what is said about a menu: a preview, the lint, the ruler; and rows as that JSON.
Nothing is parsed here."""

from collections.abc import Iterable, Sequence
from typing import Any

from rest_framework import serializers

from ground.json.shapes import Shape
from lovense.api import menuschema
from lovense.api.menutermschema import PassedOut
from lovense.api.patternschema import CurveOut
from lovense.api.schema import ETA, Eta
from lovense.deciding.foresight import ForeseenAmount, Foresight
from lovense.deciding.outlook import DeviceOutlook, Outlook
from lovense.deciding.ranges import OutlookRange
from lovense.menus import lint, waveform
from lovense.menus.compiler import NOTES, Compiled
from lovense.menus.fixes import FixedFinding
from lovense.menus.lint import MenuFinding
from lovense.menus.matching import SHOWS
from lovense.menus.ruler import Interval
from lovense.rows import Json

# --- shapes --------------------------------------------------------------------------------------


class NoteOut(Shape):
    code = serializers.ChoiceField(tuple(NOTES))
    text = serializers.CharField()


class CannotOut(Shape):
    reason = serializers.CharField()
    function = serializers.CharField(allow_blank=True)
    text = serializers.CharField()


class DeviceOutlookOut(Shape):
    toyId = serializers.CharField(allow_blank=True, help_text="Empty while none is known")
    nickname = serializers.CharField()
    isReady = serializers.BooleanField(help_text="It can be told now")
    offsetMs = serializers.IntegerField(help_text="So much later than the run it is to start")
    calls = serializers.ListField(child=serializers.JSONField(), help_text="The vendor's commands")
    seconds = serializers.IntegerField()
    effect = serializers.FloatField(help_text="Level/20 × seconds, of all functions together")
    isExact = serializers.BooleanField(help_text="The drawing is what plays, not an approximation")
    notes = NoteOut(many=True, help_text="What is not as it was asked")
    waveform = CurveOut(many=True)
    cannot = CannotOut(allow_null=True, help_text="Why it plays nothing of it")


class ForeseenGateOut(Shape):
    gate = serializers.CharField()
    passed = serializers.BooleanField()
    saw = serializers.JSONField(allow_null=True)


class BecauseOut(Shape):
    code = serializers.ChoiceField(
        (
            *("exact", "only", "narrowest", "first", "no_match", "other_show"),
            *("cooling_down", "sold_out"),
            *("below_minimum", "default_reaction", "no_menu"),
        )
    )
    text = serializers.CharField()


class EndsOut(Shape):
    low = serializers.FloatField()
    high = serializers.FloatField()
    mean = serializers.FloatField()


class BoundsOut(Shape):
    """Of what is drawn at random; the sums beside it are of its highest."""

    promisedSeconds = EndsOut()
    effect = EndsOut()


class ForeseenAmountOut(Shape):
    amount = serializers.IntegerField()
    itemId = serializers.CharField(allow_null=True)
    title = serializers.CharField(allow_null=True)
    because = BecauseOut()
    promisedSeconds = serializers.IntegerField()
    effect = serializers.FloatField()
    bounds = BoundsOut(allow_null=True, help_text="null: nothing of it is drawn")


class ForesightOut(Shape):
    amount = serializers.IntegerField()
    version = serializers.CharField(
        help_text="`draft`, or the number of a version; `0`: none is published"
    )
    show = serializers.ChoiceField(SHOWS)
    item = menuschema.MenuItemOut(allow_null=True)
    passedOver = PassedOut(
        many=True, help_text="The items that would have answered before it, and why they do not"
    )
    because = BecauseOut()
    promisedSeconds = serializers.IntegerField()
    effect = serializers.FloatField()
    bounds = BoundsOut(allow_null=True, help_text="null: nothing of it is drawn")
    devices = DeviceOutlookOut(many=True, help_text="Each as if it were connected")
    expectedStart = Eta(
        allow_null=True,
        help_text="When such a tip would start if it came now, behind all that waits; null: "
        "nothing would play",
    )
    gates = ForeseenGateOut(
        many=True, help_text="What each would see now, up to the first that says no"
    )
    reason = serializers.CharField(
        allow_blank=True, help_text="Of the gate that says no now; empty: it would play"
    )


class AmountTableOut(Shape):
    version = serializers.CharField()
    amounts = ForeseenAmountOut(many=True)


class CheapestOut(Shape):
    version = serializers.CharField()
    itemId = serializers.CharField()
    amount = serializers.IntegerField(allow_null=True, help_text="null: no amount reaches it")


class DraftChange(Shape):
    itemId = serializers.CharField(required=False, help_text="Whose fields `change` names")
    change = serializers.DictField(
        child=serializers.JSONField(allow_null=True), required=False, help_text="Field → value"
    )
    add = menuschema.MenuFileItem(required=False, help_text="A new item, instead of both")


class PatchIn(Shape):
    revision = serializers.IntegerField(
        min_value=0, help_text="The revision of the draft that you saw"
    )
    changes = serializers.ListField(child=DraftChange(), help_text="In their order; all or none")


class FindingOut(Shape):
    code = serializers.ChoiceField(lint.CODES)
    severity = serializers.ChoiceField((lint.ERROR, lint.WARNING, lint.NOTE))
    items = serializers.ListField(child=serializers.CharField(), help_text="Their ids")
    amount = serializers.IntegerField(help_text="The smallest that shows it")
    until = serializers.IntegerField(allow_null=True, help_text="The last one; null: no end")
    show = serializers.CharField(allow_blank=True, help_text="Where it is of one show alone")
    text = serializers.CharField()
    fix = serializers.ListField(
        child=serializers.JSONField(),
        allow_null=True,
        help_text="The `changes` for `patch` that make it go; null: none is known",
    )


class PublishedOut(menuschema.MenuVersionOut):
    lint = FindingOut(many=True, help_text="What it will surprise somebody with; no `fix`")


class LintOut(Shape):
    revision = serializers.IntegerField(help_text="Of the draft that was looked at")
    isPublishable = serializers.BooleanField(help_text="No finding is an error")
    findings = FindingOut(many=True, help_text="The worst first")


class IntervalOut(Shape):
    low = serializers.IntegerField()
    high = serializers.IntegerField(allow_null=True)
    itemId = serializers.CharField(allow_null=True, help_text="null: a gap")
    title = serializers.CharField(allow_null=True)
    effect = serializers.FloatField()
    codes = serializers.ListField(child=serializers.CharField(), help_text="Of its findings")


class RulerOut(Shape):
    revision = serializers.IntegerField()
    intervals = IntervalOut(many=True, help_text="From the smallest amount that is answered")


# --- rows as JSON --------------------------------------------------------------------------------


def foresight(seen: Foresight, expected: Json | None) -> Json:
    item = seen.found.item
    return {
        "amount": seen.amount,
        "version": seen.version,
        "show": seen.show,
        "item": menuschema.item(item) if item else None,
        "because": {"code": seen.found.code, "text": seen.found.text},
        **_sums(seen.outlook),
        "bounds": _bounds(seen.bounds),
        "devices": [device(each) for each in seen.outlook.devices] if seen.outlook else [],
        "expectedStart": expected,
        "gates": [{name: gate[name] for name in ("gate", "passed", "saw")} for gate in seen.gates],
        "reason": seen.reason,
        "passedOver": [
            {"itemId": each.item["itemId"], "title": each.item["title"], "why": each.why}
            for each in seen.found.passed
        ],
    }


def amount_row(seen: ForeseenAmount) -> Json:
    item = seen.found.item
    return {
        "amount": seen.amount,
        "itemId": item["itemId"] if item else None,
        "title": item["title"] if item else None,
        "because": {"code": seen.found.code, "text": seen.found.text},
        **_sums(seen.outlook),
        "bounds": _bounds(seen.bounds),
    }


def _bounds(found: OutlookRange | None) -> Json | None:
    if found is None:
        return None
    seconds, low, high = found.seconds, found.low.effect, found.high.effect
    return {
        "promisedSeconds": {"low": found.shortest, "high": found.longest, "mean": seconds},
        "effect": {"low": low, "high": high, "mean": found.effect},
    }


def _sums(seen: Outlook | None) -> Json:
    return {
        "promisedSeconds": seen.promised_seconds if seen else 0,
        "effect": seen.effect if seen else 0.0,
    }


def device(seen: DeviceOutlook) -> Json:
    plays = seen.found if isinstance(seen.found, Compiled) else None
    return {
        "toyId": seen.toy_id,
        "nickname": seen.nickname,
        "isReady": seen.is_there,
        "offsetMs": seen.offset_ms,
        "calls": list(plays.calls) if plays else [],
        "seconds": plays.promised_seconds if plays else 0,
        "effect": round(seen.effect, 3),
        "isExact": plays.is_exact if plays else True,
        "notes": [{"code": code, "text": NOTES[code]} for code in (plays.notes if plays else ())],
        "waveform": [each._asdict() for each in waveform.paths(plays.timeline)] if plays else [],
        "cannot": None if isinstance(seen.found, Compiled) else seen.found._asdict(),
    }


def finding(found: FixedFinding) -> Json:
    one, fix = found
    return {**one._asdict(), "items": list(one.items), "fix": fix}


def findings(found: Iterable[MenuFinding]) -> list[Json]:
    """Without their fixes."""
    return [finding(FixedFinding(each, None)) for each in found]


def interval(each: Interval, codes: Sequence[str], effect: float) -> Json:
    return {
        "low": each.low,
        "high": each.high,
        "itemId": each.item["itemId"] if each.item else None,
        "title": each.item["title"] if each.item else None,
        "effect": effect,
        "codes": list(codes),
    }


# --- examples ------------------------------------------------------------------------------------

BECAUSE = {"code": "only", "text": "It is the only active item whose range holds 30."}
FORESIGHT: dict[str, Any] = {
    "amount": 30,
    "version": "3",
    "show": "public",
    "passedOver": [],
    "item": menuschema.ITEM,
    "because": BECAUSE,
    "promisedSeconds": 8,
    "effect": 1.8,
    "bounds": None,
    "devices": [
        {
            "toyId": "f1e2",
            "nickname": "Lush",
            "isReady": True,
            "offsetMs": 0,
            "calls": [
                {
                    "command": "Pattern",
                    "rule": "V:1;F:v;S:200#",
                    "strength": "1;2;4;5;6;7;8;7;6;5;4;2",
                    "timeSec": 8,
                    "apiVer": 2,
                }
            ],
            "seconds": 8,
            "effect": 1.8,
            "isExact": True,
            "notes": [],
            "waveform": [{"function": "Vibrate", "path": "M0 20V19H25V18H50V20H1000V20Z"}],
            "cannot": None,
        }
    ],
    "expectedStart": ETA,
    "gates": [{"gate": "minimum", "passed": True, "saw": "30 of at least 10"}],
    "reason": "",
}
NOTHING = FORESIGHT | {
    "amount": 5,
    "item": None,
    "because": {"code": "below_minimum", "text": "Tips below 10 tokens do nothing."},
    "promisedSeconds": 0,
    "effect": 0.0,
    "devices": [],
    "expectedStart": None,
    "gates": [{"gate": "minimum", "passed": False, "saw": "5 of at least 10"}],
    "reason": "below_minimum",
}
TABLE = {
    "version": "draft",
    "amounts": [
        {
            "amount": 30,
            "itemId": menuschema.ITEM_ID,
            "title": "Soft wave",
            "because": BECAUSE,
            "promisedSeconds": 8,
            "effect": 1.8,
            "bounds": None,
        }
    ],
}
CHEAPEST = {"version": "draft", "itemId": menuschema.ITEM_ID, "amount": 25}
FIX = [{"itemId": menuschema.ITEM_ID, "change": {"minimum": 10}}]
FINDING = {
    "code": "gap",
    "severity": "warning",
    "items": [],
    "amount": 10,
    "until": 24,
    "show": "",
    "text": "Nothing answers 10 to 24 tokens.",
    "fix": FIX,
}
LINT = {"revision": 7, "isPublishable": True, "findings": [FINDING]}
RULER = {
    "revision": 7,
    "intervals": [
        {"low": 10, "high": 24, "itemId": None, "title": None, "effect": 0.0, "codes": ["gap"]},
        {
            "low": 25,
            "high": 49,
            "itemId": menuschema.ITEM_ID,
            "title": "Soft wave",
            "effect": 1.8,
            "codes": [],
        },
    ],
}
