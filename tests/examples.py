"""The examples of the documents: what each states, what its commands answer in a shell, and where the two
differ."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.documents import BASE


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
        timeout=240,
        check=False,
    )
    assert shell.returncode == 0, shell.stderr
    return shell.stdout.split(MARK)[:-1]
