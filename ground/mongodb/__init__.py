"""The Django database backend of this project: django_mongodb_backend with its traps closed.

`base` is the wrapper (sessions always end, literal `iexact`), `schema` creates unique indexes that
look-ups can use, and `compiler` writes pipelines in which sorts use an index and joins come after
the limit. No model and no rule lives here."""

import ctypes.util
from importlib import import_module


def _load_without_maps() -> None:
    """django_mongodb_backend looks for GDAL and GEOS as it loads, and does without them. Looking
    costs half of the start-up of every process, so the answer is given here: there are none."""
    find = ctypes.util.find_library
    ctypes.util.find_library = lambda name: (
        None if name.lower().startswith(("gdal", "geos")) else find(name)
    )
    try:
        import_module("django_mongodb_backend.base")  # and with it every module that asks
    finally:
        ctypes.util.find_library = find


_load_without_maps()
