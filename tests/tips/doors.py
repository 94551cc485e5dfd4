"""The door of payment systems, through Django and on bare ASGI; what was stored, and how a call was
refused."""

import asyncio

import httpx
import pytest

from config.asgi import application
from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import collection
from tests.tips import calls
from tips import webhooks


async def over_asgi(content, headers):
    """Through the application of the web process, by a real HTTP client."""
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(webhooks.PATH, content=content, headers=headers)
    assert answer.headers["x-request-id"]
    return answer.status_code, answer.json()


DOORS = {"django": calls.post, "asgi": lambda content, headers: asyncio.run(over_asgi(content, headers))}


@pytest.fixture(params=list(DOORS))
def post(request):
    """One call to the door: (status, JSON). Every test that takes it runs once through each door."""
    return DOORS[request.param]


def stored():
    """(key, status) of every delivery."""
    return sorted((row["_id"], row["status"]) for row in collection(WebhookDelivery).find())


def code_of(answer):
    assert set(answer[1]["error"]) == {"code", "message", "details"}
    return answer[0], answer[1]["error"]["code"]
