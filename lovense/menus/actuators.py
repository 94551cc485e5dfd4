"""What a device can be told, as the compiler sees it: functions, their ranges and caps. Pure."""

from typing import NamedTuple

from lovense.menus.vibration import FUNCTION
from lovense.timeline import FULL_SCALE, TOP


class Actuator(NamedTuple):
    """A function that may be told to a device. `letter`: its own in a pattern, "" where it has
    none; `top`, `cap` and `floor` in its own range. `stops_at_zero` False: it may take level 0 for
    full speed."""

    name: str
    letter: str = ""
    top: int = TOP
    cap: int = TOP
    floor: int = 0
    stops_at_zero: bool = True

    def within(self, intensity: int) -> int:
        """Its cap where no more than this of 20 is allowed; never rounded up over it."""
        return min(self.cap, intensity * self.top // TOP)

    @property
    def least(self) -> int:
        """Its floor, of 20."""
        return self.floor * TOP // self.top

    @property
    def has_curve(self) -> bool:
        """It can be told a list of strengths as it is, not scaled by the app."""
        return self.top == TOP and len(self.letter) == 1

    def own(self, level: int) -> int:
        return -(-level * self.top // TOP)


VIBRATES = Actuator(FUNCTION, "v")


class Capabilities(NamedTuple):
    """Of devices that are told the same. `scale`: how much of every strength, in percent.
    `takes_overlays`: a function can be told beside what runs. `lease_seconds`: a run is told in
    slices of at most so long; 0: by one command. `hold_seconds`: the shortest step of one that is
    told in steps; 0: none is."""

    main: str = FUNCTION
    actuators: tuple[Actuator, ...] = (VIBRATES,)
    scale: int = FULL_SCALE
    takes_overlays: bool = False
    lease_seconds: int = 0
    hold_seconds: int = 0

    def actuator(self, name: str) -> Actuator | None:
        return next((each for each in self.actuators if each.name == name and each.cap), None)


VIBRATING = Capabilities()


class VibrationCaps(NamedTuple):
    """The strictest of the platform's, of hers and of the devices'."""

    seconds: int
    intensity: int
