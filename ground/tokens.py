"""Who is asking, by a token. It stands apart from `ground/people.py`, which the framework cannot
read before it has read its own settings."""

from typing import Any

from django.dispatch import Signal
from rest_framework.authentication import TokenAuthentication

token_used = Signal()  # `user`: whose token was shown


class ByToken(TokenAuthentication):
    """The framework's; whoever keeps when a token was used hears of it."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        user, token = super().authenticate_credentials(key)
        token_used.send(sender=type(self), user=user)
        return user, token
