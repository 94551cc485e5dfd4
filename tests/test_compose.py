"""The production containers, judged without an engine: their commands exist, their settings are
documented."""

import re
from importlib import import_module
from importlib.util import find_spec

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = settings.BASE_DIR
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service.get("image") == "settled-tips")


def test_every_part_of_the_stack_has_its_service():
    assert OURS == ["beat", "http", "migrate", "sockets", "worker"]
    assert {"mongodb", "redis", "proxy"} <= set(SERVICES)


def runnable(command):
    match command:
        case ["python", "-m", module, *_]:
            return find_spec(module) is not None
        case ["python", "manage.py", name, *_]:
            return name in get_commands()
    return False


@pytest.mark.parametrize("name", OURS)
def test_each_service_runs_something_that_exists(name):
    assert runnable(SERVICES[name]["command"])


@pytest.mark.parametrize(
    "command", [["python", "-m", "config.no_such"], ["python", "manage.py", "no_such"], ["sh"]]
)
def test_a_command_that_does_not_exist_would_be_noticed(command):
    assert not runnable(command)


@pytest.mark.parametrize("name", [name for name in OURS if name in ("http", "sockets")])
def test_the_server_understands_its_options(name):
    from config.server import parser

    options = parser().parse_args(SERVICES[name]["command"][3:])
    assert (options.host, options.port) == ("0.0.0.0", 8000)


@pytest.mark.parametrize("name", OURS)
def test_celery_runs_our_application(name):
    command = SERVICES[name]["command"]
    if "celery" in command:
        assert import_module(command[command.index("-A") + 1]).app
        assert ("worker" in command) or ("beat" in command)


def test_services_depend_on_services():
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_every_variable_is_documented_and_has_its_line_in_the_example():
    text = (ROOT / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{(\w+)", text))
    given = {name for service in SERVICES.values() for name in service.get("environment", {})}
    example = (ROOT / ".env.example").read_text()
    documented = set(
        re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "settings.md").read_text() + example)
    )
    assert (asked | given) - documented == set()
    assert asked == set(re.findall(r"^([A-Z0-9_]+)=", example, re.MULTILINE))


def test_the_proxy_reaches_the_services_it_names():
    upstreams = re.findall(r"reverse_proxy (?:@\w+ )?(\w+):8000", (ROOT / "docker" / "Caddyfile").read_text())
    assert set(upstreams) == {"http", "sockets"}


def test_the_image_contains_every_app():
    copied = set(re.findall(r"^COPY (\w+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    floors = {name.partition(".")[0] for name in settings.INSTALLED_APPS}
    ours = {name for name in floors if (ROOT / name).is_dir()}
    assert {"config", "ground", "tips"} <= ours
    assert ours | {"templates", "static"} <= copied
