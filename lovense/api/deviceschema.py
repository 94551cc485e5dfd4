"""A performer's devices at the wire: the shapes that the API's description shows, and how a row
becomes one of them. Nothing is decided here."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from ground import clock
from ground.json.shapes import Shape
from lovense.api.schema import AT, REQUEST_ID
from lovense.devices import choices, summary, toytable
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.lane import devicetests
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, MAXIMUM_LEVEL, SHORTEST_RUN_SECONDS
from lovense.models import DeviceStatus
from lovense.rows import DeviceLogRow, DeviceRow, FunctionRow, Json
from lovense.timeline import FULL_SCALE
from tips.schema import PERFORMER_ID

SOURCES = ("verified", "gettoys", "table", "default")
DEVICE_ID = f"{PERFORMER_ID}.d6c35f0a1b2c"
DEVICE_PATH = OpenApiParameter(
    "device_id",
    str,
    OpenApiParameter.PATH,
    description="As the list of her devices names it",
)

# --- in ------------------------------------------------------------------------------------------


class FunctionChoiceIn(Shape):
    isEnabled = serializers.BooleanField(
        required=False,
        help_text="What moves hardware (`isGuarded`) is switched on once it is verified: else 409 "
        "`not_verified`",
    )
    cap = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=max(toytable.TOPS.values()),
        help_text="The strongest level that may be sent, at most the end of the function's `range`",
    )
    floor = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=summary.STRONGEST_FLOOR,
        help_text="The weakest level that is felt: what moves is told no less, and never more than "
        "the cap",
    )


class ChoiceIn(Shape):
    """What it does not name stays as it is."""

    nickname = serializers.CharField(
        required=False,
        max_length=LONGEST_NICKNAME,
        help_text="Each of her devices has one of its own, whatever its case",
    )
    enabled = serializers.BooleanField(required=False)
    maximumSeconds = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=SHORTEST_RUN_SECONDS,
        max_value=LONGEST_ITEM_SECONDS,
        help_text="The longest run; null: her own limit and the platform's alone",
    )
    scalePercent = serializers.IntegerField(
        required=False,
        min_value=choices.WEAKEST_SCALE,
        max_value=FULL_SCALE,
        help_text="Of the strength that is asked of it",
    )
    leadMs = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=choices.LONGEST_LEAD_MS,
        help_text="How much later than others it answers: it is told so much earlier, or the "
        "others later. By the vendor's cloud in whole seconds",
    )
    functions = serializers.DictField(
        required=False, child=FunctionChoiceIn(), help_text="By the function's name"
    )
    verified = serializers.DictField(
        required=False,
        child=serializers.BooleanField(),
        help_text="By the function's name: whether it moved as expected. Of what moves hardware "
        "only after a test that has played to its end within ten minutes: else 409 "
        "`not_verified`. `false` switches it off",
    )


class DeviceTestIn(Shape):
    """An empty body tests the main function, gently."""

    strength = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAXIMUM_LEVEL,
        default=devicetests.STRENGTH,
        help_text="Of 20, whatever the function's `range`",
    )
    seconds = serializers.IntegerField(
        required=False,
        min_value=devicetests.SECONDS,
        max_value=devicetests.LONGEST_SECONDS,
        default=devicetests.SECONDS,
    )
    function = serializers.ChoiceField(
        tuple(toytable.TOPS), required=False, help_text="Default: the main one of its type"
    )


# --- out -----------------------------------------------------------------------------------------


class DeviceFunction(Shape):
    name = serializers.CharField()
    isEnabled = serializers.BooleanField(help_text="Whether it may be sent")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        SOURCES,
        help_text="Who says that the device has it: she tested it, it reported it, its type is "
        "known for it, or nobody does and it is assumed",
    )
    range = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text="Of its levels"
    )
    cap = serializers.IntegerField(help_text="The strongest level that may be sent")
    floor = serializers.IntegerField(help_text="The weakest level that is felt; 0: none was set")
    isGuarded = serializers.BooleanField(help_text="Moves hardware: off until it is verified")
    isUsed = serializers.BooleanField(help_text="False: known, and never sent")


class DeviceStanding(Shape):
    status = serializers.ChoiceField(DeviceStatus.choices)
    reason = serializers.CharField(
        allow_blank=True,
        help_text="Why it is not connected: `reported`, `missing` from the last report of its app, "
        "`app_offline`, `no_news`; else empty",
    )
    battery = serializers.IntegerField(allow_null=True, help_text="0 to 100; null: unknown")
    lastSeenAt = serializers.DateTimeField()


class DeviceOut(DeviceStanding):
    id = serializers.CharField()
    toyId = serializers.CharField(help_text="As its app or her page names it")
    name = serializers.CharField()
    nickname = serializers.CharField()
    toyType = serializers.CharField()
    firmware = serializers.CharField(allow_blank=True)
    enabled = serializers.BooleanField(help_text="Whether it plays at all")
    maximumSeconds = serializers.IntegerField(
        allow_null=True, help_text="Her limit for this device; null: none of its own"
    )
    scalePercent = serializers.IntegerField(help_text="Of the strength that is asked of it")
    leadMs = serializers.IntegerField(help_text="How much later than others it answers")
    hostId = serializers.CharField(
        allow_null=True, help_text="The paired app that reports it; null: her page does"
    )
    functions = DeviceFunction(many=True)
    unsupported = serializers.ListField(
        child=serializers.CharField(), help_text="Functions that it names and nobody here knows"
    )


class TestedOut(Shape):
    requestId = serializers.CharField(help_text="For `/api/performance-queue/status/:requestId`")


class DevicesOut(Shape):
    devices = DeviceOut(many=True)


class DeviceLogLineOut(Shape):
    at = serializers.DateTimeField(help_text="When it was told")
    path = serializers.CharField(help_text="The bridge by which it was told")
    told = serializers.CharField(
        help_text="A level, a pattern or a preset with its seconds; `stop`"
    )
    outcome = serializers.CharField(help_text="What the answer meant, as in docs/bridges.md")
    ms = serializers.FloatField(help_text="From telling to the answer")


class DeviceLogOut(Shape):
    lines = DeviceLogLineOut(many=True, help_text="The newest first")


def standing(row: DeviceRow) -> Json:
    return {
        "status": row["status"],
        "reason": row["reason"],
        "battery": row["battery"],
        "lastSeenAt": clock.iso(row["last_seen_at"]),
    }


def log_line(row: DeviceLogRow) -> Json:
    told: Json = {"path": row["path"], "told": row["told"], "outcome": row["outcome"]}
    return {"at": clock.iso(row["at"]), **told, "ms": row["ms"]}


def device(row: DeviceRow) -> Json:
    return standing(row) | {
        "id": row["_id"],
        "toyId": row["toy_id"],
        "name": row["name"],
        "nickname": row["nickname"],
        "toyType": row["toy_type"],
        "firmware": row["firmware"],
        "enabled": row["is_enabled"],
        "maximumSeconds": row["maximum_seconds"],
        "scalePercent": summary.scale_of(row),
        "leadMs": summary.lead_of(row),
        "hostId": row["host_id"] or None,
        "functions": [_function(row, each) for each in row["functions"]],
        "unsupported": row["unsupported"],
    }


def _function(row: DeviceRow, function: FunctionRow) -> Json:
    name = function["name"]
    return {
        "name": name,
        "isEnabled": summary.is_function_enabled(row, name),
        "source": summary.source_of(row, function),
        "range": [0, toytable.TOPS[name]],
        "cap": summary.cap_of(row, name),
        "floor": summary.floor_of(row, name),
        "isGuarded": name in summary.GUARDED,
        "isUsed": name not in toytable.NOT_USED,
    }


# --- examples ------------------------------------------------------------------------------------

_MOVES = {"isEnabled": True, "source": "gettoys", "range": [0, 20], "cap": 20}
_MOVES |= {"floor": 0, "isGuarded": False, "isUsed": True}
_VIBRATES: Json = {"name": "Vibrate"} | _MOVES
_THRUSTS: Json = {"name": "Thrusting"} | _MOVES | {"isEnabled": False, "isGuarded": True}
LEVEL_LINE = {
    "at": AT,
    "path": "STANDARD_SERVER",
    "told": "Vibrate:12, 8 s",
    "outcome": "accepted",
    "ms": 143.5,
}
STOP_LINE = LEVEL_LINE | {"told": "stop", "ms": 97.1}
STANDING = {"status": "connected", "reason": "", "battery": 88, "lastSeenAt": AT}
DEVICE = STANDING | {
    "id": DEVICE_ID,
    "toyId": "d6c35f0a1b2c",
    "name": "Gravity",
    "nickname": "Gravity",
    "toyType": "gravity",
    "firmware": "12",
    "enabled": True,
    "maximumSeconds": None,
    "scalePercent": 100,
    "leadMs": 0,
    "hostId": "5d0b6f1c2a525a0e9a633d1f",
    "functions": [_VIBRATES, _THRUSTS],
    "unsupported": [],
}
VERIFIED = {"verified": {"Thrusting": True}, "functions": {"Thrusting": {"isEnabled": True}}}
TESTED = {"requestId": REQUEST_ID}
AWAY = STANDING | {"status": "disconnected", "reason": "no_news"}
CHOICE = {"nickname": "Red", "maximumSeconds": 20, "functions": {"Vibrate": {"cap": 12}}}
CHOSEN = DEVICE | {"nickname": "Red", "maximumSeconds": 20}
CHOSEN |= {"functions": [_VIBRATES | {"cap": 12}, _THRUSTS]}
