"""A stack with performers who can log in, a payment system, and a browser to look at it with."""

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from bson import ObjectId
from playwright.sync_api import Browser, Page, sync_playwright

from config.settings import PAYMENT_WEBHOOK_SECRETS
from tests.flows.stack import Stack
from tips.intake import simulator

PASSWORD = "correct horse battery"
STAFF = "dina"
BOB = "507f191e810c19729de860ea"
# What stands before says "Not connected".
CONNECTED = re.compile("^Connected$")
# With each window, and each test opens one, Chromium draws two pages for what is typed into its own bar, and
# keeps a process ready for the page that may come next: both cost more than our page. The others are those
# which Playwright leaves out itself: Chromium hears the last of such arguments alone.
LEFT_OUT = (
    "AimEnabled",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
    "SpareRendererForSitePerProcess",
)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(LEFT_OUT)}",
]
MENU = [
    {"title": "Soft wave", "minimum": 10, "maximum": 99, "pattern": "wave", "intensity": 8, "durationSec": 2},
    {
        "title": "Fireworks",
        "minimum": 100,
        "maximum": 199,
        "pattern": "fireworks",
        "intensity": 16,
        "durationSec": 4,
    },
    {
        "title": "Earthquake, all the way up",
        "minimum": 500,
        "maximum": 500,
        "pattern": "earthquake",
        "intensity": 20,
        "durationSec": 30,
    },
]
# Run by `manage.py shell`: the rules that the commands use, for a whole cast at once.
_STAFF = """
from adminpanel import staff
from ground.people import Role
staff.enrol(username={staff!r}, role=Role.ADMIN, password={password!r})
"""
_ENROL = """
import json
from ground import clock
from lovense.menus import publishing
from lovense.performers import enrolment
for own_id, name in {cast!r}.items():
    enrolment.enrol(performer_id=own_id, username=name, password="", now=clock.now())
    publishing.publish(own_id, json.loads({menu!r}), clock.now())
"""
# One slow hash for all of them, and a session each: nothing here is about logging in.
_ADMIT = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
SessionStore = import_module(settings.SESSION_ENGINE).SessionStore
hers = User.objects.filter(username__in={names!r})
hers.update(password=make_password({password!r}))
sessions = {{}}
for user in hers.all():
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    sessions[user.username] = session.session_key
print(json.dumps({{"cookie": settings.SESSION_COOKIE_NAME, "sessions": sessions}}))
"""


def chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield opened
        opened.close()


@dataclass(frozen=True)
class Actress:
    """A performer as the stage knows her."""

    performer_id: str
    name: str


class Stage:
    """What a person does at the keyboard, and what a platform sends meanwhile."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.url = stack, stack.url
        self._cookie, self._sessions = "", dict[str, str]()

    def prepare(self, *names: str) -> list[Actress]:
        """Beside performers, STAFF can log in, and bob has tokens."""
        cast = self.enrol(*names, before=_STAFF.format(staff=STAFF, password=PASSWORD))
        self.send("tokens.purchased", simulator.purchase(uuid.uuid4().hex, user_id=BOB, tokens=10**9))
        return cast

    def enrol(self, *names: str, before: str = "") -> list[Actress]:
        """Performers who can log in and have published MENU; `before`: as of `admit`."""
        cast = {str(ObjectId()): name for name in names}
        enrol = _ENROL.format(cast=cast, menu=json.dumps(MENU))
        self.admit([*cast.values()], before=before + enrol)
        return [Actress(own_id, name) for own_id, name in cast.items()]

    def admit(self, names: list[str], *, before: str = "") -> None:
        """These can log in from now on; `before`: run first, in the same process."""
        script = before + _ADMIT.format(names=names, password=PASSWORD)
        said = self.stack.manage("shell", "-v0", "-c", script)
        made = json.loads(said[said.index('{"cookie"') :])
        self._cookie = made["cookie"]
        self._sessions |= made["sessions"]

    def send(self, kind: str, data: dict[str, Any]) -> httpx.Response:
        content, message_id = simulator.body(kind, data), f"msg_{uuid.uuid4().hex}"
        headers = simulator.headers(PAYMENT_WEBHOOK_SECRETS[0], message_id, content)
        return httpx.post(self.url + simulator.PATH, content=content, headers=headers, trust_env=False)

    def tip(
        self, actress: Actress, amount: int, *, name: str = "bob", user_id: str = BOB, **more: Any
    ) -> str:
        """A signed tip, accepted; its id."""
        tip_id = str(ObjectId())
        data = simulator.tip(tip_id, amount, tipper_id=user_id, performer_id=actress.performer_id, **more)
        data["tipper"]["username"], data["recipient"]["username"] = name, actress.name
        assert self.send("tip.succeeded", data).status_code == 202
        return tip_id

    def log_in(self, page: Page, username: str) -> None:
        """One of the cast has a session already."""
        if session := self._sessions.get(username):
            page.context.add_cookies([{"name": self._cookie, "value": session, "url": self.url}])
            page.goto(self.url)
        else:
            self.log_in_by_hand(page, username)

    def log_in_by_hand(self, page: Page, username: str) -> None:
        page.goto(f"{self.url}/login")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda url: "/login" not in url)


def pause(page: Page, words: str) -> None:
    """At the bottom edge, for so long as the button says."""
    page.locator("#bar-pause").click()
    page.locator("#pause-for").get_by_role("button", name=words, exact=True).click()
