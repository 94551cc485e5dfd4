"""The grammar of what staff asks of a list: a text becomes terms, and terms become a text. Pure,
and one pass over the text, whatever is in it.

    actor:dina action:pause,resume -success:false since:2h "exact words"

A comma is or, a space is and, a minus not. What follows a colon is a value and never an operator:
each key has a kind of values (`kinds.py`), and what is none is refused with its place.
`docs/staff.md` has the EBNF."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from adminpanel.asking.kinds import Key, NoSuchValue, Value
from ground.json.errors import Refusal

LONGEST, MOST_TERMS, MOST_VALUES, LONGEST_VALUE = 2000, 30, 20, 200
WORDS = ""  # the key of exact words
SHOWN = 30  # characters of what was not understood
# Possessive: nothing is tried a second time.
_SPACE = re.compile(r"\s*+")
_KEY = re.compile(r"([A-Za-z][A-Za-z-]*+):")
_BARE = re.compile(r'[^\s,"]++')
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*+)"')
_ESCAPED = re.compile(r'\\(["\\])')
# Neither typed nor seen. Spaces between terms may be any; halves of a character are none.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Term:
    """What one of the values is so, or not so. `at`: where it stood."""

    key: str
    values: tuple[Value, ...]
    is_not: bool = False
    at: int = field(default=0, compare=False)


class NotUnderstood(Refusal):
    """What is asked is a query of the list's keys and their values. It is told from where on it is
    none, what stands there, and what could."""

    code, status = "not_understood", 400

    def __init__(self, at: int, found: str, possible: tuple[str, ...]) -> None:
        self.at, self.found, self.possible = at, found, possible
        said = f"At character {at + 1}: {found}. Possible: {', '.join(possible)}."
        super().__init__(said)
        self.details = {"at": at, "found": found, "possible": list(possible)}


# --- text to terms -------------------------------------------------------------------------------


def parse(text: str, keys: Mapping[str, Key]) -> tuple[Term, ...]:
    """Raises NotUnderstood for the first thing that is none."""
    _check(text)
    found, at = list[Term](), _after_space(text, 0)
    while at < len(text):
        if len(found) == MOST_TERMS:
            raise NotUnderstood(at, "more terms than a query has", (f"at most {MOST_TERMS}",))
        term, end = _term(text, at, keys)
        found.append(term)
        at = _after_space(text, end)
        if at == end and at < len(text):
            raise NotUnderstood(at, f"{_shown(text[at:])} right after a value", ("a space",))
    return tuple(found)


def _check(text: str) -> None:
    if len(text) > LONGEST:
        raise NotUnderstood(LONGEST, "a longer text", (f"at most {LONGEST} characters",))
    if unseen := _UNSEEN.search(text):
        raise NotUnderstood(unseen.start(), "a character that is not seen", ("letters", "digits"))


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _term(text: str, at: int, keys: Mapping[str, Key]) -> tuple[Term, int]:
    is_not = text[at] == "-"
    start = at + is_not
    if text[start : start + 1] == '"':
        words, end = _quoted(text, start)
        if not words.strip():
            raise NotUnderstood(start, "no words between the quotes", ("a word",))
        return Term(WORDS, (words,), is_not, at), end
    named = _KEY.match(text, start)
    key = keys.get(named[1].lower()) if named else None
    if named is None or key is None:
        raise NotUnderstood(start, _unknown(text, start, named), (*keys, '"exact words"'))
    if is_not and not key.may_be_negated:
        raise NotUnderstood(at, f"a minus before {key.name}", (f"{key.name}: without it",))
    values, end = _values(text, named.end(), key)
    return Term(key.name, values, is_not, at), end


def _unknown(text: str, start: int, named: "re.Match[str] | None") -> str:
    if named:
        return f"the key {_shown(named[1])}, which this list does not have"
    return f"{_shown(text[start:])}, which is no key with a value" if text[start:] else "nothing"


def _values(text: str, at: int, key: Key) -> tuple[tuple[Value, ...], int]:
    found = list[Value]()
    while True:
        said, end = _value(text, at, key)
        if len(said) > LONGEST_VALUE:
            raise NotUnderstood(at, "a longer value", (f"at most {LONGEST_VALUE} characters",))
        try:
            found.append(key.kind.read(said))
        except NoSuchValue:
            told = f"{_shown(said)}, which is no value of {key.name}"
            raise NotUnderstood(at, told, key.kind.possible) from None
        if text[end : end + 1] != ",":
            return tuple(found), end
        at = end + 1
        if key.is_single or len(found) == MOST_VALUES:
            raise NotUnderstood(end, "one value more", (f"at most {_most(key)} of {key.name}",))


def _most(key: Key) -> int:
    return 1 if key.is_single else MOST_VALUES


def _value(text: str, at: int, key: Key) -> tuple[str, int]:
    if text[at : at + 1] == '"':
        return _quoted(text, at)
    bare = _BARE.match(text, at)
    if bare is None:
        raise NotUnderstood(at, f"no value of {key.name}", key.kind.possible)
    return bare[0], bare.end()


def _quoted(text: str, at: int) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    if found is None:
        raise NotUnderstood(at, "a quote that is not closed", ('" at its end',))
    return _ESCAPED.sub(r"\1", found[1]), found.end()


def _shown(text: str) -> str:
    """What stands there, up to the next space and not all of it."""
    begins = text[: SHOWN + 1]
    word = begins.split(maxsplit=1)[0] if begins.strip() else begins
    return f"“{word[:SHOWN]}{'…' if len(word) > SHOWN else ''}”"


# --- terms to text -------------------------------------------------------------------------------


def printed(terms: Iterable[Term], keys: Mapping[str, Key]) -> str:
    """`parse` of it gives the same terms."""
    return " ".join(printed_term(term, keys) for term in terms)


def printed_term(term: Term, keys: Mapping[str, Key]) -> str:
    sign = "-" if term.is_not else ""
    if term.key == WORDS:
        return f"{sign}{_in_quotes(str(term.values[0]))}"
    written = (keys[term.key].kind.write(value) for value in term.values)
    return f"{sign}{term.key}:{','.join(map(_value_text, written))}"


def _value_text(text: str) -> str:
    return text if _BARE.fullmatch(text) else _in_quotes(text)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def without(terms: Sequence[Term], place: int) -> Iterator[Term]:
    """All but one: what a chip does that is taken away."""
    return (term for number, term in enumerate(terms) if number != place)
