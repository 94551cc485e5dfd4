"""`python -m config.stack.lend COMMAND…`: runs a command with databases of its own, empty before
and gone afterwards."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from config.stack.services import Services


def main(command: list[str]) -> int:
    services = Services(Path(tempfile.mkdtemp(prefix="tips-lent-")))
    try:
        services.start()
        addresses = {"MONGODB_URI": services.mongodb_uri, "REDIS_URL": services.redis_url}
        return subprocess.run(command, env={**os.environ, **addresses}, check=False).returncode
    finally:
        services.discard()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
