"""The stack's command line, shared by `manage.py stack` and `python -m config.stack`."""

import argparse
import os
from pathlib import Path

DESCRIPTION = (
    "Runs the whole system in the foreground on one port; Ctrl-C or SIGTERM ends every part of it."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_port,
        default=8000,
        help="the public port on 127.0.0.1; 0 takes a free one (default 8000)",
    )
    parser.add_argument(
        "--ephemeral",
        action="store_true",
        help="keep nothing: the data goes to a directory removed at the end",
    )
    parser.add_argument(
        "--web",
        type=_count,
        default=1,
        metavar="N",
        help="how many web processes share the port (default 1)",
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="how many workers share the hops (default 1)",
    )
    parser.add_argument(
        "--beat",
        choices=("worker", "process"),
        default=os.environ.get("STACK_BEAT") or "worker",
        help="where the clock ticks: in the first worker, or in a process of its own (default "
        "worker, or what STACK_BEAT says)",
    )
    parser.add_argument(
        "--vendor",
        action="store_true",
        help="Lovense on this machine, too: a phone with two toys to pair; its journal is beside "
        "the data, in vendor.jsonl",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="where data, logs and stack.json go (default .local); for a second stack in one "
        "checkout",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"a port is between 0 and 65535, not {text}")
    return port


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:
        raise argparse.ArgumentTypeError(f"between 1 and 64 processes, not {text}")
    return count
