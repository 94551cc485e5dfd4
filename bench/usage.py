"""CPU and memory of the stack's processes, read from the operating system; nothing is asked of the
stack itself."""

import os
from dataclasses import dataclass

import psutil

GENERATOR, OTHERS = "generator", "other programs"


@dataclass(frozen=True, slots=True)
class Sample:
    cpu_seconds: float
    rss_bytes: int


class Watch:
    """The supervisor's process tree, each process under the name of the nearest named ancestor."""

    def __init__(self, supervisor: int, names: dict[str, int]) -> None:
        self.supervisor = supervisor
        self.names = {pid: name for name, pid in names.items()} | {supervisor: "supervisor"}

    def read(self) -> dict[str, Sample]:
        totals: dict[str, Sample] = {GENERATOR: _sample(psutil.Process(os.getpid()))}
        self._walk(psutil.Process(self.supervisor), "supervisor", _children_of(), totals)
        # What nobody here used; when it is not small, the figures say more about the neighbours
        # than about us.
        totals[OTHERS] = Sample(
            _machine_cpu_seconds() - sum(sample.cpu_seconds for sample in totals.values()), 0
        )
        return totals

    def _walk(
        self,
        process: psutil.Process,
        inherited: str,
        children: dict[int, list[psutil.Process]],
        totals: dict[str, Sample],
    ) -> None:
        try:
            name = self.names.get(process.pid) or (
                process.name() if inherited == "supervisor" else inherited
            )
            sample = _sample(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return
        known = totals.get(name, Sample(0, 0))
        totals[name] = Sample(
            known.cpu_seconds + sample.cpu_seconds, known.rss_bytes + sample.rss_bytes
        )
        for child in children.get(process.pid, []):
            self._walk(child, name, children, totals)


def _children_of() -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"], []).append(process)
    return children


def _machine_cpu_seconds() -> float:
    times = psutil.cpu_times()
    return sum(getattr(times, kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq"))


def _sample(process: psutil.Process) -> Sample:
    with process.oneshot():
        times = process.cpu_times()
        return Sample(times.user + times.system, process.memory_info().rss)


def spent(
    before: dict[str, Sample], after: dict[str, Sample], *, tips: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Per process: CPU milliseconds a tip, share of one core, megabytes at the end."""
    rows = {}
    for name, sample in sorted(after.items()):
        cpu = sample.cpu_seconds - before.get(name, Sample(0, 0)).cpu_seconds
        rows[name] = {
            "cpu_ms_per_tip": round(1000 * cpu / max(tips, 1), 3),
            "cpu_percent": round(100 * cpu / seconds, 1),
            "rss_mb": round(sample.rss_bytes / 2**20, 1),
        }
    return rows
