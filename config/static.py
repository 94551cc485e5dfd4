"""What browsers are sent in production, made by `manage.py collectstatic`.

The files in `static/` are written to be read. What is served carries no comments and no needless
space (a quarter less to load), and every script names the scripts that it imports by their content:
all of them may be kept for a year, and no page runs an old module beside a new one (decision 0146).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rcssmin import cssmin
from rjsmin import jsmin
from whitenoise.storage import CompressedManifestStaticFilesStorage

# By the folder of ours: what others made is served as they made it (its SHA-256 stands beside it).
SMALLER: dict[str, Callable[[str], str]] = {"css": cssmin, "js": jsmin}
# `from "./clock.js"`, `import "./keys.js"`, `import("./live.js")`, `new URL("./ticker.js", …)`
_NAMES_A_SCRIPT = (
    r"""(?P<matched>(?P<before>\b(?:from|import|new URL)\(?)"(?P<url>\.{1,2}/[^"]+)")"""
)


def smaller(name: str, text: str) -> str:
    """The file of `static/` at `name` ("js/frame.js") as it is served."""
    shorten = SMALLER.get(name.partition("/")[0])
    return shorten(text) if shorten else text


class ServedFiles(CompressedManifestStaticFilesStorage):
    # Django's own (`support_js_module_import_aggregation`) reads everybody's scripts, and some of
    # those name files that are not there.
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((_NAMES_A_SCRIPT, '%(before)s"%(url)s"'),)),
    )
    # One for each step from the script of a page to the last that it leads to, and one more.
    max_post_process_passes = 16

    def post_process(self, paths: dict[str, Any], *given: Any, **options: Any) -> Iterator[Any]:
        here = {name: self._shortened(name, found) for name, found in paths.items()}
        yield from super().post_process(here, *given, **options)

    def _shortened(self, name: str, found: Any) -> Any:
        """Where the file is read from: its collected copy, made smaller, where it is ours."""
        if name.partition("/")[0] not in SMALLER:
            return found
        file = Path(self.path(name))
        file.write_text(smaller(name, file.read_text()))
        return self, name
