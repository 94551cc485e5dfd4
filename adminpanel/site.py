"""Django's admin as this project has it: a way to look at rows, for whoever has a role."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from adminpanel import access
from ground.people import role_of


class Records(AdminSite):
    site_header = "Records"
    site_title = "Records · Settled Tips"
    index_title = "Every row, as it is stored"
    enable_nav_sidebar = False
    CLOSED = frozenset({"password_change", "password_change_done"})

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this person may look; what would change a row is refused row by row."""
        return access.may(role_of(request.user), "admin", "GET")

    def get_urls(self) -> list[Any]:
        """A password is changed where that leaves a trace."""
        return [
            each for each in super().get_urls() if getattr(each, "name", None) not in self.CLOSED
        ]
