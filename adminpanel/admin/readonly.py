"""What every record has in common: it is shown, by the roles that may, and never changed."""

import json
from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property

from ground.people import EVERYBODY, Role, role_of
from tips.log import events

# pages beyond it are not offered: counting all of millions would take longer than anybody waits
ROWS_COUNTED = 1000
# which row a field names the key of
LINKS = {
    "tip_id": "tips.Tip",
    "performer_id": "lovense.Performer",
    "request_id": "tips.QueueRequest",
    "activation": "lovense.Activation",
    "activation_id": "lovense.Activation",
    "lane": "lovense.Performer",
    "host_id": "lovense.Host",
    "device_id": "lovense.Device",
}


class FewPages(Paginator):  # type: ignore[type-arg]
    @cached_property
    def count(self) -> int:
        """Asked for several times a page."""
        return int(self.object_list[:ROWS_COUNTED].count())  # type: ignore[attr-defined]


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Found by its key, listed in the order of the keys, the last first; for staff of any role."""

    show_full_result_count = False
    paginator = FewPages
    list_per_page = 50
    list_max_show_all = 0
    search_fields: ClassVar[tuple[str, ...]] = ("pk__exact",)
    search_help_text = "The whole key"
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    roles: ClassVar[frozenset[Role]] = EVERYBODY
    hidden: ClassVar[tuple[str, ...]] = ()  # fields that are not even read

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Django allows every field, so that what is not shown could be guessed, and every
        comparison, so that one may be a regular expression over all rows."""
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.hidden)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return role_of(request.user) in self.roles

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **named: Any
    ) -> HttpResponse:
        """With the rows that it names."""
        row = named.get("obj")
        return super().render_change_form(
            request, {**context, "named_rows": _named(row)}, *args, **named
        )


def _named(row: Model | None) -> list[tuple[str, str]]:
    """What each is, and where it is shown."""
    found = []
    for field, label in LINKS.items():
        key, model = getattr(row, field, None), apps.get_model(label)
        if key and isinstance(key, str) and not isinstance(row, model):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            found.append((str(model._meta.verbose_name), reverse(name, args=[quote(key)])))
    return found


class AdminsOnly(ReadOnly):
    """What says who moved tokens to whom, also where a tip is anonymous, or which device is where:
    for admins alone."""

    roles = frozenset({Role.ADMIN})


class MaskedPayload(ReadOnly):
    """The payload of an anonymous tip names nobody, to nobody."""

    exclude = ("payload",)
    readonly_fields = ("content",)

    @admin.display(description="payload")
    def content(self, row: Any) -> str:
        return json.dumps(events.masked(row.payload), ensure_ascii=False, indent=2)
