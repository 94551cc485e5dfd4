"""What the inbox keeps: signed calls exactly as received, and the nonces they used up. No workflow
lives here."""

from datetime import datetime
from typing import NotRequired, TypedDict

from django.db import models

from ground.mongodb.indexes import ExpiringIndex


class DeliveryStatus(models.TextChoices):
    RECEIVED = "received"
    PROCESSED = "processed"
    DUPLICATE = "duplicate"  # another delivery carries the same business fact
    CONFLICT = (
        "conflict"  # the same business key with other content: kept for admins, never applied
    )
    SET_ASIDE = "set_aside"  # could not be processed, however often it was tried
    IGNORED = "ignored"  # an event type we store and do not act on


class DeliveryRow(TypedDict):
    """A row of `webhook_deliveries` as MongoDB gives it."""

    _id: str
    source: str
    event_type: str
    subject: str | None
    repeats: NotRequired[str | None]
    fingerprint: str
    body: bytes
    status: str
    position: int
    received_at: datetime
    processed_at: datetime | None
    attempts: int
    error: str
    error_place: NotRequired[str]
    retry_at: NotRequired[datetime | None]


class WebhookDelivery(models.Model):
    """One signed call, exactly as received. Fact 1. The key is `<source>/<delivery id>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=300)
    source = models.CharField(max_length=20)
    event_type = models.CharField(max_length=40)
    # The business fact, "<event type>/<tip id>": unique among the deliveries that count; null on
    # duplicates and conflicts.
    subject = models.CharField(max_length=120, null=True)
    repeats = models.CharField(
        max_length=120, null=True
    )  # the subject that a duplicate or a conflict repeats
    fingerprint = models.CharField(max_length=64)
    body = models.BinaryField()
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices)
    # Nanoseconds of our clock at acceptance: the order in which deliveries are processed.
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    # After a failed attempt it is not handed out before; null or missing for nearly all.
    retry_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True, default="")
    # Where in our code its last attempt failed; null or missing for nearly all.
    error_place = models.CharField(max_length=160, null=True)

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name_plural = "webhook deliveries"
        # Unique where there is a subject at all: our backend leaves nulls out of the unique index
        # of a nullable field.
        constraints = [models.UniqueConstraint(fields=["subject"], name="delivery_subject")]
        indexes = [
            models.Index(
                fields=["source", "position"],
                condition=models.Q(status="received"),
                name="delivery_waiting",
            ),
            models.Index(
                fields=["position"],
                condition=models.Q(status="conflict"),
                name="delivery_conflicts",
            ),
            models.Index(
                fields=["position"],
                condition=models.Q(status="set_aside"),
                name="delivery_set_aside",
            ),
            models.Index(
                fields=["repeats", "position"],
                condition=models.Q(status__in=["duplicate", "conflict"]),
                name="delivery_repeats",
            ),
            # What staff asks of the list of deliveries, the newest first.
            models.Index(
                fields=["-received_at", "-key", "status", "source", "event_type"],
                name="delivery_by_time",
            ),
            models.Index(
                fields=["status", "-received_at", "-key", "source", "event_type"],
                condition=models.Q(
                    status__in=["received", "duplicate", "conflict", "set_aside", "ignored"]
                ),
                name="delivery_by_status",
            ),
            models.Index(
                fields=["error", "-received_at", "-key", "source", "event_type", "status"],
                condition=models.Q(error__gt=""),
                name="delivery_by_error",
            ),
        ]


class WebhookNonce(models.Model):
    """A nonce that a proven call has used up. The key is `<tenant>/<nonce>`: once per tenant."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=260)
    expires_at = (
        models.DateTimeField()
    )  # after that its timestamp is outside the window, whatever the nonce

    class Meta:
        db_table = "webhook_nonces"
        indexes = [ExpiringIndex(fields=["expires_at"], name="nonce_expires")]
