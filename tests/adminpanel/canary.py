"""Values that are found wherever they come out: pushed through every door with what is right and what is not,
and looked for in all that a role can reach."""

import io
import json
import logging
import re
from collections import deque
from contextlib import contextmanager
from datetime import timedelta
from html import unescape

from django.test import Client
from django.urls import NoReverseMatch, reverse

from adminpanel import access
from config.logging import AllowListFormatter
from config.settings import PAYMENT_WEBHOOK_SECRETS
from ground.mongodb.collections import collection
from lovense.models import PageLease, Performer
from lovense.repairs import looking, mailing
from tests.factories import NOW, Viewer, fund
from tests.lovense.devices import apps
from tips.intake import simulator

NAMED = "canary-viewer-who-gave-a-name"
HIDDEN = "canary-viewer-who-hid-hers"
MESSAGE = "canary message of a viewer"
HIDDEN_MESSAGE = "canary message of one who hid"
TOY, DOMAIN = "canary-toy-id-8f3a", "192-168-77-13.lovense.club"
UID, UTOKEN = "canary-uid-of-the-app", "canary-token-of-the-app"
PASSWORD, WRONG = "canary-password-kept", "canary-password-tried"
SESSION_IP = "203.0.113.77"
STRANGER = "canary-name-that-is-nobodys"
MAIL = "canary@example.org"
ADDRESS = "performer@example.org"  # where she wants to be told

# A whole body, with what is in it, is shown by a button alone, recorded.
NOT_SHOWN = {TOY, "192.168.77.13", DOMAIN, UID, UTOKEN, PASSWORD, WRONG, SESSION_IP, STRANGER, MAIL}
NOT_SHOWN |= {HIDDEN, HIDDEN_MESSAGE, MESSAGE}
# Records are rows as they are, and the key of a device names its toy.
OF_RECORDS = ("/admin/lovense/device/", TOY)
MOST_PAGES = 1500


def found_in(text):
    """Of what is nobody's, and of who gave a name: a log, a metric and a mail have no people."""
    return {value for value in NOT_SHOWN | {NAMED} if value in text}


@contextmanager
def heard():
    """All that is logged meanwhile, as it is written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(AllowListFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def push(chain, performer):
    """A performer with an app, a toy and tips of people, one of whom hid; then all doors, with what is
    wrong."""
    apps.opened(performer, uid=UID, utoken=UTOKEN)
    toy = {**apps.LUSH, "id": TOY, "battery": 9}
    apps.take(apps.call(toy, uid=UID, utoken=UTOKEN, domain=DOMAIN))
    viewer = Viewer("507f191e810c19729de860ea", NAMED)
    hidden = Viewer("507f191e810c19729de860eb", HIDDEN)
    for each in (viewer, hidden):
        fund(each, 10_000)
    chain.hold()
    chain.played(viewer, 100, context={"customMessage": MESSAGE})
    chain.played(hidden, 100, isAnonymous=True, context={"customMessage": HIDDEN_MESSAGE})
    chain.settled(viewer, 7, context={"customMessage": MESSAGE})
    chain.settled(hidden, 9, isAnonymous=True, context={"customMessage": HIDDEN_MESSAGE})
    chain.dispatch()
    _wrong(performer)


def mailed(performer):
    """Her toy is lost for two minutes while she is on air, and she asked to be told by mail."""
    wanted = {"_id": performer.pk}
    choices = {"bridge": "STANDARD_SERVER", "page_choices": {"noticeEmail": ADDRESS}}
    collection(Performer).update_one(wanted, {"$set": choices})
    on_air = {"on_air_since": NOW, "expires_at": NOW + timedelta(hours=1)}
    collection(PageLease).update_one(wanted, {"$set": on_air}, upsert=True)
    toy = {**apps.LUSH, "id": TOY, "status": 0}
    apps.take(apps.call(toy, uid=UID, utoken=UTOKEN, domain=DOMAIN), now=NOW)
    looking.look(now=NOW, limit=20)
    return mailing.drain(now=NOW + 2 * mailing.PATIENCE, limit=20).sent


def _wrong(performer):
    """What is refused, by whoever takes it."""
    client = Client(raise_request_exception=False, REMOTE_ADDR=SESSION_IP)
    secret = PAYMENT_WEBHOOK_SECRETS[0]
    tip = simulator.tip(
        "5" * 24, -1, tipper_id=UID, performer_id=STRANGER, message=MESSAGE, **{"extra": WRONG}
    )
    for data in (tip, tip | {"tipper": {"username": NAMED, "userId": HIDDEN}}, {"createdAt": MAIL}):
        content = simulator.body("tip.succeeded", data)
        for key in (secret, "whsec_" + "A" * 43 + "="):
            headers = simulator.headers(key, MAIL[:6] + "-1", content)
            client.post(simulator.PATH, content, content_type="application/json", headers=headers)
    broken = json.dumps(apps.said(apps.LUSH | {"id": TOY}, uid=UID, utoken=WRONG, domain=DOMAIN)).encode()[
        :-9
    ]
    client.post("/api/webhooks/lovense", broken, content_type="application/json")
    client.post(
        "/api/tips",
        {"message": MESSAGE, WRONG: NAMED},
        content_type="application/json",
        headers={"Authorization": f"Token {UTOKEN}"},
    )
    for name in (performer.user.username, STRANGER):
        client.post("/login", {"username": name, "password": WRONG})
    client.get(f"/{STRANGER}", {"q": WRONG}, headers={"Referer": f"http://x/{MAIL}", "User-Agent": MAIL})


# --- the crawl ---------------------------------------------------------------------------------------------

_LINK = re.compile(r'(?:href|hx-get|src)="(/[^"#]*|\?[^"#]*)"')
_OF_STAFF = re.compile(r"^/(staff|admin)\b")
_ONCE = re.compile(r"(after|before|newer|older|cursor|o|p)=|/static/|logout|jsi18n")
MOST_OF_ONE_PAGE = 12  # addresses of a list that differ in what they ask


def crawl(user):
    """Every page, part and file that somebody reaches by following what is on pages: address and body."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    for performer in Performer.objects.values_list("pk", flat=True):
        opens = reverse("staff-performer-screen-open", args=[performer])
        client.post(opens, {"reason": "what she sees"})  # whoever may not is refused
    seen, asked = set(), {}
    waiting = deque(_begin())
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.popleft()
        path = address.partition("?")[0]
        if address in seen or asked.get(path, 0) >= MOST_OF_ONE_PAGE:
            continue
        seen.add(address)
        asked[path] = asked.get(path, 0) + 1
        answer = client.get(address, follow=True)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = unescape(body.decode(errors="replace"))
        yield address, answer.status_code, text
        if answer["Content-Type"].startswith("text/html"):
            for link in map(unescape, _LINK.findall(body.decode(errors="replace"))):
                whole = path + link if link.startswith("?") else link
                if _OF_STAFF.match(whole) and not _ONCE.search(whole):
                    waiting.append(whole)


def _begin():
    """Every page without a parameter, each list's file, and the doors of REST that take none."""
    for rule in access.RULES:
        if rule.method == "GET" and rule.route != "admin":
            try:
                path = reverse(rule.route)
            except NoReverseMatch:
                continue  # somebody's or something's: a link leads there
            yield path
            if rule.route.endswith("-export"):
                yield from (f"{path}?format={kind}" for kind in ("csv", "jsonl"))
    yield "/admin/"
