"""Modules and stylesheets of ours as production serves them: joined, so that a page asks for few.

A file that a page names, and each that is imported when it is needed (`import("./live.js")`),
takes with it what it imports. What several need goes into the file through which all of them are
reached, so no module is in a document twice. Each becomes a function of its own, called when it is
first needed and never again: what it means does not change. Nothing is parsed but whole lines that
begin with `import` or `export`, as ours are written; what is written otherwise is refused."""

import posixpath
import re
from collections.abc import Iterator, Mapping

_IMPORT = re.compile(r'^import (?:(?P<what>[^"\n]+) from )?"(?P<url>[^"\n]+)";$', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?P<kept>(?:async )?(?:function|class|const) ?(?P<name>\w+|\[[\w, ]+\]))",
    re.MULTILINE,
)
_EXPORTED = re.compile(r"^export \{ (?P<names>[\w, ]+) \};\n", re.MULTILINE)
_LATER = re.compile(r'\bimport\("(?P<url>\.[^"]+)"\)')
_BESIDE = re.compile(r'\bnew URL\("(?P<url>\.[^"]+)", import\.meta\.url\)')
# Left over, it would mean something else inside a function, or nothing.
_REFUSED = re.compile(
    r"^(?:import\b(?!\()|export\b|await\b|(?:async )?(?:function|const|let) (?:need|bring)\b).*",
    re.MULTILINE,
)
_SHEET = re.compile(r'^@import "(?P<url>[\w-]+\.css)";\n', re.MULTILINE)

# What a file that a page names begins with: a module is made once, when somebody first needs it.
_FIRST = """const makers = {}, made = {};
const need = (name) => made[name] ??= makers[name]();
const bring = async (file, name) => {
  Object.assign(makers, (await file).modules(need, bring));
  return need(name);
};
"""

Texts = Mapping[str, str]


class CannotJoin(Exception):
    """A module says something that a function cannot say, or names what is not there."""


def sheets(texts: Texts) -> dict[str, str]:
    """Each stylesheet with those that it imports in their place."""
    return {name: _sheet(name, texts) for name in texts}


def _sheet(name: str, texts: Texts) -> str:
    beside = posixpath.dirname(name)
    return _SHEET.sub(lambda found: _sheet(f"{beside}/{found['url']}", texts), texts[name])


def modules(texts: Texts, pages: tuple[str, ...]) -> dict[str, str]:
    """The files to serve in place of `texts`, by name: `pages`, which pages name, and those that
    are imported when they are needed. What none of them reaches is served as it is."""
    reached = {name for page in pages for name in _reached(page, texts)}
    files = {name: text for name, text in texts.items() if name not in reached}
    for page in pages:
        for name, own in _parts(page, texts).items():
            if name in files:
                raise CannotJoin(f"{name}: more than one file brings it")
            files[name] = _file(name, own, texts, is_first=name == page)
    return files


# --- which module goes where ---------------------------------------------------------------------


def _parts(page: str, texts: Texts) -> dict[str, list[str]]:
    """By file the modules in it: the nearest file without which a module cannot be reached."""
    reached = _reached(page, texts)
    later = {url for name in reached for url in _named(_LATER, name, texts)}
    files = [page, *sorted(later)]
    beyond = {file: reached - _reached(page, texts, without=file) for file in files}
    parts: dict[str, list[str]] = {file: [] for file in files}
    for name in sorted(reached):
        nearest = min(
            (file for file in files if name in beyond[file]), key=lambda f: len(beyond[f])
        )
        parts[nearest].append(name)
    return parts


def _reached(start: str, texts: Texts, *, without: str = "") -> set[str]:
    """`without`: when this one and what it alone names are not there."""
    found: set[str] = set()
    waiting = [] if start == without else [start]
    while waiting:
        name = waiting.pop()
        found.add(name)
        named = {*_named(_IMPORT, name, texts), *_named(_LATER, name, texts)}
        waiting += named - found - {without}
    return found


def _named(pattern: re.Pattern[str], name: str, texts: Texts) -> Iterator[str]:
    """The modules of ours that it names; what others made stays a file of its own."""
    if name not in texts:
        raise CannotJoin(f"{name}: there is none")
    places = (_place(name, found["url"]) for found in pattern.finditer(texts[name]))
    return (place for place in places if place.startswith("js/"))


def _place(name: str, url: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), url))


# --- what is in it -------------------------------------------------------------------------------


def _file(file: str, names: list[str], texts: Texts, *, is_first: bool) -> str:
    outside = [line for name in names for line in _of_others(file, name, texts)]
    made = ",\n".join(f'"{name}": () => {{\n{_module(file, name, texts)}}}' for name in names)
    if is_first:
        body = f'{_FIRST}Object.assign(makers, {{\n{made}\n}});\nneed("{file}");\n'
    else:
        body = f"export const modules = (need, bring) => ({{\n{made}\n}});\n"
    return "".join(outside) + body


def _of_others(file: str, name: str, texts: Texts) -> Iterator[str]:
    """What a module imports of what others made is imported by the file that the module is in."""
    for found in _IMPORT.finditer(texts[name]):
        place = _place(name, found["url"])
        if not place.startswith("js/"):
            yield f'import {found["what"]} from "{_address(file, place)}";\n'


def _module(file: str, name: str, texts: Texts) -> str:
    """Its text as the body of a function that returns what it exports."""
    text = texts[name]
    exported = [each["name"].strip("[]") for each in _EXPORT.finditer(text)]
    exported += [each["names"] for each in _EXPORTED.finditer(text)]
    text = _EXPORTED.sub("", _EXPORT.sub(r"\g<kept>", text))
    text = _IMPORT.sub(lambda found: _needed(name, found), text)
    if refused := _REFUSED.search(text):
        raise CannotJoin(f"{name}: {refused[0]}")
    text = _LATER.sub(lambda found: _brought(file, name, found["url"]), text)
    text = _BESIDE.sub(lambda found: _beside(file, name, found["url"]), text)
    return f"{text.rstrip()}\nreturn {{ {', '.join(exported)} }};\n"


def _needed(name: str, found: re.Match[str]) -> str:
    place = _place(name, found["url"])
    if not place.startswith("js/"):
        return ""
    what = (found["what"] or "").replace(" as ", ": ").removeprefix("*: ")
    return f'const {what} = need("{place}");' if what else f'need("{place}");'


def _brought(file: str, name: str, url: str) -> str:
    place = _place(name, url)
    return f'bring(import("{_address(file, place)}"), "{place}")'


def _beside(file: str, name: str, url: str) -> str:
    return f'new URL("{_address(file, _place(name, url))}", import.meta.url)'


def _address(file: str, place: str) -> str:
    way = posixpath.relpath(place, posixpath.dirname(file))
    return way if way.startswith(".") else f"./{way}"
