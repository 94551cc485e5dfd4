"""Halts: the word that ends everything on all pages of a performer, past every queue.

Pages of this process are told directly, those of others over Redis. Where that is away, or the word
is lost, each process reads within a second who is stopped. Nobody waits here."""

import uuid
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

from lovense.sending import groups

ME = uuid.uuid4().hex  # of this process, which needs no word from itself


class PagesHere(Protocol):
    def halt(self, performer_ids: Collection[str], at: int | None, epoch: int | None) -> None:
        """The pages of these performers, from any thread."""


class NoPages:
    def halt(self, performer_ids: Collection[str], at: int | None, epoch: int | None) -> None:
        """This process has none."""


pages_here: PagesHere = NoPages()
_thread = ThreadPoolExecutor(1, thread_name_prefix="halts")  # one: what is said stays in order


def use(found: PagesHere) -> None:
    global pages_here
    pages_here = found


def tell(
    performer_ids: Collection[str], *, at: datetime | None = None, epoch: int | None = None
) -> Future[None]:
    """`at`: when she pressed; without an epoch nothing is handed over until it is known, or for a
    while. With neither, only what plays ends. Done when Redis has been told too."""
    moment = None if at is None else milliseconds(at)
    pages_here.halt(performer_ids, moment, epoch)
    message = groups.halt(moment, epoch, ME)
    return _thread.submit(
        groups.publish, [(groups.pages_of(who), message) for who in performer_ids]
    )


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
