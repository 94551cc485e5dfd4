"""What the page shows on which a second factor is set up: the secret, to be scanned and to be
typed. Nothing is changed here."""

import base64
from dataclasses import dataclass

from django.contrib.auth.models import User

from adminpanel.people import secondfactor
from lovense.devices import pictures


@dataclass(frozen=True)
class SetUpPage:
    user: User
    salt: str

    @property
    def to_type(self) -> str:
        return secondfactor.to_type(str(self.user.pk), self.salt)

    @property
    def picture(self) -> str:
        """In the page itself: no address gives it out."""
        name = self.user.get_username()
        text = secondfactor.to_scan(str(self.user.pk), self.salt, username=name)
        drawn = base64.b64encode(pictures.drawn(text)).decode()
        return f"data:{pictures.SVG};base64,{drawn}"
