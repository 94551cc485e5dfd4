"""How did MongoDB find it? Runs real code, takes the commands it sent, and asks the server for the plan of
each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bson import SON
from django.db.models import Model

from ground.mongodb.collections import client, collection
from tests.commands import RECORDER

# What a session and the driver add; `explain` refuses it.
_ADDED = frozenset(
    {
        "lsid",
        "txnNumber",
        "startTransaction",
        "autocommit",
        "$clusterTime",
        "$db",
        "$readPreference",
        "readConcern",
        "writeConcern",
    }
)
INDEXED = frozenset({"IXSCAN", "IDHACK", "DISTINCT_SCAN", "COUNT_SCAN", "EXPRESS_IXSCAN"}) | {
    "RECORD_STORE_FAST_COUNT"  # how many there are, as the server keeps it: nothing is read
}
# One row for the whole deployment, whatever its size.
SINGLE_ROWS = {"platform_settings", "tip_activated_chain_head"}
MANY = 5_000


@dataclass
class Plan:
    """The stages of one command's winning plan, the indexes it read, and (when it was run) how many documents
    or keys, whichever were more."""

    command: str
    collection: str
    stages: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    examined: int = 0
    documents: int = 0  # of these the documents: what is told from keys alone reads none

    @property
    def is_indexed(self) -> bool:
        return (
            bool(INDEXED & set(self.stages))
            and not {"COLLSCAN", "SORT"} & set(self.stages)
            and "$sort" not in self.stages
        )


def scans(plans: list[Plan]) -> list[Plan]:
    return [plan for plan in plans if not plan.is_indexed and plan.collection not in SINGLE_ROWS]


def fill(model: type[Model], row: Callable[[int], dict[str, Any]], count: int = MANY) -> None:
    """So many rows that a look-up which reads them all is seen."""
    collection(model).insert_many([row(n) for n in range(count)], ordered=False)


@contextmanager
def recorded(*, run: bool = False) -> Iterator[list[Plan]]:
    """`with recorded() as plans: …` fills the list at the end of the block; `run` also counts what each
    command reads."""
    plans: list[Plan] = []
    RECORDER.commands = commands = []
    try:
        yield plans
    finally:
        RECORDER.commands = None
    for database, command in commands:
        plans += [plan_of(database, single, run) for single in _singles(command)]


def _singles(command: SON[str, Any]) -> Iterator[SON[str, Any]]:
    """`explain` takes one update or delete at a time."""
    bare = SON((name, value) for name, value in command.items() if name not in _ADDED)
    parts = next((name for name in ("updates", "deletes") if name in bare), None)
    if parts is None:
        yield bare
        return
    for part in bare[parts]:
        yield SON(bare.items()) | {parts: [part]}


def plan_of(database: str, command: SON[str, Any], run: bool) -> Plan:
    name = next(iter(command))
    plan = Plan(name, command[name])
    answer = client()[database].command(
        "explain", command, verbosity="executionStats" if run else "queryPlanner"
    )
    for stage in answer.get("stages", []):
        plan.stages += [key for key in stage if key.startswith("$")]
    for winning in _winning(answer):
        _walk(winning, plan)
    plan.examined = max((max(count) for count in _counts(answer)), default=0)
    plan.documents = max((documents for documents, _ in _counts(answer)), default=0)
    return plan


def _counts(answer: Any) -> Iterator[tuple[int, int]]:
    """What the storage was asked for; a look-up by covered keys reads no document, so the larger of the two
    counts."""
    if isinstance(answer, dict):
        if "totalDocsExamined" in answer:
            yield answer["totalDocsExamined"], answer["totalKeysExamined"]
        for value in answer.values():
            yield from _counts(value)
    elif isinstance(answer, list):
        for part in answer:
            yield from _counts(part)


def _winning(answer: Any) -> Iterator[Any]:
    if isinstance(answer, dict):
        for key, value in answer.items():
            if key == "winningPlan":
                yield value
            elif key != "rejectedPlans":
                yield from _winning(value)
    elif isinstance(answer, list):
        for part in answer:
            yield from _winning(part)


def _walk(node: Any, plan: Plan) -> None:
    if isinstance(node, dict):
        if "stage" in node:
            plan.stages.append(node["stage"])
        if "indexName" in node:
            plan.indexes.append(node["indexName"])
        for value in node.values():
            _walk(value, plan)
    elif isinstance(node, list):
        for part in node:
            _walk(part, plan)
