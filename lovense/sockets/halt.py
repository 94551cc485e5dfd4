"""What one page is told of the performer's stop, and what it is not told because of it.

Told at once, then again and again, since what had been accepted before may still be on its way to a
toy; never again once something that was decided after she resumed goes to the page, for it would
end that. A command from before the stop does not pass."""

import asyncio
import time
from collections.abc import Callable

from lovense.rows import Json
from lovense.sending.envelope import STOP

# After the press, also where the page has said that its toys are still.
AGAIN_SECONDS = (0.3, 1.0, 2.0, 4.0, 8.0)
EVERY_SECONDS = 8.0  # after those, until it has said so
# So long nothing passes after a press of which no more is heard: whoever pressed presses again.
HELD_SECONDS = 5.0


class Halt:
    """`epoch`: the latest of which this page's process has heard."""

    def __init__(self, say: Callable[[Json], None]) -> None:
        self.epoch = 0
        self._say = say
        # Of presses, when they were made, in ms: the latest that is recorded, and the latest that
        # holds the page.
        self._recorded = self._pressed = 0
        self._held_until = 0.0
        self._told_at = 0.0
        self._times = 0
        self._is_still = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_pressed(self) -> bool:
        """She has pressed, and under which epoch is not known yet."""
        return time.monotonic() < self._held_until

    @property
    def is_telling(self) -> bool:
        return self._timer is not None

    def hear(self, at: int | None, epoch: int | None) -> None:
        if at is not None and epoch is not None:
            self.stopped(at, epoch)
        elif at is None or at > self._recorded:  # else the word comes late
            self._say({"type": STOP})
            if at is not None:
                self._pressed = max(self._pressed, at)
                self._held_until = time.monotonic() + HELD_SECONDS

    def stopped(self, at: int, epoch: int) -> None:
        """Recorded. An epoch of which it has heard says nothing new."""
        self._recorded = max(self._recorded, at)
        if self._pressed <= at:
            self._held_until = 0.0
        if epoch > self.epoch:
            self.forget()
            self.epoch, self._is_still, self._times = epoch, False, 0
            self._told_at = time.monotonic()
            self._tell()

    def _tell(self) -> None:
        self._say({"type": STOP, "stopEpoch": self.epoch})
        self._timer = None
        if (pause := self._pause()) is not None:
            self._timer = asyncio.get_running_loop().call_later(pause, self._tell)
        self._times += 1

    def _pause(self) -> float | None:
        """Until it is told again."""
        if self._times < len(AGAIN_SECONDS):
            before = AGAIN_SECONDS[self._times - 1] if self._times else 0.0
            return AGAIN_SECONDS[self._times] - before
        return None if self._is_still else EVERY_SECONDS

    def confirmed(self, epoch: int) -> None:
        """The page says that its toys are still."""
        self._is_still = self._is_still or epoch == self.epoch
        if self._is_still and self._times > len(AGAIN_SECONDS):
            self.forget()

    def heard_of(self, epoch: int) -> None:
        """Of a stop that is over."""
        self.epoch = max(self.epoch, epoch)

    def resumed(self, asked_at: float) -> None:
        """She was not stopped at that moment; a press that was told later is another one."""
        if self._told_at < asked_at:
            self.forget()

    def lets_pass(self, epoch: int) -> bool:
        """Whether what was decided under this epoch may go to the page. What may proves that she
        has resumed."""
        if self.is_pressed or epoch < self.epoch:
            return False
        self.epoch = epoch
        self.forget()
        return True

    def forget(self) -> None:
        """Nothing more is told by itself."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
