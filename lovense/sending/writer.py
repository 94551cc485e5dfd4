"""Who starts lanes for the pages of this process: the pen, which the roof sets here; or nobody, and
then lanes are started from their rows, as any process may."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from lovense.sending.acknowledgement import Ack


@dataclass(frozen=True, slots=True)
class Holding:
    """A page of this process that holds a performer's devices. `may_run` says whether it still does
    for certain."""

    performer_id: str
    channel: str
    lease: int
    may_run: Callable[[], bool]


class Writer(Protocol):
    @property
    def is_ready(self) -> bool:
        """Whether it starts lanes now."""

    def finished(self, ack: Ack) -> bool:
        """Whether it takes this acknowledgement as the plain end of what its lane runs."""

    async def passed_on(self, ack: Ack) -> bool:
        """The same of a writer in another process, which is asked."""

    def is_over(self, performer_id: str, activation_id: str) -> bool:
        """What the rows say is in flight may be over here already."""

    def attach(self, page: Holding) -> None: ...

    def detach(self, performer_id: str, channel: str) -> None: ...

    def read_again(self, performer_ids: Collection[str]) -> None:
        """The rows of these lanes have changed."""

    def catch_up(self) -> Awaitable[None]:
        """Done when the rows are the last word."""


class Nobody:
    is_ready = False

    def finished(self, ack: Ack) -> bool:
        return False

    async def passed_on(self, ack: Ack) -> bool:
        return False

    def is_over(self, performer_id: str, activation_id: str) -> bool:
        return False

    def attach(self, page: Holding) -> None:
        """It is started from its rows."""

    def detach(self, performer_id: str, channel: str) -> None:
        """Nothing of it is here."""

    def read_again(self, performer_ids: Collection[str]) -> None:
        """Nothing of them is here."""

    async def catch_up(self) -> None:
        """Rows of another process's entries follow by themselves."""


writer: Writer = Nobody()


def use(found: Writer) -> None:
    global writer
    writer = found
