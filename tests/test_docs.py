"""The documents keep up with the code, and their examples are run: each check first catches a planted bad
example."""

import ast
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.chain import Chain
from tests.documents import (
    BASE,
    DOCS,
    FIELDS,
    FLOORS_OF_CODE,
    broken_links,
    contracts,
    differing_events,
    differing_platform_settings,
    faults_of_a_decision,
    faults_of_quality,
    missing_paths,
    our_commands,
    our_platform_settings,
    our_routes,
    our_settings,
    our_states,
    settings_read,
    targets,
    text,
    undocumented_commands,
    undocumented_routes,
    undocumented_settings,
    undocumented_states,
    undrawn,
)
from tests.examples import differences, examples, run
from tests.factories import fund
from tests.live import environment, server
from tools import logevents
from tools import map as tools_map

# --- the code's names --------------------------------------------------------------------------------------


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
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    assert {file.name: faults for file in files if (faults := faults_of_a_decision(file, index))} == {}


def test_the_map_is_what_the_modules_say():
    assert tools_map.MAP.read_text(encoding="utf-8") == tools_map.written(BASE), "stale: run `make map`"


def test_every_room_and_every_contract_is_in_the_architecture():
    document = text("architecture.md")
    rooms = {floor: tools_map.rooms(BASE, floor) for floor in tools_map.ROOMS}
    assert [room for floor, found in rooms.items() for room in undrawn(floor, found, document)] == []
    assert [name for name in sorted(contracts()) if name not in document] == []


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


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="the examples need curl and openssl"
)
@pytest.mark.usefixtures("written_elsewhere")
@pytest.mark.parametrize(
    ("name", "least"), [("integrators.md", 10), ("queue.md", 10), ("devices-api.md", 4), ("menus.md", 7)]
)
def test_the_examples_answer_what_they_state(name, least):
    found = examples(text(name))
    assert sum(len(example.stated) for example in found) >= least
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
