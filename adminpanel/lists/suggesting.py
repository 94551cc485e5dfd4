"""What may be typed next in a query: of the word before the caret the keys, or of a key the values.
The page puts what is chosen in its place."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from adminpanel.asking import values
from adminpanel.asking.kinds import Day, Key, Moment, OneOf, Truth
from adminpanel.asking.plan import Listed

MOST = 8


class Suggestion(NamedTuple):
    """`text` stands where `typed` stood; `is_whole`: nothing has to follow it."""

    text: str
    says: str
    is_whole: bool


class Suggested(NamedTuple):
    typed: str
    found: list[Suggestion]


def at(listed: Listed, text: str, *, offered: Mapping[str, str]) -> Suggested:
    """`text`: what stands before the caret. `offered`: the keys whose values are looked up, each
    with its index."""
    if text.count('"') % 2:  # words in quotes are anybody's
        return Suggested("", [])
    word = "" if not text or text[-1].isspace() else text.rsplit(maxsplit=1)[-1]
    sign, bare = ("-", word[1:]) if word.startswith("-") else ("", word)
    name, colon, value = bare.partition(":")
    key = listed.keys.get(name.lower())
    if not colon:
        found = _keys(listed, sign, bare.lower())
    elif key is None:
        found = iter(())
    else:
        begun, comma, last = value.rpartition(",")
        head = f"{sign}{key.name}:{begun}{comma}"
        possible = _values(listed, key, last, offered.get(key.name))
        found = (Suggestion(f"{head}{each}", "", is_whole=True) for each in possible)
    return Suggested(word, list(_first(found)))


def _keys(listed: Listed, sign: str, begins: str) -> Iterator[Suggestion]:
    for key in listed.keys.values():
        if key.name.startswith(begins) and (not sign or key.may_be_negated):
            yield Suggestion(f"{sign}{key.name}:", key.says, is_whole=False)


def _values(listed: Listed, key: Key, begins: str, index: str | None) -> Iterable[str]:
    if index:
        return values.known(listed, key.name, begins=begins, index=index, most=MOST)
    if isinstance(key.kind, (OneOf, Truth, Day, Moment)):
        return [each for each in key.kind.possible if each.startswith(begins.lower())]
    return ()


def _first(found: Iterable[Suggestion]) -> Iterator[Suggestion]:
    for number, each in enumerate(found):
        if number == MOST:
            return
        yield each
