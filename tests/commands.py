"""Which collections did this process write to? MongoDB cannot roll a test back, so each test empties what it wrote, no more."""

from typing import Any

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


WRITES = Writes()
