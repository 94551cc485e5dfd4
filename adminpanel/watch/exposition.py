"""The numbers of this deployment in Prometheus' text format (0.0.4). Labels name parts and states,
never people.

Everything is read from MongoDB at the moment of asking, so any web process gives the same answer
and none keeps a count."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from adminpanel.watch import health, metrics, moment, readiness
from lovense.deciding import platform
from tips.log import eventlog

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "settled_tips_"
LATELY = timedelta(minutes=5)

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name, what it means, and its values by their labels."""

    name: str
    words: str
    samples: list[tuple[Labels, float]]
    kind: str = "gauge"

    def lines(self) -> Iterator[str]:
        name = PREFIX + self.name
        yield f"# HELP {name} {self.words}"
        yield f"# TYPE {name} {self.kind}"
        for labels, value in self.samples:
            yield f"{name}{_shown(labels)} {float(value)!r}"


def _shown(labels: Labels) -> str:
    return (
        "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"
        if labels
        else ""
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def render(families: Iterable[Family]) -> str:
    return "".join(f"{line}\n" for family in families for line in family.lines())


def text(*, now: datetime) -> str:
    """What can be told: of the queue nothing, while MongoDB does not answer."""
    parts = readiness.parts(now=now)
    found = [*_parts(parts)]
    if parts.mongodb:
        try:
            found += [*_queue(now), *_lately(now)]
        except PyMongoError:
            away = replace(parts, mongodb=False, worker=False, is_draining=False, skew_ms=None)
            found = [*_parts(away)]
    return render(found)


def _plain(name: str, words: str, value: float, kind: str = "gauge") -> Family:
    return Family(name, words, [({}, value)], kind)


def _parts(parts: readiness.Parts) -> Iterator[Family]:
    up: list[tuple[Labels, float]] = [({"part": name}, is_up) for name, is_up in parts.up.items()]
    yield Family("up", "Whether this part works, as /readyz tells.", up)
    if parts.skew_ms is not None:
        words = "How far the clock of this process is ahead of MongoDB's."
        yield _plain("clock_skew_seconds", words, parts.skew_ms / 1000)
    yield _plain("draining", "Whether nothing new starts, for a deploy.", parts.is_draining)


def _queue(now: datetime) -> Iterator[Family]:
    found = health.read(now=now)
    states: list[tuple[Labels, float]] = [
        ({"status": status.value}, status is found.status) for status in health.Status
    ]
    most = health.COUNTED_AT_MOST
    yield Family("queue_health", "1 for the health that the queue has.", states)
    yield Family(
        "hop_depth",
        f"How many wait before this hop, counted to {most}.",
        [({"hop": h.name}, h.depth) for h in found.hops],
    )
    lags: list[tuple[Labels, float]] = [
        ({"hop": hop.name}, hop.lag_seconds or 0) for hop in found.hops
    ]
    yield Family("hop_lag_seconds", "How long the oldest has waited before this hop.", lags)
    yield _plain("queue_depth_limit", "From here on nothing is taken from people.", health.DEPTH)
    yield _plain(
        "queue_failures_last_hour",
        "Requests that failed or died, counted to 1000.",
        found.saw("failures").saw,
    )
    yield _plain(
        "queue_dead_letters",
        "Dead letters without a review, counted to 1000.",
        found.saw("dead").saw,
    )
    yield _plain(
        "deliveries_set_aside",
        "Deliveries that could not be processed and wait for a person, counted to 1000.",
        found.saw("set_aside").saw,
    )
    yield _plain(
        "journal_rows_refused",
        "Rows that an index refused and that wait for a person, counted to 1000.",
        found.saw("refused").saw,
    )
    yield from _seen(moment.read(now=now, found=found))
    yield _plain(
        "activations_enabled", "0: the kill switch is on.", platform.current().enable_lovense
    )
    yield _plain("events_total", "TipActivated events in the log.", eventlog.length(), "counter")


def _seen(seen: moment.HealthLook) -> Iterator[Family]:
    yield _plain("queue_running", "Lanes with something claimed.", seen["running"])
    yield _plain("pages_online", "Performers whose devices a page holds.", seen["online"])
    yield _plain("lanes_paused", "Performers who have paused.", seen["paused"])
    yield _plain("devices_connected", "Devices that are connected.", seen["connected"])
    yield _plain("devices_low", "Connected devices with little battery left.", seen["low"])
    yield _plain("repairs_open", "Repairs that are open, counted to 1000.", seen["repairs"]["open"])
    yield _plain("ledger_up", "Whether the ledger answers.", seen["ledger"]["answers"])
    late: list[tuple[Labels, float]] = [
        ({"consumer": name}, lag) for name, lag in seen["consumers"].items()
    ]
    yield Family("consumer_lag_seconds", "How late this consumer of the event log is.", late)


def _lately(now: datetime) -> Iterator[Family]:
    found = metrics.read(LATELY, now=now)
    ended: list[tuple[Labels, float]] = [
        ({"status": status.value}, found.ended[status]) for status in metrics.ENDS
    ]
    yield Family("requests_ended_5m", "Requests that ended in the last five minutes.", ended)
    yield _plain(
        "requests_submitted_5m", "Requests that came in the last five minutes.", found.submitted
    )
    waits: list[tuple[Labels, float]] = [
        ({"quantile": str(share)}, waited)
        for name, share in metrics.PERCENTILES.items()
        if (waited := found.waits.percentiles[name]) is not None
    ]
    yield Family(
        "wait_seconds_5m",
        "How long those that ended in the last five minutes had waited for their start.",
        waits,
    )
