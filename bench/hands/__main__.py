"""`python -m bench.hands [PART …]`: what a person at a performer's screen does, walked through in a
real browser against a whole stack with DEBUG=false, and held against what is asked of it.

1. A stack, the vendor's simulator and a Chromium are started. 2. Each part notes its checks, with
numbers. 3. All of them as a table; status 1 when a bound is missed."""

import argparse
import sys
import traceback
from collections.abc import Callable

from bench.hands import document, outage, stops, twins, walks
from bench.hands.checks import WalkReport
from bench.hands.scene import WalkScene

PARTS: dict[str, Callable[[WalkScene, argparse.Namespace], None]] = {
    "cover": lambda scene, given: stops.cover(scene),
    "stop": lambda scene, given: stops.measure(scene, times=given.presses),
    "keyboard": lambda scene, given: walks.measure(scene, "keyboard"),
    "touch": lambda scene, given: walks.measure(scene, "touch"),
    "document": lambda scene, given: document.measure(scene, changes=given.changes),
    "twins": lambda scene, given: twins.measure(
        scene, changes=given.changes, minutes=given.minutes
    ),
    "outage": lambda scene, given: outage.measure(scene, given.only),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.hands", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all"
    )
    parser.add_argument("--presses", type=int, default=100, metavar="N", help="of STOP, each way")
    parser.add_argument("--changes", type=int, default=200, metavar="N", help="of page, of state")
    parser.add_argument("--minutes", type=float, default=10, help="of two who act at random")
    parser.add_argument("--only", default="", metavar="WAY", help="of outage, a comma list")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return given


def main() -> int:
    given, report = arguments(), WalkReport()
    with WalkScene(report) as scene:
        for name in given.parts or PARTS:
            report.part = name
            print(f"{name} ...", flush=True)
            try:
                PARTS[name](scene, given)
            except Exception:
                traceback.print_exc()
                report.at_most("came to no end", 1, 0, "parts")
    print(f"\n{report}")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
