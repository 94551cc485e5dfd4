"""What the ledger keeps: deliveries received, accounts, transfers and their entries; who changed what. No workflow lives here.

Primary keys are natural (`_id` in MongoDB): uniqueness of a fact is the primary key itself, and look-ups by it need no
other index. Hot paths write these collections with PyMongo in bulk; the fields below are their schema.
"""

from typing import Any

from django.db import models
from django_mongodb_backend.fields import ObjectIdAutoField

from ledger.indexes import ExpiringIndex


class DeliveryStatus(models.TextChoices):
    RECEIVED = "received"
    PROCESSED = "processed"
    DUPLICATE = "duplicate"  # another delivery carries the same business fact
    CONFLICT = "conflict"  # the same business key with other content: kept for admins, never applied
    IGNORED = "ignored"  # an event type we store and do not act on


class WebhookDelivery(models.Model):
    """One signed call, exactly as received. Fact 1. The key is `<source>/<delivery id>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=300)
    source = models.CharField(max_length=20)
    event_type = models.CharField(max_length=40)
    # The business fact, "<event type>/<tip id>": unique among the deliveries that count; null on duplicates and conflicts.
    subject = models.CharField(max_length=120, null=True)
    repeats = models.CharField(max_length=120, null=True)  # the subject that a duplicate or a conflict repeats
    fingerprint = models.CharField(max_length=64)
    body = models.BinaryField()
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices)
    # Nanoseconds of our clock at acceptance: the order in which deliveries are processed.
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name_plural = "webhook deliveries"
        # Unique where there is a subject at all: our backend leaves nulls out of the unique index of a nullable field.
        constraints = [models.UniqueConstraint(fields=["subject"], name="delivery_subject")]
        indexes = [
            models.Index(fields=["source", "position"], condition=models.Q(status="received"), name="delivery_waiting"),
            models.Index(fields=["position"], condition=models.Q(status="conflict"), name="delivery_conflicts"),
            models.Index(
                fields=["repeats", "position"],
                condition=models.Q(status__in=["duplicate", "conflict"]),
                name="delivery_repeats",
            ),
        ]


class WebhookNonce(models.Model):
    """A nonce that a proven call has used up. The key is `<tenant>/<nonce>`: once per tenant."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=260)
    expires_at = models.DateTimeField()  # after that its timestamp is outside the window, whatever the nonce

    class Meta:
        db_table = "webhook_nonces"
        indexes = [ExpiringIndex(fields=["expires_at"], name="nonce_expires")]


class Account(models.Model):
    """Whose tokens. The key is `<owner type>:<owner id>`; only the issuer may be negative."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=80)
    balance = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_accounts"


class Transfer(models.Model):
    """A positive integer amount from one account to another. The key is its source reference: posted once, for ever."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=160)
    subject = models.CharField(max_length=120)  # the business fact that caused it; part of its fingerprint
    debit_account = models.CharField(max_length=80)
    credit_account = models.CharField(max_length=80)
    amount = models.BigIntegerField()
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField()
    # Only a reversal has these two: the transfer that it takes back, and why.
    reverses = models.CharField(max_length=160, null=True)
    reason = models.CharField(max_length=500, null=True)

    class Meta:
        db_table = "ledger_transfers"


class Entry(models.Model):
    """One side of a transfer. The key is `<source_ref>:debit|credit`, so one range scan finds a source_ref's entries.

    Those of a reversal lie in the same range, as `<source_ref>:reversal:debit|credit`.
    """

    key = models.CharField(primary_key=True, db_column="_id", max_length=180)
    account = models.CharField(max_length=80)
    source_ref = models.CharField(max_length=160)
    points_delta = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    version = models.BigIntegerField()
    posted_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_entries"
        verbose_name_plural = "entries"
        constraints = [models.UniqueConstraint(fields=["account", "version"], name="entry_account_version")]


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
    """Who did what, when and why, and what it was before. Written by `ledger/trail.py`, with the change itself, and by nothing
    else; never changed. Nothing in it is a secret or names a viewer."""

    entry_id = ObjectIdAutoField(primary_key=True, db_column="_id")
    type = models.CharField(max_length=20)  # what kind of thing it was done to: performer, request, lane, platform
    action = models.CharField(max_length=40)
    actor = models.CharField(max_length=64)  # the account
    target = models.CharField(max_length=80)  # the key of the thing
    lane = models.CharField(max_length=24, blank=True, default="")  # the performer whose queue it was; empty: the platform's
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
            models.Index(fields=["target", "-at"], name="audit_of_target"),
            models.Index(fields=["lane", "-at"], name="audit_of_lane"),
            models.Index(fields=["-at"], name="audit_newest"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise AppendOnly

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly
