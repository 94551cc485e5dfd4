"""`make tour` shows each chapter's prose once, before the names of its tests."""

import os
import subprocess
import sys

from tools.concerned import BASE


def test_each_file_tells_of_itself_before_its_tests(tmp_path):
    for name in ("one", "two"):
        text = f'"""Chapter {name}."""\n\n\ndef test_it_happens_once(): ...\n\n\ndef test_and_again(): ...\n'
        (tmp_path / f"test_{name}.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:django -p no:cacheprovider\n")
    command = [sys.executable, "-m", "pytest", "-vv", "-p", "tools.chapters"]
    told = {**os.environ, "PYTHONPATH": str(BASE), "PYTEST_ADDOPTS": ""}
    answer = subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True, check=True)
    lines = [line.partition(" PASSED")[0] for line in answer.stdout.splitlines() if line]
    first = lines.index("Chapter one.")
    assert lines[first : first + 6] == [
        "Chapter one.",
        "test_one.py::test_it_happens_once",
        "test_one.py::test_and_again",
        "Chapter two.",
        "test_two.py::test_it_happens_once",
        "test_two.py::test_and_again",
    ]
