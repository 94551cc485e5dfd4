"""`manage.py lovense_simulator`: its flags, its one line, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.vendor import PATIENCE_SECONDS


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def launch(*more):
    cloud, http, https = free_ports(3)
    ports = ["--port", cloud, "--phone-port", http, "--phone-https-port", https]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "lovense_simulator", *ports, *more],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, (cloud, http, https)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_it_is_told_to(ending, tmp_path):
    file = tmp_path / "journal.jsonl"
    more = ["--toys", "solace,hush", "--journal", str(file), "--faults", "list/code:506", "--dialect", "ios"]
    more += ["--latency-ms", "0", "--jitter-ms", "0", "--drain", "5", "--cors", "none", "--seed", "3"]
    process, (cloud, http, https) = launch(*more, "--developer-token", "another", "--heartbeat-seconds", "60")
    try:
        assert process.stdout.readline() == f"ready http://127.0.0.1:{cloud}\n"
        state = httpx.get(f"http://127.0.0.1:{cloud}/sim/state", trust_env=False).json()
        assert [toy["type"] for toy in state["phones"][0]["toys"]] == ["solace", "hush"]
        assert (state["phonePort"], state["phoneHttpsPort"]) == (int(http), int(https))
        assert (state["cors"], state["dialect"], state["faults"]) == ("none", "ios", ["list/code:506*1"])
        said = {"command": "GetToys"}
        answer = httpx.post(f"http://127.0.0.1:{http}/command", json=said, trust_env=False)
        assert answer.json()["code"] == 506
    finally:
        process.send_signal(ending)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert json.loads(file.read_text())["fault"] == "code:506"


def test_it_ends_with_the_program_that_started_it():
    """The parent is killed; the child's end closes the pipe that both of them hold."""
    cloud, http, https = free_ports(3)
    ports = f"'--port','{cloud}','--phone-port','{http}','--phone-https-port','{https}'"
    code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, 'manage.py', 'lovense_simulator', {ports}])\n"
        "child.wait()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline().startswith("ready")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(PATIENCE_SECONDS)
    assert parent.stdout.read() == ""  # returns when the last writer has ended
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{cloud}/sim/state", trust_env=False)


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for name in ("port", "phone_port", "phone_https_port"):
            others = {"port": 0, "phone_port": 0, "phone_https_port": 0} | {name: port}
            with pytest.raises(CommandError, match="cannot start"):
                call_command("lovense_simulator", **others)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"faults": "nonsense"}, "not a fault"),
        ({"callback_to": "http://example.com/"}, "callbacks go to"),
        ({"toys": ""}, "--toys"),
        ({"toys": ",".join(["lush"] * 17)}, "--toys"),
        ({"latency_ms": -1}, "--latency-ms"),
        ({"jitter_ms": float("nan")}, "--jitter-ms"),
        ({"heartbeat_seconds": 0}, "--heartbeat-seconds"),
        ({"journal": Path("/no/such/directory/journal")}, "cannot start"),
        ({"port": 99999}, "cannot start"),
    ],
)
def test_what_it_cannot_do_is_said_and_nothing_starts(options, words):
    ports = {"port": 0, "phone_port": 0, "phone_https_port": 0}
    with pytest.raises(CommandError, match=words):
        call_command("lovense_simulator", **ports | options)


def test_without_the_package_that_makes_certificates_it_says_which_and_works_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(CommandError, match="trustme"):
        call_command("lovense_simulator", port=0, phone_port=0, phone_https_port=0)


def test_in_development_the_vendor_is_the_simulator():
    assert settings.LOVENSE_API_BASE_URL == "http://127.0.0.1:8791"
