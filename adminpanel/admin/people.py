"""Records of accounts: who there is, with which role, and that there is a token. What logs in, a
password or a token, is shown to nobody, and nothing is changed here: that is done on the page of
access, where it leaves a trace."""

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from rest_framework.authtoken.models import TokenProxy

from adminpanel.admin.readonly import AdminsOnly, ReadOnly
from adminpanel.models import (
    FailedLogIn,
    FrameChoice,
    ListChoice,
    OneTimeLink,
    ReconciliationItem,
    SavedView,
    SecondFactor,
    StaffState,
    TokenUse,
)

for _registered in (User, Group, TokenProxy):
    if admin.site.is_registered(_registered):
        admin.site.unregister(_registered)


@admin.register(User)
class UserAdmin(AdminsOnly):
    list_display = ("username", "is_staff", "is_superuser", "is_active", "last_login")
    search_fields = ("username__exact",)
    search_help_text = "The whole name"
    exclude = ("password",)


@admin.register(SecondFactor)
class SecondFactorAdmin(AdminsOnly):
    """That there is one: what its secret follows from is shown to nobody."""

    list_display = ("account", "made_at")
    exclude = ("salt", "recovery")


@admin.register(OneTimeLink)
class LinkAdmin(AdminsOnly):
    list_display = ("account", "made_by", "made_at", "expires_at")
    exclude = ("key",)


@admin.register(FailedLogIn)
class FailedLogInAdmin(AdminsOnly):
    list_display = ("account", "cause", "count", "first_at", "last_at")


@admin.register(StaffState)
class StaffStateAdmin(AdminsOnly):
    list_display = ("account", "version", "acts")


@admin.register(TokenUse)
class TokenUseAdmin(AdminsOnly):
    list_display = ("account", "used_at")


@admin.register(Group)
class GroupAdmin(ReadOnly):
    list_display = ("name",)
    exclude = ("permissions",)


@admin.register(TokenProxy)
class TokenAdmin(AdminsOnly):
    """A list without doors: the key of a row is the token itself."""

    list_display = ("user", "created")
    list_display_links = None
    search_fields = ("user__username__exact",)
    search_help_text = "The whole name of its account"
    ordering = ("-user_id",)  # by `user` it would be the key, which no index has beside it

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_view_permission(request)


@admin.register(ReconciliationItem)
class ReconciliationItemAdmin(ReadOnly):
    list_display = ("key", "kind", "about", "code", "state", "since", "assigned_to")


@admin.register(SavedView)
class SavedViewAdmin(AdminsOnly):
    list_display = ("key", "list_name", "name", "query", "is_shared", "saved_by", "saved_at")


@admin.register(ListChoice)
class ListChoiceAdmin(AdminsOnly):
    list_display = ("key", "columns", "first_view")


@admin.register(FrameChoice)
class FrameChoiceAdmin(AdminsOnly):
    list_display = ("key", "has_local_times")
