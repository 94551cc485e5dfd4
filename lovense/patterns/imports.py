"""Ways in and out of a pattern: our file, samples, scripts of others. Pure: nothing is saved here;
what comes in becomes a text that she reads before she saves it."""

from typing import NamedTuple

from ground.json import fields
from ground.json.fields import Fields, Malformed
from lovense.patterns import funscript, reading, recording, writing
from lovense.patterns.recording import PatternChange
from lovense.patterns.score import LONGEST_TEXT
from lovense.rows import Json

FORMAT = "pattern/1"
LONGEST_FILE = 2**20
LONGEST_NAME = 40
WAYS = ("pattern", "samples", "funscript")


class Imported(NamedTuple):
    """The text as it would be saved, a name if the file has one, and what is not as it came."""

    text: str
    name: str
    changes: list[PatternChange]


def written(name: str, text: str) -> Json:
    """As a file."""
    return {"format": FORMAT, "name": name, "text": text}


def read(body: Fields) -> Imported:
    """A call that names one of WAYS. Raises Malformed, InvalidPattern."""
    body.only(*WAYS)
    named = [way for way in WAYS if body.has(way)]
    if len(named) != 1:
        raise Malformed("body", f"give one of {', '.join(WAYS)}")
    if named == ["pattern"]:
        return _of_ours(body.object("pattern"))
    if named == ["samples"]:
        return _of_samples(recording.samples_of(body), [])
    return _of_samples(*funscript.samples_of(body.object("funscript"), "funscript."))


def read_file(content: bytes) -> Imported:
    """A file of any of those kinds, or the text itself. Raises Malformed, InvalidPattern."""
    start = content.lstrip()[:1]
    if start not in (b"{", b"["):
        return _of_text(content)
    file = fields.read(b'{"samples":' + content + b"}" if start == b"[" else content)
    if file.has("actions"):
        return _of_samples(*funscript.samples_of(file))
    return _of_samples(recording.samples_of(file), []) if file.has("samples") else _of_ours(file)


def _of_text(content: bytes) -> Imported:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("file", "must be a pattern, as text or JSON, or a funscript") from None
    reading.read(text)
    return Imported(text, "", [])


def _of_ours(file: Fields) -> Imported:
    file.only("format", "name", "text")
    if not file.says("format", FORMAT):
        raise Malformed("pattern.format", f"must be {FORMAT}")
    name = file.text_or("name", "", maximum=LONGEST_NAME)
    text = file.text("text", maximum=LONGEST_TEXT * 4)
    reading.read(text)
    return Imported(text, name, [])


def _of_samples(samples: list[tuple[int, int]], changes: list[PatternChange]) -> Imported:
    found = recording.simplified(samples)
    return Imported(writing.written(found.score), "", [*changes, *found.changes])
