"""The door for apps, through Django and on bare ASGI: one call, and its answer as it came."""

import asyncio
from dataclasses import dataclass

import httpx
import pytest
from django.test import Client

from config.asgi import application
from lovense import webhooks

SOMEBODY = ("203.0.113.7", 50_000)


@dataclass(frozen=True)
class Answered:
    status: int
    content: bytes
    headers: object

    @property
    def code(self):
        return httpx.Response(self.status, content=self.content).json()["error"]["code"]

    @property
    def field(self):
        return httpx.Response(self.status, content=self.content).json()["error"]["details"]["field"]


async def over_asgi(content, headers, peer):
    """Through the application of the web process, by a real HTTP client."""
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True, client=peer)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(webhooks.PATH, content=content, headers=headers)
    return Answered(answer.status_code, answer.content, answer.headers)


def through_django(content, headers, peer):
    kind = headers.pop("content-type", "application/json")
    answer = Client(raise_request_exception=True).post(
        webhooks.PATH, content, content_type=kind, headers=headers, REMOTE_ADDR=peer[0]
    )
    return Answered(answer.status_code, answer.content, answer.headers)


DOORS = {
    "asgi": lambda content, headers, peer: asyncio.run(over_asgi(content, headers, peer)),
    "django": through_django,
}


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    """No process remembers another test's apps."""
    monkeypatch.setattr(webhooks, "CALLERS", webhooks.Callers())


@pytest.fixture(params=list(DOORS))
def post(request):
    """`post(body, …)`: one call to the door. Every test that takes it runs once through each door."""

    def send(content, *, peer=SOMEBODY, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return DOORS[request.param](content, named, peer)

    return send
