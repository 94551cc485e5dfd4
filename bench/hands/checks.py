"""What was found, held against what is asked: said as it is found, and as a table at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import table
from bench.load import percentiles

SHOWN = 5  # faults of one check


@dataclass(frozen=True)
class BoundCheck:
    part: str
    what: str
    found: float
    bound: float
    unit: str
    count: int

    @property
    def holds(self) -> bool:
        return self.found <= self.bound

    @property
    def row(self) -> tuple[object, ...]:
        verdict = "" if self.holds else "MISSED"
        return (self.part, self.what, self.count, self.found, self.bound, self.unit, verdict)


@dataclass
class WalkReport:
    """`part`: to which of the program's parts belongs what is noted now."""

    part: str = ""
    checks: list[BoundCheck] = field(default_factory=list)

    def at_most(self, what: str, found: float, bound: float, unit: str, count: int = 1) -> None:
        check = BoundCheck(self.part, what, round(found, 2), bound, unit, count)
        self.checks.append(check)
        print("  ".join(map(str, check.row)), flush=True)

    def share(self, what: str, values: Sequence[float], **bounds: float) -> None:
        """Of values in ms; `p99=50`: at most so many are slower."""
        found = percentiles(values)
        for name, bound in bounds.items():
            slowest = found.get(name, float("inf"))
            self.at_most(f"{what}, {name}", slowest, bound, "ms", len(values))
        if found:
            print(f"    p50 {found['p50']}, max {found['max']}", flush=True)

    def none(self, what: str, faults: Sequence[object], count: int) -> None:
        """Of so many tries none went wrong, and at least one was made."""
        self.at_most(what, len(faults) if count else 1, 0, "faults", count)
        for fault in faults[:SHOWN]:
            print(f"    {fault}", flush=True)

    @property
    def is_good(self) -> bool:
        return bool(self.checks) and all(check.holds for check in self.checks)

    def __str__(self) -> str:
        head = ("part", "what", "times", "found", "bound", "unit", "")
        return table.columns(head, [check.row for check in self.checks])
