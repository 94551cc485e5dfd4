"""An order to the control door: its fields, each asked for by its kind and within its bounds."""

from typing import Any

from lovense.vendor_simulator.calls import BadCall, VendorCall
from lovense.vendor_simulator.phones.phone import Phone
from lovense.vendor_simulator.world import VendorWorld

LONGEST_NAME = 64
LONGEST_LIST = 100


class SimOrder:
    """The fields of an order, each asked for by its kind. Raises BadCall."""

    def __init__(self, world: VendorWorld, call: VendorCall) -> None:
        self._world, self.query = world, call.query
        found = call.json() if call.body else {}
        if found is None:
            raise BadCall(400, "malformed", "The body is a JSON object.")
        self.fields = found

    def text(self, name: str, default: str | None = None, *, most: int = LONGEST_NAME) -> str:
        value = self._value(name, default)
        if not isinstance(value, str) or len(value) > most:
            raise invalid(name, f"is a text of at most {most} characters")
        return value

    def flag(self, name: str) -> bool:
        value = self._value(name, None)
        if not isinstance(value, bool):
            raise invalid(name, "is true or false")
        return value

    def number(self, name: str, default: float | None = None, *, most: float) -> float:
        value = self._value(name, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= most:
            raise invalid(name, f"is a number from 0 to {most:g}")
        return float(value)

    def choice(self, name: str, default: str, allowed: Any) -> str:
        value = self._value(name, default)
        if not isinstance(value, str) or value not in allowed:
            raise invalid(name, f"is one of {', '.join(allowed)}")
        return value

    def items(self, name: str) -> list[Any]:
        value = self._value(name, None)
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise invalid(name, f"is a list of at most {LONGEST_LIST}")
        return value

    def phone(self) -> Phone:
        """The one that is named; without a name the first."""
        if "phone" not in self.fields:
            return self._world.phone
        found = self._world.phones.get(self.text("phone"))
        if found is None:
            raise BadCall(404, "unknown_phone", "There is no such phone.")
        return found

    def _value(self, name: str, default: Any) -> Any:
        value = self.fields.get(name, default)
        if value is None:
            raise invalid(name, "is missing")
        return value


def invalid(name: str, rule: str) -> BadCall:
    return BadCall(400, "invalid", f"{name}: {rule}.", field=name, rule=rule)
