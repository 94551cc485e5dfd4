"""The image's content in production mode: built as the Dockerfile builds it, started as a stack with
DEBUG=false, and opened as through a proxy that names its port in `Host`."""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from websockets.asyncio.client import connect

from adminpanel.people import secondfactor
from adminpanel.staff import enrol
from ground.people import Role
from tests.adminpanel.people.conftest import deed
from tests.adminpanel.people.test_secondfactor import SALT
from tests.adminpanel.people.test_secondfactor import code as code_of
from tests.factories import PASSWORD, token_of
from tests.live import environment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("written_elsewhere")]

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://example"
# what the proxy of docker-compose.yml adds
PROXIED = {"host": "example:443", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.5"}
SECRETS = {
    "SECRET_KEY": secrets.token_hex(32),
    "PAYMENT_WEBHOOK_SECRETS": "whsec_dGhlLXByb2R1Y3Rpb24tc2VjcmV0LW9mLWEtdGVzdA==",
    "ALLOWED_HOSTS": "example",
    "PUBLIC_BASE_URL": SITE,
    "LOVENSE_DEVELOPER_TOKEN": secrets.token_hex(16),
    "TEST_DEPLOYMENT": "true",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A directory with what the image has under /app, and with what its build makes of it."""
    app, text = tmp_path_factory.mktemp("app"), (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    for source, target in re.findall(r"^COPY (\w[\w.]*) (\S+)$", text, re.MULTILINE):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, app / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, app / target)
    given = dict(re.findall(r"([A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))))
    (collect,) = re.findall(r"^RUN (.*collectstatic[^&]*)", text, re.MULTILINE)
    bare = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", collect], cwd=app, env=bare | given, check=True)
    return app, given


@dataclass(frozen=True)
class Site:
    """The running stack: `get` and `post` as the proxy passes on what a browser sent."""

    client: httpx.Client
    port: int

    def get(self, path, **more):
        return self.client.get(path, **more)


@pytest.fixture
def site(image, ana):
    app, given = image
    surroundings = {**os.environ, **environment(), **SECRETS, **given, "STACK_FILE": ""}
    stack = subprocess.Popen(
        [sys.executable, "-m", "config.stack", "--port", "0", "--ephemeral"],
        cwd=app,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = []
        for line in stack.stdout:
            said.append(line)
            if found := re.fullmatch(r"ready http://127\.0\.0\.1:(\d+)\n", line):
                break
        else:
            pytest.fail("".join(said))
        address = f"http://127.0.0.1:{found[1]}"
        with httpx.Client(base_url=address, headers=PROXIED, follow_redirects=False) as client:
            yield Site(client, int(found[1]))
    finally:
        stack.terminate()
        stack.stdout.close()
        stack.wait(20)


def cookies(client):
    """Those of the site, sent back whatever name the test has for it; they are for https only."""
    for cookie in client.cookies.jar:
        assert cookie.secure
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)


def assets(page):
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', page)


def logged_in(site, name, following, *, code=""):
    """`code`: what she is asked for after her password."""
    said = {"username": name, "password": PASSWORD, "next": following}
    answer = sent(site, "/login", said)
    if code:
        assert answer.headers["location"] == "/login/code"
        answer = sent(site, "/login/code", {"code": code})
    assert (answer.status_code, answer.headers["location"]) == (302, following)
    return {"cookie": cookies(site.client)}


def sent(site, path, said, *, to=""):
    form = site.get(path, headers={"cookie": cookies(site.client)})
    assert form.status_code == 200
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[1]
    headers = {"cookie": cookies(site.client), "origin": SITE, "referer": f"{SITE}{path}"}
    return site.client.post(to or path, data={**said, "csrfmiddlewaretoken": token}, headers=headers)


async def first_message(port, headers):
    """What a page is told first, when its browser opens the socket through the proxy."""
    async with (
        asyncio.timeout(10),
        connect(
            "ws://example:443/ws/performer",
            host="127.0.0.1",
            port=port,
            origin=SITE,
            additional_headers=headers | {"x-forwarded-proto": "https"},
            proxy=None,
        ) as page,
    ):
        return json.loads(await page.recv())


def test_every_kind_of_page_opens_behind_a_proxy(site, ana):
    hasher = PBKDF2PasswordHasher()
    root = enrol(username="root", role=Role.ADMIN, password="").user
    for user in (ana.user, root):
        user.password = hasher.encode(PASSWORD, "salt", 1)
        user.save()
    codes = secondfactor.set_up(root, salt=SALT, code=code_of(root), deed=deed(root))
    probes = [
        httpx.get(f"http://127.0.0.1:{site.port}{path}").status_code for path in ("/healthz", "/readyz")
    ]
    assert probes == [200, 200]
    hers = logged_in(site, "ana", "/devices")
    live = site.get("/", headers=hers)
    missing, wrong = site.get("/nowhere", headers=hers), site.get("/api/nowhere", headers=hers)
    assert (missing.status_code, wrong.status_code) == (404, 404)
    assert "Page not found" in missing.text
    assert wrong.json()["error"]["code"] == "not_found"
    docs = site.get("/api/docs")
    told = asyncio.run(first_message(site.port, hers))
    assert (told["type"], told["performerId"]) == ("snapshot", ana.performer_id)
    by_token = asyncio.run(first_message(site.port, {"authorization": f"token {token_of(ana.user)}"}))
    assert by_token["type"] == "snapshot"
    site.client.cookies.clear()
    theirs = logged_in(site, "root", "/admin/", code=codes[0])
    admin, tips = site.get("/admin/", headers=theirs), site.get("/staff/tips", headers=theirs)
    for page in (live, docs, admin, tips, missing):
        assert page.status_code in (200, 404)
        assert page.headers["strict-transport-security"]
        assert assets(page.text)
    for asset in {each for page in (live, docs, admin, tips, missing) for each in assets(page.text)}:
        found = site.get(asset)
        assert (asset, found.status_code) == (asset, 200)
    said = {"kind": "tip", "performer": ana.performer_id, "amount": "25", "reason": "does it answer"}
    answer = sent(site, "/staff/samples", said, to="/staff/samples/send")
    sample = site.get(answer.headers["location"], headers={"cookie": cookies(site.client)})
    assert re.findall(r'class="ui-badge" data-tone="good">(\d+)<', sample.text) == ["202", "202"]
    assert site.get("/login", headers={"host": "elsewhere.example"}).status_code == 400
