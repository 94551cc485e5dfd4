"""What is asked of the staff's pages: every list by each key, by pairs of keys and in each shipped
view, the page of a tip, Find, the Overview, and every list of Django's admin. With values that
occur in the database that is asked."""

import itertools
import random
import re
from typing import Any
from urllib.parse import urlencode

PAIRS = 12  # of each list, drawn by chance and the same each time
PLAIN = {
    "Overview": "/staff",
    "Overview, strip": "/staff/strip",
    "Queue": "/staff/queue",
    "Dead letters": "/staff/dead-letters",
    "Emissions": "/staff/emissions",
    "Reconciliation": "/staff/reconciliation",
    "Statistics: 7 days": "/staff/statistics?period=7d",
    "Statistics: 90 days": "/staff/statistics?period=90d",
    "Statistics: 90 days of a kind": "/staff/statistics?period=90d&kind=LEVEL",
    "Settings": "/staff/settings",
    "Access": "/staff/access",
    "Failed log-ins": "/staff/access/log-ins",
}


def pages(name: str, pairs: int = PAIRS) -> dict[str, str]:
    """By what it is called, where it is. `name`: of the account that asks."""
    found = dict(PLAIN)
    values = _values()
    for listed in _lists():
        found |= _of_list(listed, values[listed.records.name], name, pairs)
    return found | _of_rows() | _records()


def _lists() -> list[Any]:
    from adminpanel.views import listed

    return [listed.AUDIT, listed.TIPS, listed.DELIVERIES, listed.DEVICES, listed.PERFORMERS]


def _of_list(doors: Any, asked: list[str], name: str, pairs: int) -> dict[str, str]:
    from django.urls import reverse

    home, title = reverse(doors.route), doors.title
    two = [f"{a} {b}" for a, b in itertools.combinations(asked, 2) if _key(a) != _key(b)]
    some = random.Random(title).sample(two, min(pairs, len(two)))
    views = [view.query.format(me=name) for view in doors.records.views]
    queries = dict.fromkeys(["", *asked, *views, *some])
    return {f"{title}: {_said(q)}": f"{home}?{urlencode({'q': q})}" for q in queries}


def _key(term: str) -> str:
    return term.lstrip("-").partition(":")[0]


def _said(query: str) -> str:
    """Without the ids and the day, which are others in another database."""
    return re.sub(r"[0-9a-f]{12,}|\d{4}-\d\d-\d\d", "…", query) or "all"


# --- values that occur ---------------------------------------------------------------------------


def _values() -> dict[str, list[str]]:
    from ground.audit.models import AuditEntry
    from tips.models import Tip

    entry = _one(AuditEntry, "at", action="pause", hashed_ip={"$ne": None})
    tip = _one(Tip, "created_at")
    day = f"{tip['created_at']:%Y-%m-%d}"
    times = ["since:20d", f"before:{day}", f"on:{day}", "archive:yes"]
    audit = [
        f"target:{entry['target']}",
        f"tip:{tip['_id']}",
        f"address:{entry['hashed_ip'][:12]}",
        *("performer:history-7", "actor:dina", "action:pause", "action:pause,resume"),
        *("type:performer", "success:false", "success:true", "-success:false"),
        *("has:before", "has:reason", "-has:reason", '"dinner"', '"never said"'),
    ]
    tips = ["doubt:yes", "reason:insufficient_funds", "status:failed", "status:settled"]
    tips += ["-status:settled", "performer:history-7", "amount:100", "amount:500-"]
    tips += ["amount:1199", "anonymous:true", "anonymous:false"]
    deliveries = ["error:KeyError", "status:processed", "status:conflict", "-status:processed"]
    deliveries += ["source:payments", "source:rrr", "type:tip.succeeded", "type:tokens.purchased"]
    devices = ["performer:history-7", "firmware:234", "type:lush", "status:connected"]
    devices += ["status:error", "battery:1-20", "battery:90", "reported:page", "reported:app"]
    performers = ["name:history-7", "name:history-1*", "stopped:yes", "paused:yes"]
    performers += ["menu:none", "bridge:simulator", "bridge:extension"]
    return {
        "audit": [*audit, *times],
        "tips": [*tips, *times],
        "deliveries": [*deliveries, *times],
        "devices": [*devices, *times],
        "performers": [*performers, *times],
    }


def _one(model: Any, order: str, **where: Any) -> dict[str, Any]:
    """The last of these."""
    from ground.mongodb.collections import collection

    row = collection(model).find_one(where, sort=[(order, -1)])
    if row is None:
        raise LookupError(f"{model.__name__}: the database has not been seeded")
    return dict(row)


def _of_rows() -> dict[str, str]:
    from ground.inbox.models import WebhookDelivery
    from lovense.models import Activation, Performer
    from tips.models import Tip, TipActivated

    tip = _one(Tip, "created_at")
    event = _one(TipActivated, "sequence")
    short = _one(Activation, "_id", tip_id={"$ne": None})
    her, delivery = _one(Performer, "_id"), _one(WebhookDelivery, "received_at")
    found = {
        "Tip, the newest": f"/staff/tips/{tip['_id']}",
        "Tip, an older one": f"/staff/tips/{short['tip_id']}",
        "Delivery": f"/staff/deliveries/{delivery['_id']}",
        "Performer": f"/staff/performers/{her['_id']}",
    }
    texts = {
        "a tip": tip["_id"],
        "an event": event["event_id"],
        "a request": short["request_id"],
        "an activation": short["_id"],
        "a posting": f"TIP_{tip['_id']}",
        "a name": "history-7",
        "nothing": "nobody-is-called-so",
    }
    asked = {
        f"Find: {said}": f"/staff/find?{urlencode({'q': text})}" for said, text in texts.items()
    }
    return found | asked


def _records() -> dict[str, str]:
    """Django's admin."""
    from django.contrib import admin
    from django.urls import reverse

    found = {}
    for model in admin.site._registry:
        meta = model._meta
        route = f"admin:{meta.app_label}_{meta.model_name}_changelist"
        found[f"Records: {meta.verbose_name_plural}"] = reverse(route)
    return found
