"""Whatever is sent to the door for apps: never an error of ours, nothing of anybody else changes, and nobody
connects to what it names."""

import asyncio
import contextlib
import json
import os
import socket
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import orjson
import pytest
from django.conf import settings as ours
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from config import asgi
from ground import clock
from ground.json.errors import Refusal
from ground.mongodb.collections import client
from lovense import webhooks
from lovense.devices import callbacks, hosts
from tests import hostile
from tests.lovense.callbacks import _forgotten, over_asgi
from tests.lovense.devices.apps import LUSH, NORA, body, device, host, kept, opened, said
from tests.lovense.devices.test_addresses import HOSTILE_DOMAINS, HOSTILE_PORTS

__all__ = ["_forgotten"]
pytestmark = pytest.mark.django_db

RUNS = int(os.environ.get("RUNS", "1"))  # 250 make a hundred thousand
bounded = hypothesis(max_examples=400 * RUNS, deadline=None, suppress_health_check=list(HealthCheck))
few = hypothesis(max_examples=60 * RUNS, deadline=None, suppress_health_check=list(HealthCheck))
CAROLS = {"uid": "uid-of-carol", "utoken": "utoken-of-carol"}
GOOD = said(LUSH, NORA)
FIELDS = [name for name in GOOD if name not in ("uid", "utoken")]
toys = st.one_of(
    hostile.json_values,
    st.lists(
        st.dictionaries(st.sampled_from(list(LUSH)) | st.text(max_size=9), hostile.json_values, max_size=6)
    ),
    st.dictionaries(st.text(max_size=70), st.dictionaries(st.sampled_from(list(LUSH)), hostile.json_values)),
    hostile.json_values.map(json.dumps),
)
bodies = hostile.bodies(
    hostile.mutated(GOOD, FIELDS),
    hostile.mutated(GOOD, list(GOOD)),
    toys.map(lambda value: json.dumps(GOOD | {"toys": value}).encode()),
)


@bounded
@given(bodies)
def test_whatever_is_sent_is_a_callback_or_refused_with_its_field(content):
    found = read(content)
    if isinstance(found, Refusal):
        assert (found.status, bool(found.details["field"])) == (400, True)
        orjson.dumps(found.answer())
    else:
        assert found is None or (len(found.toys.kept) <= 16 and len(found.content) == 64)


def read(content):
    try:
        return callbacks.read(content)
    except Refusal as why:
        return why


@few
@given(st.lists(bodies, min_size=1, max_size=5), st.integers(0, 2**32))
def test_over_asgi_it_is_never_an_error_of_ours_and_changes_nobody_elses(ana, carol, contents, caller):
    if host("c" * 24) is None:
        opened(carol, **CAROLS, _id="c" * 24, host_id="c" * 24, now=clock.now())
        hosts.take([callbacks.read(body(**CAROLS))], now=clock.now())
        opened(ana, now=clock.now())
        hosts.take([callbacks.read(body())], now=clock.now())
    before, hers = host("c" * 24), device(carol)
    for content in contents:
        asgi.lovense_webhooks.CALLERS = webhooks.Callers()
        answer = asyncio.run(over_asgi(content, {}, (f"203.0.113.{caller % 250}", 1)))
        assert answer.status in (200, 400)
        json.loads(answer.content)
    assert (host("c" * 24), device(carol)) == (before, hers)
    assert [row["performer_id"] for row in kept()["hosts"]] == [ana.pk, carol.pk]


# --- addresses ---------------------------------------------------------------------------------------------


@contextmanager
def guarded():
    """Every connection that anything here opens meanwhile, and every name that is looked up."""
    found, lock = [], threading.Lock()
    kept_names = {
        name: getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "create_connection")
    }
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def note(what):
        with lock:
            found.append(what)

    class Guard(socket.socket):
        def connect(self, address):
            note(address)
            return connect(self, address)

        def connect_ex(self, address):
            note(address)
            return connect_ex(self, address)

    def named(name):
        def ask(host, *args, **more):
            note(host[0] if isinstance(host, tuple) else host)
            return kept_names[name](host, *args, **more)

        return ask

    patched = pytest.MonkeyPatch()
    patched.setattr(socket, "socket", Guard)
    for name in kept_names:
        patched.setattr(socket, name, named(name))
    try:
        yield found
    finally:
        patched.undo()


def of_databases(address):
    """Ours, which every test may connect to."""
    ports = {urlsplit(ours.REDIS_URL).port, client().address[1]}
    host, port = address if isinstance(address, tuple) else (address, None)
    return host in ("127.0.0.1", "localhost") and port in {None, *ports}


def test_a_planted_connection_is_noticed():
    with guarded() as found, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), 1).close()
        with contextlib.suppress(OSError):
            socket.getaddrinfo("name.invalid", 80)
        address = server.getsockname()
    assert set(found) == {address, "127.0.0.1", "name.invalid"}
    assert [each for each in found if not of_databases(each)] != []


HOSTILE = [
    *({"domain": domain} for domain in HOSTILE_DOMAINS),
    *({"httpsPort": port} for port in HOSTILE_PORTS),
    {"domain": "127-0-0-1.lovense.club", "platform": "ios"},
]


def test_no_hostile_address_is_handed_on_and_nobody_connects_to_any(ana):
    assert len(HOSTILE) > 30
    opened(ana, now=clock.now())
    before = clock.now()
    with guarded() as found:
        for number, address in enumerate(
            [*HOSTILE, {}, {"domain": "127-0-0-1.lovense.club", "platform": "pc"}]
        ):
            battery = LUSH | {"battery": number}
            answer = asyncio.run(over_asgi(body(battery, **address), {}, ("203.0.113.7", 1)))
            assert answer.status == 200
            row = host()
            is_refused = number < len(HOSTILE)
            assert (row["is_address_refused"], row["domain"] == "") == (is_refused, is_refused), address
            assert (device(ana)["battery"], device(ana)["status"]) == (min(number, 100), "connected")
    assert [each for each in found if not of_databases(each)] == []
    assert host()["domain"] == "127-0-0-1.lovense.club"
    assert host()["last_seen_at"] >= before
