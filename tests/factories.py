"""Rows for tests, with sensible values. What a rule makes (postings, settled tips, activations) the tests
make with the rule."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import factory
from bson import ObjectId
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from lovense.models import Performer

NOW = datetime(2026, 1, 3, 4, 15, tzinfo=UTC)
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Viewer:
    """Someone who tips: known to us by the platform's id only."""

    user_id: str
    username: str

    @property
    def account(self) -> str:
        return f"user:{self.user_id}"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """Logs in with PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.LazyFunction(lambda: make_password(PASSWORD))


class PerformerFactory(factory.django.DjangoModelFactory[Performer]):
    class Meta:
        model = Performer

    performer_id = factory.LazyFunction(lambda: str(ObjectId()))
    user = factory.SubFactory(UserFactory)
    display_name = factory.LazyAttribute(lambda made: made.user.username.title())
    created_at = NOW


def token_of(user: User) -> str:
    """The user's API token."""
    return str(Token.objects.get_or_create(user=user)[0].key)


def fund(viewer: Viewer, tokens: int, **when: Any) -> None:
    """Tokens bought by the viewer, through the books, so that they stay provable."""
    from ground.mongodb import transactions
    from ledger import gateway
    from ledger.books import posting

    moment = when.get("now", NOW)
    order = gateway.Order(
        key=f"PURCHASE_{ObjectId()}",
        subject="purchase/test",
        debit=gateway.ISSUER,
        credit=viewer.account,
        amount=tokens,
        happened_at=moment,
    )
    transactions.run(lambda session: posting.post([[order]], now=moment, session=session))
