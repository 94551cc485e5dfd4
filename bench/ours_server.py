"""How another bench starts this system: the stack, and its load test's data once it is ready.

The process that is measured is the stack itself: this one becomes it. A child waits for readiness,
prepares and ends. Started again over the same database (after a kill), it prepares nothing."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

BASE_DIR = Path(__file__).resolve().parent.parent
READY_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the stack's directory")
    parser.add_argument(
        "--tokens", type=Path, required=True, help="the file that receives the performers' tokens"
    )
    parser.add_argument("--performers", type=int, default=50)
    parser.add_argument("--web", type=int, default=1)
    parser.add_argument("--prepare-only", action="store_true", help="the child's part")
    options = parser.parse_args()
    os.chdir(BASE_DIR)
    if options.prepare_only:
        prepare(port=options.port, tokens=options.tokens, performers=options.performers)
        return
    subprocess.Popen([sys.executable, "-m", "bench.ours_server", *sys.argv[1:], "--prepare-only"])
    command = [
        "-m",
        "config.stack",
        "--port",
        str(options.port),
        "--web",
        str(options.web),
        "--data",
        str(options.data),
    ]
    os.execv(sys.executable, [sys.executable, *command])


def prepare(*, port: int, tokens: Path, performers: int) -> None:
    """Writes the tokens file whole, once the stack is ready; leaves a prepared database alone."""
    wait_until_ready(port)
    # Imported late: until the stack is ready, this process must not take its processor time.
    from pymongo import MongoClient

    from bench import stack

    with MongoClient[dict[str, object]](os.environ["MONGODB_URI"]) as client:
        if (
            tokens.exists()
            and client.get_default_database()["performers"].estimated_document_count() >= performers
        ):
            return
    found = stack.prepare(environment=dict(os.environ), performers=performers)
    draft = tokens.with_suffix(".draft")
    draft.write_text(json.dumps({"tokens": found}))
    draft.replace(tokens)


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.25)
    raise SystemExit(f"port {port} was not ready after {READY_SECONDS} s")


if __name__ == "__main__":
    main()
