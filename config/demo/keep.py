"""`manage.py demo --keep`: a stack with a past, whose data stays. Before anything serves, the past
is written into its database, once; then this process becomes the stack."""

import os
import secrets
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from config.demo.show import PERFORMER, STAFF
from config.stack.binaries import BinaryMissing
from config.stack.place import Place, PlaceTaken
from config.stack.processes import BASE_DIR, PYTHON
from config.stack.services import ServiceFailed, Services, free_port

SEED = 7


class SomebodysData(Exception):
    """A past is written into an empty database only; somebody's own tips stay alone."""


def run(*, port: int, data: Path | None, days: int, state: str = "") -> int:
    """1. The databases alone. 2. The past and fresh log-ins. 3. The stack, in this process's
    place."""
    # never into another's database, and no token of it is money
    os.environ.update(MONGODB_URI="", REDIS_URL="", DEBUG="true", TEST_DEPLOYMENT="true")
    try:
        port = port or free_port()
        invitation = _prepared(data, port, days, state)
    except (PlaceTaken, ServiceFailed, BinaryMissing, SomebodysData) as refusal:
        _say(str(refusal))
        return 1
    _say(invitation)
    os.environ.update(MONGODB_URI="", REDIS_URL="")
    os.chdir(BASE_DIR)
    where = ["--data", str(data)] if data else []
    os.execv(PYTHON, [PYTHON, "-m", "config.stack", "--port", str(port), *where])


def _prepared(data: Path | None, port: int, days: int, state: str) -> str:
    with closing(_Held(data)) as held, Services(held.place.data) as services:
        os.environ.update(MONGODB_URI=services.mongodb_uri, REDIS_URL=services.redis_url)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django  # not before now: only now does the environment name the databases

        django.setup()
        _made()
        url = f"http://127.0.0.1:{port}"
        return _seeded(url, state) if state else _filled(url, days)


def _made() -> None:
    """With all tables, and while it is empty marked as a test's."""
    from django.core.management import call_command

    from adminpanel.handling import deployment
    from ground import clock

    call_command("migrate", verbosity=0)
    deployment.settle(now=clock.now())


class _Held:
    """The directory is ours until the stack takes it over."""

    def __init__(self, data: Path | None) -> None:
        self.place = Place(data=data, ephemeral=False)

    def close(self) -> None:
        self.place.leave()


def _filled(url: str, days: int) -> str:
    from tqdm import tqdm

    from config.demo import past
    from ground import clock

    if not past.exists():
        if not past.is_empty():
            raise SomebodysData(
                "There are tips in this database already; name another directory with --data DIR."
            )
        with tqdm(desc=f"{days} days of tips", unit="tip", mininterval=0.5) as bar:
            past.make(now=clock.now(), days=days, progress=partial(_show, bar))
    return _invitation(url, past.PERFORMERS)


def _seeded(url: str, state: str) -> str:
    """One performer's evening in that state, instead of the month."""
    from config.seeds import refusals, show
    from config.seeds.refusals import NotSeeded
    from ground import clock

    now = clock.now()
    try:
        refusals.check(now=now, clock=now)
        own_id = show.make(show.Evening(PERFORMER, state, SEED, now))
    except (NotSeeded, show.HasAPast) as refusal:
        raise SomebodysData(f"{refusal} Name another directory with --data DIR.") from None
    return _invitation(url, ((own_id, PERFORMER),))


def _show(bar: Any, done: int, of: int) -> None:
    bar.total = of
    bar.update(done - bar.n)


def _invitation(url: str, performers: tuple[tuple[str, str], ...]) -> str:
    """Where to look, and as whom: passwords anew at every start."""
    from adminpanel import staff
    from ground import clock
    from ground.people import Role
    from lovense.performers import enrolment

    lines, now = [], clock.now()
    for performer_id, name in performers:
        password = secrets.token_urlsafe(9)
        enrolment.enrol(performer_id=performer_id, username=name, password=password, now=now)
        lines.append(f"  performer     {url}/            {name} / {password}")
    password = secrets.token_urlsafe(9)
    staff.enrol(username=STAFF, role=Role.ADMIN, password=password)
    lines.append(f"  staff         {url}/staff/tips  {STAFF} / {password}")
    lines.append(f"  one tip       {url}/staff/tips/{_newest()}")
    lines.append("\nA live page is a device, too. Press Ctrl-C to stop; the data stays.")
    return "\n" + "\n".join(lines)


def _newest() -> str:
    """Of a tip to begin with."""
    from ground.mongodb.collections import collection
    from tips.models import Tip

    row = collection(Tip).find_one({}, {"_id": 1}, sort=[("created_at", -1)])
    return str(row["_id"]) if row else ""


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
