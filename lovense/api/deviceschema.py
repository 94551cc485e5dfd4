"""A performer's devices at the wire: the shapes that the API's description shows, and how a row
becomes one of them. Nothing is decided here."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from ground import clock
from ground.json.shapes import Shape
from lovense.api.schema import AT
from lovense.devices import summary, toytable
from lovense.devices.readings import LONGEST_NICKNAME
from lovense.menus.vibration import LONGEST_ITEM_SECONDS, SHORTEST_RUN_SECONDS
from lovense.models import DeviceStatus
from lovense.rows import DeviceRow, FunctionRow, Json
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
        help_text="What moves hardware (`isGuarded`) cannot be switched on here: 409 `needs_trial`",
    )
    cap = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=max(toytable.TOPS.values()),
        help_text="The strongest level that may be sent, at most the end of the function's `range`",
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
    functions = serializers.DictField(
        required=False, child=FunctionChoiceIn(), help_text="By the function's name"
    )


# --- out -----------------------------------------------------------------------------------------


class DeviceFunction(Shape):
    name = serializers.CharField()
    isEnabled = serializers.BooleanField(help_text="Whether it may be sent")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        SOURCES,
        help_text="Who says that the device has it: she tried it, it reported it, its type is "
        "known for it, or nobody does and it is assumed",
    )
    range = serializers.ListField(
        child=serializers.IntegerField(), min_length=2, max_length=2, help_text="Of its levels"
    )
    cap = serializers.IntegerField(help_text="The strongest level that may be sent")
    isGuarded = serializers.BooleanField(help_text="Moves hardware: off until she has tried it")
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
    hostId = serializers.CharField(
        allow_null=True, help_text="The paired app that reports it; null: her page does"
    )
    functions = DeviceFunction(many=True)
    unsupported = serializers.ListField(
        child=serializers.CharField(), help_text="Functions that it names and nobody here knows"
    )


class DevicesOut(Shape):
    devices = DeviceOut(many=True)


def standing(row: DeviceRow) -> Json:
    return {
        "status": row["status"],
        "reason": row["reason"],
        "battery": row["battery"],
        "lastSeenAt": clock.iso(row["last_seen_at"]),
    }


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
        "hostId": row["host_id"] or None,
        "functions": [_function(row, each) for each in row["functions"]],
        "unsupported": row["unsupported"],
    }


def _function(row: DeviceRow, function: FunctionRow) -> Json:
    name = function["name"]
    return {
        "name": name,
        "isEnabled": summary.is_function_enabled(row, name),
        "source": function["source"],
        "range": [0, toytable.TOPS[name]],
        "cap": summary.cap_of(row, name),
        "isGuarded": name in summary.GUARDED,
        "isUsed": name not in toytable.NOT_USED,
    }


# --- examples ------------------------------------------------------------------------------------

_MOVES = {"isEnabled": True, "source": "gettoys", "range": [0, 20], "cap": 20}
_MOVES |= {"isGuarded": False, "isUsed": True}
_VIBRATES: Json = {"name": "Vibrate"} | _MOVES
_THRUSTS: Json = {"name": "Thrusting"} | _MOVES | {"isEnabled": False, "isGuarded": True}
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
    "hostId": "5d0b6f1c2a525a0e9a633d1f",
    "functions": [_VIBRATES, _THRUSTS],
    "unsupported": [],
}
AWAY = STANDING | {"status": "disconnected", "reason": "no_news"}
CHOICE = {"nickname": "Red", "maximumSeconds": 20, "functions": {"Vibrate": {"cap": 12}}}
CHOSEN = DEVICE | {"nickname": "Red", "maximumSeconds": 20}
CHOSEN |= {"functions": [_VIBRATES | {"cap": 12}, _THRUSTS]}
