"""`manage.py queue_status`: the queue in one look, of the deployment or of one performer; with
`--watch` once a second."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from adminpanel.watch import health, metrics, readiness
from ground import clock
from lovense.deciding import platform
from lovense.lane import lanes
from lovense.models import Performer
from tips.queue import counts
from tips.rows import RequestRow

Line = tuple[str, str]
SHOWN = 8


class Command(BaseCommand):
    help = "Depth, what runs, the oldest, mode, pauses, dead letters and rates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--performer", metavar="ID", help="the lane of one performer")
        parser.add_argument(
            "--watch", action="store_true", help="one line, refreshed every second, until Ctrl-C"
        )
        parser.add_argument(
            "--rounds", type=int, metavar="N", help="with --watch: end after so many looks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        performer_id = options["performer"]
        if performer_id and not Performer.objects.filter(pk=performer_id).exists():
            raise CommandError(f"There is no performer {performer_id!r}.")
        if options["watch"]:
            self._watch(performer_id, options["rounds"])
            return
        now = clock.now()
        for name, value in _of_lane(performer_id, now) if performer_id else _of_deployment(now):
            self.stdout.write(f"{name:<14}{value}".rstrip())

    def _watch(self, performer_id: str | None, rounds: int | None) -> None:
        total = lanes.COUNTED_AT_MOST if performer_id else health.DEPTH
        shape = "{desc} |{bar:24}| {n_fmt}/{total_fmt} waiting{postfix}"
        # The delay: nothing is shown before the first look.
        with tqdm(
            total=total, bar_format=shape, file=sys.stdout, mininterval=0, delay=1e-9
        ) as line:
            try:
                for number in range(rounds or sys.maxsize):
                    if number:
                        time.sleep(1)
                    now = clock.now()
                    depth, words = (
                        _lane_line(performer_id, now) if performer_id else _deployment_line(now)
                    )
                    line.n = min(depth, total)
                    line.set_description_str(f"{now:%H:%M:%S}", refresh=False)
                    line.set_postfix_str(words)
            except KeyboardInterrupt:
                pass  # that is how it ends


def _of_deployment(now: datetime) -> Iterator[Line]:
    found, parts = health.read(now=now), readiness.parts(now=now)
    hour = metrics.read(timedelta(hours=1), now=now)
    settings = platform.current()
    yield (
        "health",
        found.status.value + "".join(f", {reading.measure.code}" for reading in found.reasons),
    )
    yield (
        "parts",
        "  ".join(f"{name} {'up' if is_up else 'DOWN'}" for name, is_up in parts.up.items()),
    )
    yield "waiting", f"{_counted(found.hop('requests'))}, {_oldest(found.hop('requests'))}"
    yield "running", str(counts.running(limit=health.COUNTED_AT_MOST))
    yield "mode", settings.queue_mode
    yield "held", _held(is_draining=settings.is_draining, is_enabled=settings.enable_lovense)
    yield "dead letters", f"{found.saw('dead').saw} without a review"
    yield (
        "before it",
        "  ".join(f"{hop.name} {_counted(hop)}" for hop in found.hops if hop.name != "requests"),
    )
    yield (
        "last hour",
        ", ".join(
            [
                f"{hour.submitted} submitted",
                *(f"{hour.ended[end]} {end.value}" for end in metrics.ENDS),
            ]
        ),
    )
    yield (
        "waits",
        "  ".join(f"{name} {_seconds(waited)}" for name, waited in hour.waits.percentiles.items()),
    )


def _of_lane(performer_id: str, now: datetime) -> Iterator[Line]:
    lane = lanes.read(performer_id, limit=SHOWN, now=now)
    yield "waiting", _waiting(lane)
    yield "mode", f"{lane.mode.value}{', the platform’s' if lane.is_platform_mode else ''}"
    yield "paused", _paused(lane)
    for row in lane.running:
        yield "running", _request(row, now)
    for place, start in enumerate(lane.waiting, start=1):
        seconds = start.foreseen.seconds(now)
        when = (
            start.foreseen.why.replace("_", " ") if seconds is None else f"in about {seconds:.0f} s"
        )
        yield f"{place:>7}", f"{_request(start.request, now)}  {when}"


def _deployment_line(now: datetime) -> tuple[int, str]:
    found = health.read(now=now)
    lately = metrics.read(timedelta(minutes=1), now=now)
    ended = sum(lately.ended.values())
    words = [
        f"{counts.running(limit=health.COUNTED_AT_MOST)} running",
        _oldest(found.hop("requests")),
        f"{ended} ended in 1 min",
    ]
    return found.hop("requests").depth, ", ".join(
        [*words, f"{found.saw('dead').saw} dead", found.status.value]
    )


def _lane_line(performer_id: str, now: datetime) -> tuple[int, str]:
    lane = lanes.read(performer_id, limit=1, now=now)
    running = "plays" if lane.running else "still"
    return (
        lane.waiting_count,
        f"{running}, {lane.mode.value}, {_held_by_her(lane)}",
    )


def _held_by_her(lane: lanes.Lane) -> str:
    return "stopped" if lane.stopped else "paused" if lane.paused else "not paused"


# --- words ---------------------------------------------------------------------------------------


def _counted(hop: health.Backlog) -> str:
    return f"{'at least ' if hop.is_at_least else ''}{hop.depth}"


def _oldest(hop: health.Backlog) -> str:
    return "none" if hop.lag_seconds is None else f"oldest {_seconds(hop.lag_seconds)}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return (
        f"{seconds:.1f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _held(*, is_draining: bool, is_enabled: bool) -> str:
    reasons = ["draining"] * is_draining + ["the kill switch is on"] * (not is_enabled)
    return ", ".join(reasons) or "no"


def _waiting(lane: lanes.Lane) -> str:
    return f"{'' if lane.is_counted_out else 'at least '}{lane.waiting_count}"


def _paused(lane: lanes.Lane) -> str:
    if lane.stopped is not None:
        return f"stopped since {clock.iso(lane.stopped['since'])} until she resumes"
    if lane.paused is None:
        return "draining" if lane.is_draining else "no"
    until = (
        f"until {clock.iso(lane.paused['until'])}" if lane.paused["until"] else "until she resumes"
    )
    return f"since {clock.iso(lane.paused['since'])} {until}"


def _request(row: RequestRow, now: datetime) -> str:
    age = (now - row["created_at"]).total_seconds()
    told = (
        f"{row['type']:<13} {row['status']:<9} priority {row['priority']:<3} attempts "
        f"{row['attempts']}"
    )
    return f"{told}  {_seconds(age)} old  {row['_id']}"
