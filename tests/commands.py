"""What this process sends to MongoDB: which collections it wrote (each test empties those), and whole
commands when asked.

Listeners have to be known before the client is made, so `tests.services` registers both; nothing here may
need Django."""

from typing import Any

from bson import SON
from pymongo import monitoring

_COMMANDS = frozenset({"insert", "update", "delete", "findAndModify"})


class Writes(monitoring.CommandListener):
    """Notes the target of every write command, from any thread, the ORM or PyMongo."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in _COMMANDS:
            self.seen.add((event.database_name, event.command[event.command_name]))
        elif event.command_name == "aggregate" and event.command["pipeline"]:
            self._note_output(event.database_name, event.command["pipeline"][-1])

    def _note_output(self, database: str, stage: dict[str, Any]) -> None:
        target = stage.get("$out") or stage.get("$merge", {}).get("into")
        if isinstance(target, str):
            self.seen.add((database, target))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    def take(self, database: str) -> set[str]:
        """The collections of this database written since the last take."""
        taken, self.seen = self.seen, set()
        return {collection for owner, collection in taken if owner == database}


class Recorder(monitoring.CommandListener):
    """Keeps the commands that read or change documents, while someone records."""

    _KINDS = frozenset({"find", "aggregate", "update", "delete", "findAndModify", "count", "distinct"})

    def __init__(self) -> None:
        self.commands: list[tuple[str, SON[str, Any]]] | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.commands is not None and event.command_name in self._KINDS:
            self.commands.append((event.database_name, SON(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


WRITES = Writes()
RECORDER = Recorder()
