"""How our programs end: with a sentence for the operator where a trace would say no more, and
quietly when nobody reads their output any more."""

import os
import sys
from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured

BROKEN_PIPE = 141
"""As a shell names the end by SIGPIPE."""


def run(main: Callable[[], None]) -> None:
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        # what is still in the buffer would fail again when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except ImproperlyConfigured as wrong:
        sys.exit(str(wrong))
    except Exception as error:
        if (sentence := _away(error)) is None:
            raise
        sys.exit(sentence)


def _away(error: Exception) -> str | None:
    import redis  # most programs end without them
    from kombu.exceptions import OperationalError

    from ground.mongodb.away import is_away

    kind = type(error).__name__
    if is_away(error):
        return f"MongoDB does not answer ({kind}). Is it running, and is MONGODB_URI its address?"
    if isinstance(error, redis.ConnectionError | redis.TimeoutError | OperationalError):
        return f"Redis does not answer ({kind}). Is it running, and is REDIS_URL its address?"
    return None


def check_settings() -> None:
    """For programs that others start, as Celery: reads the settings, and ends here if they are
    wrong."""
    from django.conf import settings

    try:
        settings.SECRET_KEY  # noqa: B018  # the first setting that is asked for reads all
    except ImproperlyConfigured as wrong:
        sys.exit(str(wrong))


def check_combinations() -> None:
    """What cannot work together, as `manage.py check` says it; Django is set up."""
    from django.core import checks

    for found in checks.run_checks(tags=["settings"]):
        if found.is_serious():
            sys.exit(f"{found.msg} {found.hint or ''} ({found.id})")
