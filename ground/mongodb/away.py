"""Whether an error says that MongoDB is away, so that the same call may succeed later. What to
answer then is the doors' matter."""

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    PyMongoError,
    WTimeoutError,
)

from ground.mongodb.transactions import CommitUnknown, NotCommitted

_AWAY = (ConnectionFailure, ExecutionTimeout, WTimeoutError, NotCommitted, CommitUnknown)
_LABELS = ("RetryableWriteError", "TransientTransactionError")


def is_away(error: BaseException) -> bool:
    """Also when Django has wrapped it. An error that would come again is none of these: it is
    ours."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, _AWAY):
            return True
        if isinstance(found, PyMongoError) and (
            found.timeout or any(map(found.has_error_label, _LABELS))
        ):
            return True
        found = found.__cause__
    return False
