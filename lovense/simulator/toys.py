"""Several virtual toys that hear the same commands, as those of one phone do. Its twin is in
`static/js/toy.js`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lovense.rows import Json
from lovense.simulator import commands
from lovense.simulator.commands import NotObeyed
from lovense.simulator.toy import Toy, listing, refusal

MAX_TOYS = 16


class TooManyToys(ValueError):
    """One phone holds at most MAX_TOYS."""


class Toys:
    """By their ids, in the order in which they came."""

    def __init__(self, toys: Iterable[Toy] = ()) -> None:
        self._toys: dict[str, Toy] = {}
        for toy in toys:
            self.add(toy)

    def __iter__(self) -> Iterator[Toy]:
        return iter(self._toys.values())

    def __getitem__(self, toy_id: str) -> Toy:
        return self._toys[toy_id]

    def __contains__(self, toy_id: str) -> bool:
        return toy_id in self._toys

    @property
    def ids(self) -> list[str]:
        return list(self._toys)

    def add(self, toy: Toy) -> None:
        if len(self._toys) >= MAX_TOYS and toy.id not in self._toys:
            raise TooManyToys(f"at most {MAX_TOYS} toys")
        self._toys[toy.id] = toy

    def remove(self, toy_id: str) -> Toy:
        return self._toys.pop(toy_id)

    def obey(self, command: Mapping[str, Any], at: float) -> Json:
        """The vendor's answer. Who is named obeys; with no `toy`, everybody who is connected. What
        one of them has taken is taken."""
        if (listed := self._listed(command, at)) is not None:
            return listed
        try:
            answers = [toy.obey(command, at) for toy in self._meant(command, at)]
        except NotObeyed as error:
            return refusal(error.code)
        return next((answer for answer in answers if answer["code"] == 200), answers[0])

    def code_for(self, command: Mapping[str, Any], at: float) -> int:
        """The code of what it would answer; nothing moves."""
        if command.get("command") in commands.LISTS:
            return 200
        try:
            codes = [toy.code_for(command, at) for toy in self._meant(command, at)]
        except NotObeyed as error:
            return error.code
        return 200 if 200 in codes else codes[0]

    def levels(self, at: float) -> dict[str, dict[str, int]]:
        return {toy.id: toy.levels(at) for toy in self}

    def _listed(self, command: Mapping[str, Any], at: float) -> Json | None:
        if command.get("command") == "GetToys":
            return listing(self, at)
        if command.get("command") == "GetToyName":
            return {"code": 200, "type": "OK", "data": [toy.kind.type for toy in self]}
        return None

    def _meant(self, command: Mapping[str, Any], at: float) -> list[Toy]:
        """At least one. Raises NotObeyed."""
        if command.get("command") not in commands.MOTIONS:
            raise NotObeyed(commands.INVALID_COMMAND)
        named = command.get("toy")
        if named is None:
            return self._connected(at)
        ids = named if isinstance(named, list) else [named]
        if not ids or len(ids) > MAX_TOYS or not all(isinstance(one, str) for one in ids):
            raise NotObeyed(commands.INVALID_PARAMETER)
        if not (found := [self._toys[one] for one in ids if one in self._toys]):
            raise NotObeyed(commands.TOY_NOT_FOUND)
        return found

    def _connected(self, at: float) -> list[Toy]:
        if not self._toys:
            raise NotObeyed(commands.TOY_NOT_FOUND)
        return [toy for toy in self if toy.is_connected(at)] or list(self)
