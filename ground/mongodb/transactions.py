"""The one way to open a MongoDB transaction. Everyone uses `run`; nobody uses Django's
`transaction` module.

The body may run several times, so it holds only reads and writes of this database: no HTTP, no
channel layer, no clock. It must not swallow a database error: the server has then already given the
transaction up, and `run` will say so. What should happen once the facts are durable goes into
`after_commit`, and is a hint: when the process dies or the commit's answer is lost, it never runs,
and a sweep must find the work."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError
from django.utils.asyncio import async_unsafe
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ground.mongodb.base import DatabaseWrapper, wrapper

T = TypeVar("T")
logger = logging.getLogger(__name__)

ATTEMPTS = 40
# no new attempt starts later than this: an unreachable server must not hold a worker for ever
RETRY_SECONDS = 10.0
COMMIT_ATTEMPTS = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.001, 0.2

_READ = ReadConcern("snapshot")
_DURABLE, _FAST = WriteConcern("majority"), WriteConcern(1)


class NestedTransaction(Exception):
    """A transaction is open already on this thread: MongoDB has no savepoints, so the inner one
    could not be undone alone."""


class NotCommitted(DatabaseError):
    """Nothing was written: the commit was refused, or others were always faster."""


class CommitUnknown(DatabaseError):
    """The commit was sent and no answer came: it may have been written. Look before doing anything
    again."""


@async_unsafe
def run(
    body: Callable[[ClientSession], T], *, attempts: int = ATTEMPTS, is_durable: bool = True
) -> T:
    """Run the body in one transaction, again when others were faster, and return its result once it
    is durable; sooner, when not `is_durable`: for what follows from something durable, so that it
    is done again if it is lost."""
    connection = wrapper()
    if connection.in_atomic_block_mongo:
        raise NestedTransaction
    concern = _DURABLE if is_durable else _FAST
    result, hooks = _retried(connection, body, attempts, concern)
    for hook in hooks:
        _call(hook)
    return result


def after_commit(hook: Callable[[], object]) -> None:
    """Call this once the open transaction is known to be committed; at once when none is open."""
    connection = wrapper()
    if connection.in_atomic_block_mongo:
        connection.after_commit_hooks.append(hook)
    else:
        _call(hook)


def _retried(
    connection: DatabaseWrapper,
    body: Callable[[ClientSession], T],
    attempts: int,
    concern: WriteConcern,
) -> tuple[T, list[Callable[[], object]]]:
    deadline = time.monotonic() + RETRY_SECONDS
    for attempt in range(1, attempts + 1):
        try:
            return _attempt(connection, body, concern)
        except Exception as error:
            if not _is_transient(error):
                raise
            if attempt == attempts or time.monotonic() > deadline:
                raise NotCommitted(f"gave up after {attempt} attempts") from error
        _pause(attempt)
    raise ValueError("attempts must be at least 1")


def _attempt(
    connection: DatabaseWrapper, body: Callable[[ClientSession], T], concern: WriteConcern
) -> tuple[T, list[Callable[[], object]]]:
    """One try. However it ends, the session is over and the connection is as before."""
    hooks: list[Callable[[], object]] = []
    connection.ensure_connection()
    with connection.open_client().start_session() as session:
        session.start_transaction(read_concern=_READ, write_concern=concern)
        connection.join_transaction(session, hooks)
        try:
            result = body(session)
            hooks += connection.django_commit_hooks()
        finally:
            connection.leave_transaction()
        _commit(session)
    return result, hooks


def _commit(session: ClientSession) -> None:
    for _ in range(COMMIT_ATTEMPTS):
        try:
            session.commit_transaction()
            return
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            if not error.has_error_label("UnknownTransactionCommitResult"):
                raise NotCommitted("the commit was refused") from error
            last = error
    raise CommitUnknown("the commit's answer was lost") from last


def _is_transient(error: BaseException | None) -> bool:
    """Does this error, or one that it stands for, say "the same again may succeed"?"""
    while error is not None:
        if isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError"):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def _pause(attempt: int) -> None:
    """Full jitter: threads that collided once must not meet again."""
    time.sleep(random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)))


def _call(hook: Callable[[], object]) -> None:
    """The facts are durable whatever the hook does, so its error is told to the log and to nobody
    else."""
    try:
        hook()
    except Exception:
        logger.exception("after_commit_failed")
