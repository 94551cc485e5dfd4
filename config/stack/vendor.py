"""Lovense beside a stack: its cloud, a phone with two toys and their journal, on loopback
(docs/simulator.md). For demonstrations; nothing of it is kept but the journal."""

import socket
from collections.abc import Mapping
from pathlib import Path

from config.stack.processes import PYTHON, Program
from config.stack.services import LOOPBACK, free_port

TOYS = "lush,nora"
DEVELOPER = "development-only-lovense-developer-token"
"""The token that the simulated cloud accepts: a real one stays out of it."""
CALLBACK_PATH = "/api/webhooks/lovense"


class Vendor:
    """It needs no database, so that it starts first; the site is told where it is before."""

    name = "vendor"

    def __init__(self, directory: Path, site: str) -> None:
        self.port, self._directory = free_port(), directory
        self.journal = directory / "vendor.jsonl"
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._site = site

    def program(self, environment: Mapping[str, str]) -> Program:
        """Its words are not the stack's: it says of itself that it is ready, too."""
        arguments = (
            *("manage.py", "lovense_simulator", "--toys", TOYS, "--developer-token", DEVELOPER),
            *("--port", str(self.port), "--phone-port", "0", "--no-https"),
            *("--callback-to", self._site + CALLBACK_PATH, "--journal", str(self.journal)),
        )
        log = self._directory / f"{self.name}.log"
        return Program(self.name, (PYTHON, *arguments), environment, log=log)

    @property
    def settings(self) -> dict[str, str]:
        """For the site."""
        return {"LOVENSE_API_BASE_URL": self.url, "LOVENSE_DEVELOPER_TOKEN": DEVELOPER}

    @property
    def address(self) -> dict[str, str]:
        """For commands that look for it."""
        return {"url": self.url, "journal": str(self.journal)}

    def probe(self) -> bool:
        """One short look: is it ready?"""
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        return True
