"""Ana hands her tips to her extension: the site has its name, and what the extension has said of itself."""

from typing import Any

import pytest

from lovense.bridges import choosing, extensionreport
from lovense.bridges.extensionreport import ExtensionReport
from lovense.deciding import platform
from tests.chain import Chain
from tests.factories import NOW, fund
from tests.lovense.conftest import activation_of
from tests.lovense.rounds import drain, hold

LUSH = {"id": "ext-1", "name": "lush", "type": "lush", "status": "on", "version": "21", "battery": "88"}
LEVELS = {
    "level1": {"min": 1, "max": 9, "time": 2, "vLevel": 4, "rLevel": 0},
    "level2": {"min": 10, "max": 99, "time": 5, "vLevel": 8, "rLevel": 4},
    "level3": {"min": 100, "max": 499, "time": "10", "vLevel": "14", "rLevel": 0},
    "level4": {"min": 600, "max": 699, "time": 7, "vLevel": 0, "rLevel": 0},
}
SPECIAL = {
    "earthquake": {"enable": True, "type": "earthquake", "time": "15", "token": "50"},
    "fireworks": {"enable": False, "type": "fireworks", "time": "9", "token": "60"},
    "clear": {"enable": True, "type": "clear", "token": "502"},
    "wave": {"type": "wave", "time": "", "token": ""},
}
SETTINGS = {"levels": LEVELS, "special": SPECIAL}


def named(name: str = "My Cam Site") -> None:
    platform.change(key="cam_site_name", value=name, by="dina", now=NOW)


def choose(performer: Any, bridge: str = "EXTENSION", now: Any = NOW) -> None:
    choosing.change(performer_id=performer.pk, changes={"bridge": bridge}, by="ana", now=now)


def says(performer: Any, state: str = "ready", *, now: Any = NOW, **more: Any) -> bool:
    """What her page passes on of her extension."""
    said = {"toys": [LUSH], "settings": SETTINGS} | more
    return extensionreport.report(performer.pk, ExtensionReport(state, **said), now=now)


@pytest.fixture
def hers(ana: Any) -> Any:
    """She has chosen it, and it is ready."""
    named()
    choose(ana)
    says(ana)
    return ana


@pytest.fixture
def chain(hers: Any, bob: Any) -> Chain:
    made = Chain(hers)
    made.publish_menu()
    hold(hers.pk)
    fund(bob, 100_000)
    return made


def decided(chain: Chain, bob: Any, amount: int, **more: Any) -> Any:
    """Its activation, once it was its turn."""
    tip_id = chain.settled(bob, amount, **more)
    drain()
    return activation_of(tip_id)
