"""Keeps children running: one that dies is started again and said so; at the end every one is
ended, the last started first."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection

from config.stack.processes import Process, Program, fate, launch

FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
STEADY_SECONDS = 5.0
"""A child that ran this long is started again at once, and its delays begin anew."""
GLANCE_SECONDS = 0.02


class Supervisor:
    def __init__(
        self, *, say: Callable[[str], None], changed: Callable[[dict[str, int]], None]
    ) -> None:
        self.say = say
        self.changed = changed
        self.processes: dict[str, Process] = {}
        self.restarts: Counter[str] = Counter()
        self.hurry = False
        self._keepers: list[asyncio.Task[None]] = []

    def launch(self, program: Program) -> Process:
        process = self.processes[program.name] = launch(program)
        self.changed({name: process.pid for name, process in self.processes.items()})
        return process

    def keep(self, program: Program) -> None:
        """From now on it is started again whenever it ends."""
        self._keepers.append(asyncio.create_task(self._keep(program)))

    async def _keep(self, program: Program) -> None:
        delay = 0.0
        while True:
            began = time.monotonic()
            code = await exited(self.processes[program.name])
            if time.monotonic() - began > STEADY_SECONDS:
                delay = 0.0
            if delay:
                self.say(f"{program.name} {fate(code)}; it starts again in {delay:g} s")
                await asyncio.sleep(delay)
            self.launch(program)
            self.restarts[program.name] += 1
            self.say(f"restarted {program.name} ({fate(code)})")
            delay = min(max(FIRST_DELAY, delay * 2), LONGEST_DELAY)

    async def run(self, program: Program) -> int:
        """One child to its end, not started again."""
        process = self.processes[program.name] = launch(program)
        code = await exited(process)
        del self.processes[program.name]
        return code

    async def stop(self, *, seconds: float, spare: Collection[str] = ()) -> None:
        """Asks all but the spared to end, the last started first; whoever still runs after
        `seconds`, or when hurried, is killed.

        Nothing is started again from here on.
        """
        for keeper in self._keepers:
            keeper.cancel()
        leaving = [
            process for name, process in reversed(self.processes.items()) if name not in spare
        ]
        for process in leaving:
            process.terminate()  # no harm to one that has ended: Popen knows
        deadline = time.monotonic() + seconds
        while (
            any(process.poll() is None for process in leaving)
            and time.monotonic() < deadline
            and not self.hurry
        ):
            await asyncio.sleep(GLANCE_SECONDS)
        for process in leaving:
            process.kill()
            process.wait()


async def exited(process: Process) -> int:
    """Without a thread or a poll: a process descriptor is readable once the process has ended."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


def on_signals(first: Callable[[], None], again: Callable[[], None]) -> None:
    """SIGINT, SIGTERM and SIGHUP end the stack in order; a second one hurries."""
    loop = asyncio.get_running_loop()
    seen = False

    def received() -> None:
        nonlocal seen
        (again if seen else first)()
        seen = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, received)
