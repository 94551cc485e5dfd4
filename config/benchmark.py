"""The cast of a load test: performers with a menu that answers every amount, and viewers with
tokens, written in bulk.

It may be prepared again at any time: what exists is kept, and no viewer is funded twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from ground.journal import journal
from ledger import gateway
from ledger.gateway import Group, Refused
from lovense.deciding import platform
from lovense.devices import register
from lovense.menus.publishing import publish, validated
from lovense.models import Performer, TipMenu
from tips.intake.purchases import Purchase

FIRST_PERFORMER = 0xBE0000000000000000000000
FIRST_VIEWER = 0xAB0000000000000000000000
MAXIMUM_PERFORMERS = MAXIMUM_VIEWERS = 100_000
TOKENS_PER_VIEWER = 10**12
FUNDING_BATCH = 2_000  # transfers in one transaction

TOY = "bench-toy"
TOYS = [{"id": TOY, "name": "lush", "status": 1}]
EVERY_TIP: Mapping[str, Any] = MappingProxyType(
    {
        "itemId": "any",
        "title": "Every tip",
        "minimum": 1,
        "maximum": None,
        "pattern": "level",
        "intensity": 10,
        "durationSec": 1,
    }
)
_DRAWN = {"intensity": {"from": 5, "to": 15}, "durationSec": {"from": 1, "to": 2}}
# What each kind of cast tips by: `plain` knows of no toy, the others have one each.
MENUS: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType(
    {
        "plain": [EVERY_TIP],
        "toy": [EVERY_TIP],
        "chance": [
            {
                **EVERY_TIP,
                **{"intensity": 15, "durationSec": 2, "random": _DRAWN, "shows": ["public"]},
                "devices": [{"device": TOY, "offsetMs": 200}],
            }
        ],
        "terms": [
            {**EVERY_TIP, "stock": 1_000_000},
            {**EVERY_TIP, "itemId": "often", "maximum": 10**6, "cooldownSec": 1},
        ],
    }
)


def performer_id(number: int) -> str:
    return f"{FIRST_PERFORMER + number:024x}"


def viewer_id(number: int) -> str:
    return f"{FIRST_VIEWER + number:024x}"


def prepare(*, performers: int, viewers: int, now: datetime, menu: str = "plain") -> dict[str, str]:
    """The token of each performer, by performer id. `menu`: one of MENUS."""
    for key, value in {
        "minimum_tip": 1,
        "rate_limit_per_minute": 0,
        "maximum_seconds": 3600,
    }.items():
        platform.change(key=key, value=str(value), by="prepare_bench", now=now)
    fund([viewer_id(number) for number in range(viewers)], now=now)
    ids = [performer_id(number) for number in range(performers)]
    users = _users([f"bench-{own_id}" for own_id in ids])
    _performers(dict(zip(ids, users, strict=True)), now)
    if menu != "plain":
        _equip(ids, MENUS[menu], now)
    tokens = _tokens(users)
    return {own_id: tokens[user.pk] for own_id, user in zip(ids, users, strict=True)}


def fund(viewers: Sequence[str], *, now: datetime) -> None:
    """Through the ledger, as a purchase of each viewer's own: its key is what makes a repeat
    harmless."""
    orders = [
        [Purchase(f"bench-{viewer}", viewer, TOKENS_PER_VIEWER, now).order] for viewer in viewers
    ]
    for start in range(0, len(orders), FUNDING_BATCH):
        _post(orders[start : start + FUNDING_BATCH], now)


def _post(groups: Sequence[Group], now: datetime) -> None:
    results = journal.run(
        lambda session: gateway.current().transfer(groups, now=now, session=session),
        touched=journal.Touched(gateway.accounts_in(groups)),
        now=now,
    )
    for result in results:
        if isinstance(result, Refused):
            raise result


def _users(names: Sequence[str]) -> list[User]:
    found = _accounts(names)
    User.objects.bulk_create(
        [User(username=name, password=make_password(None)) for name in names if name not in found]
    )
    found = _accounts(names)
    return [found[name] for name in names]


def _accounts(names: Sequence[str]) -> dict[str, User]:
    return {user.username: user for user in User.objects.filter(username__in=names)}


def _performers(owners: dict[str, User], now: datetime) -> None:
    """Menus first: a performer never points at a version that is not there."""
    known = set(Performer.objects.filter(pk__in=list(owners)).values_list("pk", flat=True))
    missing = [own_id for own_id in owners if own_id not in known]
    keys = {own_id: f"{own_id}.1" for own_id in missing}
    written = set(TipMenu.objects.filter(pk__in=list(keys.values())).values_list("pk", flat=True))
    items = validated(MENUS["plain"])
    TipMenu.objects.bulk_create(
        TipMenu(key=key, performer_id=own_id, version=1, items=items, published_at=now)
        for own_id, key in keys.items()
        if key not in written
    )
    Performer.objects.bulk_create(
        Performer(
            pk=own_id,
            user=owners[own_id],
            display_name=f"Bench {own_id[-4:]}",
            menu_version=1,
            created_at=now,
        )
        for own_id in missing
    )


def _equip(ids: Sequence[str], menu: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """A toy that her page has reported, and this menu on top of the plain one."""
    for own_id in ids:
        register.report(own_id, TOYS, now=now)
        publish(own_id, menu, now)


def _tokens(users: Sequence[User]) -> dict[object, str]:
    keys = [user.pk for user in users]
    known = set(Token.objects.filter(user_id__in=keys).values_list("user_id", flat=True))
    Token.objects.bulk_create(
        Token(key=Token.generate_key(), user=user) for user in users if user.pk not in known
    )
    return dict(Token.objects.filter(user_id__in=keys).values_list("user_id", "key"))
