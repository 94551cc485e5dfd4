"""Dead letters for tests: who decides about them, a way to make one, and how its page is pressed."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from adminpanel.handling import tips as handling
from ground.audit.models import AuditEntry
from ground.mongodb.collections import collection
from lovense.deciding import platform
from lovense.deciding.activation import activation_id
from lovense.sending import retries
from tests.factories import NOW, token_of
from tips.models import QueueRequest

LIST, QUEUE, API = "/staff/dead-letters", "/staff/queue", "/api/performance-queue/dlq"
WHY = "her device answers again"


@pytest.fixture
def admin(dina):
    type(dina).objects.filter(pk=dina.pk).update(is_superuser=True)
    return dina


@pytest.fixture
def browser(admin):
    made = Client()
    made.force_login(admin)
    return made


@pytest.fixture
def api(admin):
    made = APIClient()
    made.credentials(HTTP_AUTHORIZATION=f"Token {token_of(admin)}")
    return made


@pytest.fixture
def dead(chain, bob):
    """`dead()`: a tip that was sent once and given up; its id."""
    chain.hold()
    platform.change(key="rate_limit_per_minute", value="0", by="dina", now=NOW)

    def bury(cause="not_received", **more):
        tip_id = chain.settled(bob, 100, **more)
        chain.dispatch()
        retries.bury(activation_id(tip_id), cause, now=NOW)
        return tip_id

    return bury


def request_of(tip_id):
    return collection(QueueRequest).find_one({"idempotency_key": tip_id})


def shown(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def letter_page(tip_id):
    return f"{LIST}/{request_of(tip_id)['_id']}"


def seen_of(tip_id):
    return handling.state_of(request_of(tip_id))


def press(browser, tip_id, act, *, reason=WHY, seen=None, **said):
    told = {"reason": reason, "seen": seen_of(tip_id) if seen is None else seen, **said}
    return browser.post(f"{letter_page(tip_id)}/{act}", told, follow=True)


def entries(action):
    found = AuditEntry.objects.filter(action=action).order_by("at", "entry_id")
    return [(each.actor, each.why, each.success) for each in found]
