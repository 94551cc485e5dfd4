"""docs/simulator.md, as an integrator follows it from top to bottom."""

import re
from pathlib import Path

from tests.test_docs import differences, examples, run

DOCUMENT = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_the_examples_answer_what_they_state(vendor):
    found = examples(DOCUMENT)
    assert sum(len(example.stated) for example in found) >= 8
    here = {"VENDOR": vendor.simulator.url, "PHONE": vendor.simulator.phone_url, "no_proxy": "127.0.0.1"}
    outputs = run(found, here)
    wrong = {
        example.line: differences(example, output)
        for example, output in zip(found, outputs, strict=True)
        if example.stated
    }
    assert {line: words for line, words in wrong.items() if words} == {}
    counted = next(output for example, output in zip(found, outputs, strict=True) if "grep" in example.script)
    assert counted.strip() == "1"


def test_every_order_and_every_flag_is_in_the_document():
    from django.core.management import load_command_class

    from lovense.vendor_simulator.doors import control

    told = re.sub(r"<id>", "([^/]+)", DOCUMENT)
    missing = [pattern.pattern for _, pattern, _ in control._ROUTES if pattern.pattern not in told]
    assert missing == []
    parser = load_command_class("lovense", "lovense_simulator").create_parser("manage.py", "x")
    own = [action.option_strings[0] for action in parser._actions if action.container.title == "options"]
    django = {"-h", "--version", "-v", "--settings", "--pythonpath", "--traceback", "--no-color"}
    flags = [flag for flag in own if flag not in {*django, "--force-color", "--skip-checks"}]
    assert len(flags) >= 16
    assert [flag for flag in flags if f"`{flag}" not in DOCUMENT] == []
