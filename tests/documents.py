"""The documents, the names in the code which they must know, and checks: each returns what is not as it must
be."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from lovense.deciding import platform
from lovense.models import PlatformSettings
from tools import logevents

BASE = Path(__file__).parent.parent
DOCS = BASE / "docs"
FLOORS_OF_CODE = ("config", "adminpanel", "lovense", "tips", "ledger", "ground")
FLOORS = ("config", "adminpanel", "lovense", "tips", "ledger", "ground.audit", "ground.inbox")


def text(*names: str) -> str:
    """These documents, or all of them."""
    files = [DOCS / name for name in names] or sorted(DOCS.glob("*.md"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def our_settings() -> set[str]:
    return settings_read((BASE / "config" / "settings.py").read_text()) | settings_read(
        (BASE / "config" / "running.py").read_text()
    )


def our_platform_settings() -> set[tuple[str, str, str]]:
    """As an operator writes them: `true`, and `empty` for no text."""
    wires = {name: wire for wire, name in platform.ALIASES.items()}
    defaults = {name: PlatformSettings._meta.get_field(name).get_default() for name in platform.SETTINGS}
    return {
        (name, wires.get(name, ""), "empty" if value == "" else str(value).lower())
        for name, value in defaults.items()
    }


def our_commands() -> set[str]:
    return {
        file.stem for floor in FLOORS for file in (BASE / floor / "management" / "commands").glob("[a-z]*.py")
    }


def our_routes() -> set[str]:
    def below(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            yield f"/{pattern.pattern}".rstrip("/") or "/"

    return set(below(get_resolver().url_patterns))


def our_states() -> dict[str, set[str]]:
    """The values of every state machine, by its name."""
    found = {}
    for floor in FLOORS:
        if not apps.is_installed(floor):
            continue
        try:
            module = import_module(f"{floor}.models")
        except ModuleNotFoundError:
            continue
        for name, kind in vars(module).items():
            if (
                isinstance(kind, type)
                and issubclass(kind, models.TextChoices)
                and kind.__module__.startswith(module.__name__)
            ):
                found[name] = set(kind.values)
    return found


def contracts() -> set[str]:
    settings = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (BASE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def settings_read(source: str) -> set[str]:
    return set(re.findall(r'env\.\w+\(\s*"([A-Z][A-Z0-9_]*)"', source)) | set(
        re.findall(r'os\.environ\S*\(\s*"(STACK_\w+)"', source)
    )


def undocumented_settings(names: Iterable[str], document: str) -> list[str]:
    """A setting has a row of the table."""
    return sorted(name for name in names if f"| `{name}` |" not in document)


def differing_platform_settings(
    settings: set[tuple[str, str, str]], document: str
) -> set[tuple[str, str, str]]:
    """Settings (name, name at the wire, default) that are otherwise than the table says, and rows of none."""
    section = document.partition("## Platform settings\n")[2].partition("\n## ")[0]
    told = {(name.strip("`"), wire.strip("`"), default) for name, wire, default, *_ in rows_of(section)}
    return settings ^ told


def undocumented_commands(names: Iterable[str], document: str) -> list[str]:
    return sorted(name for name in names if not re.search(rf"manage\.py {name}\b", document))


def undocumented_routes(routes: Iterable[str], document: str) -> list[str]:
    """A route's parameters have other names for readers: `/staff/tips/<tip id>`, `/api/tips/:id`."""
    plain = re.sub(r"<[^<>\n]*>|:[a-z]\w*", "<>", document)
    return sorted(
        route
        for route in routes
        if not re.search(rf"(?<![\w/]){re.escape(nameless(route))}(?![\w/<])", plain)
    )


def nameless(route: str) -> str:
    return re.sub(r"<[^<>]*>", "<>", route)


def undocumented_states(states: Iterable[str], document: str) -> list[str]:
    return sorted(state for state in states if not re.search(rf"(\| |`){state}(`| \|)", document))


def broken_links(file: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
    return [target for target in found if not (file.parent / target).exists()]


def undrawn(floor: str, rooms: Iterable[str], document: str) -> list[str]:
    """Rooms that do not stand in the second line of their floor's drawing."""
    drawn = re.search(rf"^{floor}/ +\S.*\n((?: +\S.*\n)+)", document, re.MULTILINE)
    named = {word.strip() for word in (drawn[1] if drawn else "").split("·")}
    return [
        f"{floor}/{room}" for room in rooms if room not in {".", "management/commands"} and room not in named
    ]


def rows_of(document: str) -> list[list[str]]:
    """The cells of a document's tables, without heads and rules."""
    lines = [line.strip("| ").split("|") for line in document.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in cells] for cells in lines]


def differing_events(written: Iterable[logevents.Written], document: str) -> set[tuple[str, ...]]:
    """Events that are written otherwise than the table says, and rows of events that nobody writes."""
    code = {(one.event, one.level, one.module, *sorted(one.fields)) for one in written}
    told = {
        (event.strip("`"), level, module.strip("`"), *sorted(re.findall(r"`(\w+)`", fields)))
        for event, level, fields, module, *_ in rows_of(document)
    }
    return code ^ told


def faults_of_quality(
    rules: list[dict[str, str]], contracts: Iterable[str], targets: Iterable[str]
) -> list[str]:
    """Each rule once; done with a check that exists, anything else with a comment."""
    names = [rule["rule"] for rule in rules]
    faults = [name for name in set(names) if names.count(name) > 1]
    for rule in rules:
        kind, _, rest = rule.get("check", "").partition(" ")
        known = {"contract": rest.strip('"') in contracts, "make": rest in targets}
        path, _, name = kind.partition("::")
        is_checked = known.get(kind, bool(kind) and not rest and _is_there(BASE / path, name))
        is_said = bool(rule.get("comment", "").strip())
        if not {"done": is_checked, "todo": is_said, "exempt": is_said}.get(rule["status"], False):
            faults.append(rule["rule"])
    return faults


TOPS = r"(?:config|adminpanel|lovense|tips|ledger|ground|tests|bench|tools|docs|static|templates|docker)"


def missing_paths(document: str, base: Path = BASE) -> list[str]:
    """Whatever stands between backticks and looks like a path of this repository: `tips/log/events.py`,
    `tests/flows/`, `tests/tips/test_queue.py::test_name`."""
    named = re.findall(rf"`({TOPS}/(?:[\w.-]+/)*(?:[\w.-]+\.[a-z]+)?)(?:::(\w+))?`", document)
    return sorted(
        {f"{path}::{name}" if name else path for path, name in named if not _is_there(base / path, name)}
    )


def _is_there(file: Path, name: str) -> bool:
    return file.exists() and (not name or f"def {name}(" in file.read_text(encoding="utf-8"))


FIELDS = (
    "* **Status**: ",
    "* **Area**: ",
    "**Context.** ",
    "**Decision.** ",
    "**Consequences.** ",
    "**Rejected.** ",
    "**Enforced by** ",
)


def faults_of_a_decision(file: Path, index: str) -> list[str]:
    """Numbered, with every field in its order, and in the index under its own title."""
    page = file.read_text(encoding="utf-8")
    places = [page.find(f"\n{field}", 0) for field in FIELDS]
    title = page.partition("\n")[0].removeprefix(f"# {file.name[:4]} ")
    faults = [field for field, place in zip(FIELDS, places, strict=True) if place < 0]
    faults += ["order"] if places != sorted(places) else []
    faults += ["index"] if f"| [{file.name[:4]}](decisions/{file.name}) | {title} |" not in index else []
    return faults
