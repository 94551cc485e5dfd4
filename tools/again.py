"""After `make test`: what failed, once more and by itself. A few tests measure what happens within
milliseconds, and a machine that does something else then proves nothing against them. They are
named, so that nobody takes them for well; more than a few are no accident.

Exit codes are pytest's; 1 also for more failures than that, and for a run that did not end."""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/tests/failed")
MOST = 8


def main() -> int:
    names = json.loads(FAILED.read_text())
    if not 0 < len(names) <= MOST:
        print(f"Not run again: 1 to {MOST} failures of a whole run would be.", flush=True)
        return 1
    code = subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:], *names], check=False)
    for name in names if not code.returncode else ():
        print(f"PASSED ONLY BY ITSELF, see why: {name}", flush=True)
    return code.returncode


if __name__ == "__main__":
    sys.exit(main())
