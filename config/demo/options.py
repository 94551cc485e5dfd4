"""The demonstration's command line, shared by `manage.py demo` and `python -m config.demo`."""

import argparse
from pathlib import Path

STATES = ("first-run", "off-air", "on-air", "busy", "paused", "stopped", "trouble", "after")
DESCRIPTION = (
    "Starts the whole system with data that is thrown away, plays a show of tips and "
    "says what became of each."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--once",
        action="store_true",
        help="end after the show; 0 only if every tip got the verdict it should",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="no show: three performers and a month of tips, in data that stays, and stays up",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="with --keep: where data and logs go (default .local)",
    )
    parser.add_argument(
        "--state",
        choices=STATES,
        default="",
        help="with --keep: one performer's evening in this state, instead of the month",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        help="the port on 127.0.0.1; 0 takes a free one (default 8000)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=25.0,
        help="how much faster than life the device plays (default 25)",
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=30,
        metavar="N",
        help="with --keep: how many days of tips, when there are none yet (default 30)",
    )


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= 80:  # older rows would be archived
        raise argparse.ArgumentTypeError(f"between 1 and 80 days, not {text}")
    return days


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"a port is between 0 and 65535, not {text}")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0.1 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"a speed is between 0.1 and 1000, not {text}")
    return speed
