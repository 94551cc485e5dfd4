"""What browsers are sent in production, made by `manage.py collectstatic`.

The files in `static/` are written to be read. What is served is joined, so that a page asks for
few files (`config/joining.py`, decision 0169), carries no comments and no needless space, and each
script names those that it brings by their content: all of them may be kept for a year, and no page
runs an old module beside a new one (decision 0146).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rcssmin import cssmin
from rjsmin import jsmin
from whitenoise.storage import CompressedManifestStaticFilesStorage

from config import joining

# The modules that pages name; no page names two.
PAGES = (
    "js/frame.js",
    "js/lists.js",
    "js/marks.js",
    "js/staff.js",
    "js/staffnews.js",
    "js/ui/all.js",
)
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


def served(texts: Mapping[str, str]) -> dict[str, str]:
    """All that is served in place of our stylesheets and scripts, by name."""
    styles = {name: text for name, text in texts.items() if name.startswith("css/")}
    scripts = {name: text for name, text in texts.items() if name.startswith("js/")}
    joined = joining.sheets(styles) | joining.modules(scripts, PAGES)
    return {name: smaller(name, text) for name, text in joined.items()}


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
        ours = {name: found for name, found in paths.items() if name.partition("/")[0] in SMALLER}
        written = served({name: _text(*found) for name, found in ours.items()})
        for name in ours.keys() - written.keys():
            Path(self.path(name)).unlink(missing_ok=True)
        for name, text in written.items():
            Path(self.path(name)).write_text(text)
        others = {name: found for name, found in paths.items() if name not in ours}
        here = {name: (self, name) for name in written}
        yield from super().post_process(others | here, *given, **options)


def _text(storage: Any, path: str) -> str:
    """As it is written; the collected copy may have been made smaller before."""
    with storage.open(path) as file:
        return str(file.read().decode())
