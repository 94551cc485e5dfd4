"""What a strength that an item asks for becomes on one device, by the compiler that makes the
commands. Pure."""

from lovense.devices import summary
from lovense.menus.actuators import Capabilities, VibrationCaps
from lovense.menus.compiler import Compiled, compile_vibration
from lovense.menus.vibration import MAXIMUM_LEVEL, Vibration, VibrationKind

ASKED, SECONDS = 12, 10


def becomes(function: str, *, scale: int, floor: int, cap: int) -> int | None:
    """ASKED of 20, in the function's own range; None: it moves only together with another."""
    told = Capabilities(function, (summary.actuator(function, cap=cap, floor=floor),), scale)
    level = Vibration(VibrationKind.LEVEL, SECONDS, ASKED)
    found = compile_vibration(level, told, VibrationCaps(SECONDS, MAXIMUM_LEVEL))
    if not isinstance(found, Compiled):
        return None
    return int(str(found.calls[0]["action"]).rpartition(":")[2])
