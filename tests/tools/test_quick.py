"""`make quick` picks what a change concerns, and never less than the rules of the house; when its time is
over it says what it has not tried."""

import os
import subprocess
import sys

import pytest

from tools.concerned import BASE, concerning, dotted
from tools.quick import ALWAYS, selected


def test_a_module_is_concerned_by_the_tests_of_its_name_its_room_and_its_importers():
    found = concerning(["tips/queue/claims.py"])
    assert found[0] == "tests/tips/test_queue.py"
    assert "tests/lovense/test_dispatch.py" in found or "tests/lovense/test_retries.py" in found
    assert "tests/tips/test_commission.py" not in found


def test_a_name_of_another_floor_is_another_module():
    assert "tests/tips/test_webhooks.py" not in concerning(["ledger/webhooks.py"])


def test_whole_stacks_are_left_to_the_whole_suite():
    assert not [path for path in concerning(["lovense/consumers.py"]) if "/flows/" in path]


def test_a_changed_test_is_run_itself_and_the_rules_come_along():
    assert selected(["tests/tips/test_queue.py"]) == ["tests/tips/test_queue.py", *ALWAYS]


def test_the_rules_come_before_what_there_may_be_no_time_for():
    found = selected(["tests/tips/test_queue.py", "tips/queue/claims.py"])
    assert found[:3] == ["tests/tips/test_queue.py", *ALWAYS]
    assert len(found) > 3


PASSES = "def test_one(): ...\ndef test_two(): ...\n"
FAILS = "def test_one(): raise ValueError\n"


@pytest.fixture
def quick(tmp_path):
    """Tries three files, a to c, of these contents, for so many seconds."""

    def run(*files, seconds):
        names = [f"test_{letter}.py" for letter in "abc"]
        for name, text in zip(names, files, strict=True):
            (tmp_path / name).write_text(text)
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:django -p no:cacheprovider\n")
        code = f"import sys; from tools.quick import tried; sys.exit(tried({names}, seconds={seconds}))"
        told = {**os.environ, "PYTHONPATH": str(BASE), "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True, check=False)

    return run


def test_when_the_time_is_over_it_says_what_was_not_run(quick):
    passes_once = "def test_one(): ...\n"
    answer = quick(passes_once, PASSES, PASSES, seconds=0)
    assert answer.returncode == 0
    said = answer.stdout.splitlines()[-1]
    assert "nothing has failed: 1 of 3 test files were run" in said
    assert "Not run, or not to the end: test_b.py test_c.py." in said
    assert "Traceback" not in answer.stdout
    assert "KeyboardInterrupt" not in answer.stdout


def test_in_time_it_answers_as_pytest_does(quick):
    answer = quick(PASSES, PASSES, PASSES, seconds=60)
    assert (answer.returncode, "6 passed" in answer.stdout) == (0, True)
    assert "The time is over" not in answer.stdout


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_failure_is_one_also_in_the_last_moment(quick, seconds):
    answer = quick(FAILS, PASSES, PASSES, seconds=seconds)
    assert answer.returncode == 1
    assert "The time is over" not in answer.stdout


def test_what_cannot_be_collected_is_not_taken_for_the_end_of_the_time(quick):
    assert quick(PASSES, PASSES, "import nothing_of_that_name", seconds=0).returncode == 2


def test_a_package_is_its_module():
    assert dotted("lovense/models/__init__.py") == "lovense.models"
