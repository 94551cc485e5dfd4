"""Several that do the same at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from ground.json.errors import Refusal


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """What each returned, or the refusal that it was answered with."""
    barrier = threading.Barrier(number)

    def one(place: int) -> Any:
        barrier.wait()
        try:
            return work(place)
        except Refusal as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))
