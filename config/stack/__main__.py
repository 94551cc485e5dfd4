"""`python -m config.stack`: what `manage.py stack` becomes, once Django, which it does not need, is
out of the way."""

import argparse
import sys

# asyncio would load it (4 MB); nothing here speaks TLS.
sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]

import asyncio

from config.stack.options import DESCRIPTION, add_arguments
from config.stack.stack import run

parser = argparse.ArgumentParser(prog="manage.py stack", description=DESCRIPTION)
add_arguments(parser)
options = parser.parse_args()
sys.exit(
    asyncio.run(
        run(
            port=options.port,
            web=options.web,
            workers=options.workers,
            beat=options.beat,
            data=options.data,
            ephemeral=options.ephemeral,
            has_vendor=options.vendor,
        )
    )
)
