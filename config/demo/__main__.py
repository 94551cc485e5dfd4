"""`python -m config.demo`: what `manage.py demo` becomes. Django is set up once the stack has said
where its databases are."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from config.demo import keep
from config.demo.options import DESCRIPTION, add_arguments
from config.demo.system import System, SystemFailed

if TYPE_CHECKING:
    from config.demo.runner import Runner

INTERRUPTED = 130


def say(sentence: str) -> None:
    print(sentence, flush=True)


class Demonstration:
    """`code` is what the process ends with, however it is ended: 130 until the show is over."""

    def __init__(self, system: System, *, once: bool, speed: float) -> None:
        self._system, self._once, self._speed = system, once, speed
        self.code = INTERRUPTED

    async def run(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, me.cancel)
        say("Starting MongoDB, Redis, the web process, the worker, the clock and a Lovense …")
        await self._system.databases()
        # The cast is made, and the second performer begins, while the other parts come up.
        runner, _ = await asyncio.gather(self._begin(), self._system.ready())
        device = asyncio.ensure_future(runner.device.run())
        try:
            self._judge(await runner.play())
            if not self._once:
                say(runner.invitation())
                await self._stay()
        finally:
            device.cancel()
            await asyncio.gather(device, return_exceptions=True)

    async def _begin(self) -> "Runner":
        runner = await asyncio.to_thread(self._prepare)
        runner.begin()
        return runner

    def _prepare(self) -> "Runner":
        # Not before now: the settings are read once, and only now does the environment name the
        # databases.
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        logging.getLogger("httpx").setLevel(
            logging.WARNING
        )  # a line for each call would break the table
        from config.demo import runner
        from config.demo.second import VendorAddress

        system = self._system
        return runner.Runner(
            system.url,
            runner.prepare(),
            vendor=VendorAddress(system.vendor_url, system.journal),
            speed=self._speed,
            check=system.check,
        )

    def _judge(self, differences: list[str]) -> None:
        self.code = 1 if differences else 0
        for difference in differences:
            say(f" ✗ {difference}")
        if not differences:
            say(
                "\nEvery tip got the verdict it should, the device played each one once, in order, "
                "and\nLovense's journal says of the second performer's toys what her tips promised."
            )

    async def _stay(self) -> None:
        """Until Ctrl-C; a stack that ends by itself is said."""
        while True:
            await asyncio.sleep(1)
            self._system.check()


def main() -> int:
    parser = argparse.ArgumentParser(prog="manage.py demo", description=DESCRIPTION)
    add_arguments(parser)
    options = parser.parse_args()
    if options.keep:
        return keep.run(
            port=options.port, data=options.data, days=options.days, state=options.state
        )
    system = System(options.port)
    demonstration = Demonstration(system, once=options.once, speed=options.speed)
    try:
        system.start()
        asyncio.run(demonstration.run())
    except (asyncio.CancelledError, KeyboardInterrupt):
        say("\nStopping …")
    except SystemFailed as failure:
        say(str(failure))
        return 1
    finally:
        system.stop()
    return demonstration.code


if __name__ == "__main__":
    sys.exit(main())
