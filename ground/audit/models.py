"""What the audit log keeps: who did what, when and why, and what it was before. Append-only; no
workflow lives here."""

from typing import Any

from django.db import models
from django_mongodb_backend.fields import ObjectIdAutoField

# What the log is asked for beside the field that leads an index: told from its keys alone. Words
# are looked for in the reason.
_ASKED = ("type", "action", "actor", "lane", "success", "why")


def _by(*fields: str, name: str) -> models.Index:
    """Of these the newest first, in one order for all."""
    asked = [field for field in _ASKED if field not in fields]
    return models.Index(fields=[*fields, "-at", "-entry_id", *asked], name=name)


class AppendOnly(Exception):
    """What was recorded of who did what is neither changed nor taken out."""


class AuditEntries(models.QuerySet["AuditEntry"]):
    def update(self, **changes: object) -> int:
        raise AppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly

    def bulk_create(self, *args: Any, **kwargs: Any) -> list["AuditEntry"]:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise AppendOnly


class AuditEntry(models.Model):
    """Who did what, when and why, and what it was before. Written by `ground/audit/log.py`, with
    the change itself, and by nothing else; never changed. Nothing in it is a secret or names a
    viewer."""

    entry_id = ObjectIdAutoField(primary_key=True, db_column="_id")
    type = models.CharField(
        max_length=20
    )  # what kind of thing it was done to: performer, request, lane, platform
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=64)  # the account
    target = models.CharField(max_length=80)  # the key of the thing
    lane = models.CharField(
        max_length=24, blank=True, default=""
    )  # the performer whose queue it was; empty: the platform's
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    why = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()
    hashed_ip = models.CharField(max_length=64, null=True)
    success = models.BooleanField(default=True)  # false: it was refused, and nothing was changed

    objects = AuditEntries.as_manager()

    class Meta:
        db_table = "audit_entries"
        verbose_name_plural = "audit entries"
        indexes = [
            _by("target", name="audit_by_target"),
            _by("lane", name="audit_by_lane"),
            _by("hashed_ip", name="audit_by_address"),
            _by("actor", name="audit_by_actor"),
            _by("action", name="audit_by_action"),
            _by("type", name="audit_by_type"),
            _by("success", name="audit_by_success"),
            _by(name="audit_by_time"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise AppendOnly

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly
