"""Pairings that were asked for: by code, for as long as the vendor keeps one."""

import random
import string
from dataclasses import dataclass

from lovense.vendor_simulator.phones.phone import Paired

LIFE_MS = 4 * 3600 * 1000  # the vendor's
CODE_LENGTH = 6
MOST = 10_000  # the oldest gives way


@dataclass(frozen=True, slots=True)
class OpenPairing:
    code: str
    paired: Paired
    until: int


class Pairings:
    """Asked under the agenda's lock."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._open: dict[str, OpenPairing] = {}

    def open(self, uid: str, utoken: str, now: int) -> str:
        """The code of a new one. Asking twice gives two, and both may be scanned."""
        code = self._new_code()
        self._open[code] = OpenPairing(code, Paired(uid, utoken), now + LIFE_MS)
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return code

    def find(self, code: str, now: int) -> Paired | None:
        """None for a code that nobody was given, or whose time is over."""
        found = self._open.get(code.strip().upper())
        return found.paired if found and now < found.until else None

    def is_known(self, code: str) -> bool:
        return code in self._open

    def clear(self) -> None:
        self._open.clear()

    def _new_code(self) -> str:
        letters = string.ascii_uppercase + string.digits
        while True:
            code = "".join(self._chance.choices(letters, k=CODE_LENGTH))
            if code not in self._open:
                return code
