"""The documents keep up with the code, and their examples are run: each check first catches a planted bad
example."""

import ast
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from lovense.deciding import platform
from lovense.models import PlatformSettings
from tests.chain import Chain
from tests.factories import fund
from tests.live import environment, server
from tools import logevents
from tools import map as tools_map

BASE = Path(__file__).parent.parent
DOCS = BASE / "docs"
FLOORS_OF_CODE = ("config", "adminpanel", "lovense", "tips", "ledger", "ground")
FLOORS = ("config", "adminpanel", "lovense", "tips", "ledger", "ground.audit", "ground.inbox")


def text(*names: str) -> str:
    """These documents, or all of them."""
    files = [DOCS / name for name in names] or sorted(DOCS.glob("*.md"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


# --- what must be written down: each returns the names that are not ----------------------------------------


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


# --- the code's names --------------------------------------------------------------------------------------


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


def test_every_setting_is_in_the_table():
    assert len(our_settings()) > 15
    assert undocumented_settings(our_settings(), text("settings.md")) == []


def test_every_setting_of_the_platform_is_in_its_table_with_its_default():
    assert len(our_platform_settings()) > 8
    assert differing_platform_settings(our_platform_settings(), text("settings.md")) == set()


def test_every_command_is_documented():
    assert len(our_commands()) > 8
    assert undocumented_commands(our_commands(), text()) == []


def test_every_route_is_documented():
    assert len(our_routes()) > 10
    assert undocumented_routes(our_routes(), text()) == []


def test_every_state_is_documented():
    assert set(our_states()) >= {"SettlementStatus", "RequestStatus", "ActivationStatus", "DeliveryStatus"}
    for states in our_states().values():
        assert undocumented_states(states, text("states.md")) == []


DOCUMENTS = sorted([*DOCS.rglob("*.md"), *BASE.glob("*.md")])


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(BASE)))
def test_no_link_of_the_documents_leads_nowhere(file):
    assert broken_links(file) == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(BASE)))
def test_every_file_that_the_documents_name_exists(file):
    assert missing_paths(file.read_text(encoding="utf-8")) == []


def test_every_event_of_the_log_is_documented_as_the_code_writes_it():
    written = set(logevents.written(BASE, FLOORS_OF_CODE))
    assert len(written) > 20
    assert differing_events(written, text("log-events.md")) == set()


def test_every_file_that_the_code_names_exists():
    """In comments and docstrings, as in the documents."""
    named = {
        f"{file.relative_to(BASE)}: {path}"
        for floor in FLOORS_OF_CODE
        for file in sorted((BASE / floor).rglob("*.py"))
        for path in missing_paths(file.read_text(encoding="utf-8"))
    }
    assert named == set()


def test_every_decision_has_its_fields_and_its_row_in_the_index():
    index, files = text("decisions.md"), sorted((DOCS / "decisions").glob("*.md"))
    numbers = [int(file.name[:4]) for file in files]  # what was never taken may be missing
    assert len(set(numbers)) == len(numbers) > 80
    assert {file.name: faults for file in files if (faults := faults_of_a_decision(file, index))} == {}


def test_the_map_is_what_the_modules_say():
    assert tools_map.MAP.read_text(encoding="utf-8") == tools_map.written(BASE), "stale: run `make map`"


def test_every_room_and_every_contract_is_in_the_architecture():
    document = text("architecture.md")
    rooms = {floor: tools_map.rooms(BASE, floor) for floor in tools_map.ROOMS}
    assert [room for floor, found in rooms.items() for room in undrawn(floor, found, document)] == []
    assert [name for name in sorted(contracts()) if name not in document] == []


def contracts() -> set[str]:
    settings = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (BASE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_what_is_done_has_its_check_and_what_is_not_is_said():
    rules = yaml.safe_load((DOCS / "quality.yaml").read_text(encoding="utf-8"))
    assert {rule["status"] for rule in rules} == {"done", "todo", "exempt"}
    assert faults_of_quality(rules, contracts(), targets()) == []


def test_the_map_orders_rooms_that_exist():
    missing = [
        f"{floor}/{room}"
        for floor, named in tools_map.ROOMS.items()
        for room in named
        if not (BASE / floor / room).is_dir()
    ]
    assert missing == []


def test_every_target_of_the_makefile_says_what_it_does():
    makefile = (BASE / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (help .+)$", makefile, re.MULTILINE)
    assert set(phony.split()) - {"help"} == set(re.findall(r"^([a-z]+):.* ## \S", makefile, re.MULTILINE))


# --- the checks themselves ---------------------------------------------------------------------------------


def test_a_planted_setting_is_missed():
    source = 'A = env.text("A_SETTING", "x")\nB = env.integer(\n    "B_SETTING", 5)\nwords("C")'
    assert settings_read(source) == {"A_SETTING", "B_SETTING"}
    assert undocumented_settings({"A_SETTING", "B_SETTING"}, "| `B_SETTING` | 5 | |\n A_SETTING") == [
        "A_SETTING"
    ]


def test_a_planted_setting_of_the_platform_is_missed():
    settings = {("limit", "theLimit", "30"), ("name", "theName", "empty")}
    rows = "| `limit` | `theLimit` | 30 | 1 to 60 | x |\n| `name` | `theName` | empty | text | x |\n"
    told = "| `OTHER` | 5 | an environment variable |\n## Platform settings\n" + rows
    assert differing_platform_settings(settings, told) == set()
    for wrong in (("30", "31"), ("theLimit", "limit"), ("| `limit`", "limit"), ("`name`", "`nam`")):
        assert differing_platform_settings(settings, told.replace(*wrong)), wrong


def test_a_planted_command_is_missed():
    assert undocumented_commands({"one", "two"}, "`manage.py one [--x]` and manage.py two_more") == ["two"]


def test_a_planted_route_is_missed():
    routes = {"/", "/a", "/a/<str:x>", "/a/<str:x>/c", "/b"}
    assert undocumented_routes(routes, "`/` then `/a/<tip id>`, `GET /b?x=`") == ["/a", "/a/<str:x>/c"]
    assert undocumented_routes(routes, "`/`, `/a`, /a/:id, /a/:id/c, `/x/b`, `/b/<x>`, /bc") == ["/b"]


def test_a_planted_state_is_missed():
    assert undocumented_states({"gone", "kept", "held"}, "| kept | held |\n it is gone, `held`") == ["gone"]


def test_a_planted_link_is_missed(tmp_path):
    (tmp_path / "there.md").touch()
    page = tmp_path / "page.md"
    page.write_text("[a](there.md#x) [b](missing.md) [c](#here) [d](https://example.org/x) [e](missing.md#y)")
    assert broken_links(page) == ["missing.md", "missing.md"]


def test_a_planted_path_is_missed(tmp_path):
    (tmp_path / "tips" / "queue").mkdir(parents=True)
    (tmp_path / "tips" / "queue" / "claims.py").touch()
    page = "`tips/queue/`, `tips/queue/claims.py`, `tips/gone.py`, `POST /tips/x`"
    assert missing_paths(page, tmp_path) == ["tips/gone.py"]


def test_a_planted_event_is_missed():
    source = """
def f():
    told = {"mode": 1}
    log.warning("it_failed", extra=told | {"count": 2})
"""
    written = list(logevents.of(ast.parse(source), Path("tips/planted.py")))
    row = "| `it_failed` | warning | `mode`, `count` | `tips/planted.py` | nothing |"
    assert differing_events(written, row) == set()
    for wrong in (
        row.replace("warning", "error"),
        row.replace("`mode`, ", ""),
        row.replace("planted", "x"),
        "",
    ):
        assert differing_events(written, wrong)


def test_a_planted_room_is_missed():
    document = "```\ntips/        what a tip is\n             log · queue\nledger/      money\n```\n"
    assert undrawn("tips", [".", "log", "planted"], document) == ["tips/planted"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": "done"},
        {"status": "done", "check": "tests/test_docs.py::test_of_nothing"},
        {"status": "done", "check": "make nothing"},
        {"status": "done", "check": 'contract "Nothing"'},
        {"status": "todo"},
        {"status": "later", "comment": "x"},
    ],
)
def test_a_planted_rule_of_quality_is_caught(fault):
    good = {"rule": "good", "status": "done", "check": 'contract "A"'}
    assert faults_of_quality([good], ["A"], ["check"]) == []
    assert faults_of_quality([good, {"rule": "bad"} | fault], ["A"], ["check"]) == ["bad"]
    assert faults_of_quality([good, good], ["A"], ["check"]) == ["good"]


def test_a_planted_test_is_missed(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("def test_one(): ...")
    page = "`tests/test_a.py::test_one`, `tests/test_a.py::test_on`"
    assert missing_paths(page, tmp_path) == ["tests/test_a.py::test_on"]


def test_a_planted_decision_is_caught(tmp_path):
    decision = tmp_path / "0001-a.md"
    decision.write_text("# 0001 A\n" + "".join(f"\n{field}x\n" for field in FIELDS))
    row = "| [0001](decisions/0001-a.md) | A | all | accepted |"
    assert faults_of_a_decision(decision, row) == []
    assert faults_of_a_decision(decision, row.replace("| A |", "| B |")) == ["index"]
    decision.write_text(decision.read_text().replace("**Rejected.**", "**Refused.**"))
    assert faults_of_a_decision(decision, row) == ["**Rejected.** ", "order"]


def test_a_planted_module_is_missed_by_the_map(tmp_path):
    for floor in tools_map.ROOMS:
        (tmp_path / floor / "room").mkdir(parents=True)
    module = tmp_path / "tips" / "room" / "planted.py"
    module.write_text('"""Planted: a first sentence.\nOver two lines. And a second one."""')
    before = tools_map.written(tmp_path)
    assert "| `planted.py` | Planted: a first sentence. |" in before
    module.write_text('"""Another."""')
    assert tools_map.written(tmp_path) != before


# --- the examples ------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What an example says it answers, or what it answered."""

    status: int
    headers: str = ""
    body: object = None


@dataclass
class Example:
    """One fenced block: its commands, and the answers it states in comments of their own lines (`# 202
    {…}`)."""

    line: int
    script: str
    stated: list[Answer] = field(default_factory=list)


def examples(document: str) -> list[Example]:
    found = []
    for block in re.finditer(r"^```sh\n(.*?)^```$", document, re.MULTILINE | re.DOTALL):
        lines = document[: block.start()].count("\n") + 2
        found.append(
            Example(
                lines,
                block[1],
                [_stated(match) for match in re.finditer(r"^# (\d{3})\b ?(.*)$", block[1], re.MULTILINE)],
            )
        )
    return found


def _stated(match: "re.Match[str]") -> Answer:
    rest = match[2].strip()
    return (
        Answer(int(match[1]), "", json.loads(rest))
        if rest.startswith("{")
        else Answer(int(match[1]), rest.lower())
    )


def answers(output: str) -> list[Answer]:
    """What `curl -i` printed, call after call."""
    parts = re.split(r"^HTTP/[\d.]+ (\d{3})[^\n]*\n", output.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]
    found = []
    for status, rest in zip(parts[::2], parts[1::2], strict=True):
        headers, _, body = rest.partition("\n\n")
        found.append(Answer(int(status), headers.lower(), body.strip()))
    return found


def differences(example: Example, output: str) -> list[str]:
    given = answers(output)
    if len(given) != len(example.stated):
        return [f"states {len(example.stated)} answers, gave {len(given)}"]
    return [
        words for stated, got in zip(example.stated, given, strict=True) for words in _difference(stated, got)
    ]


def _difference(stated: Answer, got: Answer) -> Iterator[str]:
    if stated.status != got.status:
        yield f"states {stated.status}, gave {got.status}: {got.body}"
    if stated.headers and stated.headers not in got.headers:
        yield f"states {stated.headers!r}, which is not among its headers"
    if stated.body is not None and stated.body != json.loads(str(got.body)):
        yield f"states {stated.body}, gave {got.body}"


MARK = "--- end of example ---"


def run(found: list[Example], surroundings: dict[str, str]) -> list[str]:
    """Runs them in one shell, as a reader does who goes from top to bottom; what each printed."""
    script = "set -euo pipefail\n" + "".join(f"{example.script}\necho; echo '{MARK}'\n" for example in found)
    shell = subprocess.run(
        ["bash", "-c", script],
        cwd=BASE,
        env=os.environ | surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shell.returncode == 0, shell.stderr
    return shell.stdout.split(MARK)[:-1]


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="the examples need curl and openssl"
)
@pytest.mark.usefixtures("written_elsewhere")
@pytest.mark.parametrize("name", ["integrators.md", "queue.md"])
def test_the_examples_answer_what_they_state(name):
    found = examples(text(name))
    assert sum(len(example.stated) for example in found) >= 10
    with server() as live:
        outputs = run(found, environment() | {"URL": live.url})
    wrong = {
        f"{name}:{example.line}": differences(example, output)
        for example, output in zip(found, outputs, strict=True)
    }
    assert {place: words for place, words in wrong.items() if words} == {}


@pytest.mark.usefixtures("written_elsewhere")
def test_the_commands_for_debugging_run_as_they_stand(ana, bob):
    chain = Chain(ana)
    chain.publish_menu()
    chain.hold()
    fund(bob, 100)
    tip_id = chain.played(bob, 50)
    found = examples(text("debugging.md"))
    with server() as live:
        about = {"URL": live.url, "TIP": tip_id, "PERFORMER": chain.performer_id}
        outputs = run(found, environment() | about)
    wrong = {
        example.line: differences(example, output) for example, output in zip(found, outputs, strict=True)
    }
    assert {line: words for line, words in wrong.items() if words} == {}
    assert "completed" in outputs[1]
    assert "minimum=50 of at least 10" in outputs[1]
    assert "page-1" in outputs[2]
    assert "settled_tips_hop_lag_seconds" in outputs[3]


PLANTED = """
```sh
printf 'HTTP/1.1 %s X\\r\\nA-Header: yes\\r\\n\\r\\n{"a": 1}' 202
# 202 {"a":1}
printf '\\nHTTP/1.1 200 OK\\r\\nA-Header: yes\\r\\n\\r\\n'
# 200 A-Header: yes
```
"""


def test_a_planted_example_that_keeps_its_word_passes():
    (example,) = examples(PLANTED)
    assert example.line == 3
    (output,) = run([example], {})
    assert differences(example, output) == []


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("# 202 {", "# 201 {"),
        ('{"a":1}', '{"a":2}'),
        ("# 200 A-Header: yes", "# 200 A-Header: no"),
        ("# 202", "#"),
    ],
)
def test_a_planted_example_that_breaks_its_word_is_caught(true, false):
    (example,) = examples(PLANTED.replace(true, false))
    (output,) = run([example], {})
    assert differences(example, output)
