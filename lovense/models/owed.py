"""Seconds that were promised and not delivered, kept for ever."""

from django.db import models


class OwedPolicy(models.TextChoices):
    """What becomes of them by itself."""

    REQUEUE = "requeue"  # they play as a request of their own
    WAIVE = "waive"
    REPORT = "report"  # they stay listed until somebody decides


class OwedState(models.TextChoices):
    OPEN = "open"
    REQUEUED = "requeued"
    WAIVED = "waived"
    DELIVERED = "delivered"  # a late word of the page, or a replay: nothing is owed any more


class OwedCause(models.TextChoices):
    STOP = "stop"
    SKIP = "skip"
    CANCEL = "cancel"
    DISCONNECT = "disconnect"
    MISSED = "missed"
    UNKNOWN = "unknown"
    TIMEOUT = "timeout"


class Owed(models.Model):
    """What one activation owes: its key is the activation's, so it owes once. Seconds are whole
    tenths: promised = delivered + owed + requeued + waived."""

    activation_id = models.CharField(primary_key=True, db_column="_id", max_length=80)
    performer_id = models.CharField(max_length=24)
    tip_id = models.CharField(max_length=24, null=True)
    request_id = models.CharField(max_length=36)
    title = models.CharField(max_length=100, blank=True, default="")  # of the item
    tipper_name = models.CharField(max_length=64)
    promised = models.IntegerField()
    owed = models.IntegerField()
    requeued = models.IntegerField(default=0)
    waived = models.IntegerField(default=0)
    cause = models.CharField(max_length=10, choices=OwedCause.choices)
    state = models.CharField(max_length=10, choices=OwedState.choices, default=OwedState.OPEN)
    policy = models.CharField(max_length=8, choices=OwedPolicy.choices)  # hers when it was made
    requeued_as = models.CharField(max_length=36, blank=True, default="")  # the request
    why = models.CharField(max_length=200, blank=True, default="")  # of one that was waived
    by = models.CharField(max_length=64, blank=True, default="")
    ended_at = models.DateTimeField()  # when the activation did
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)  # when it left `open`

    class Meta:
        db_table = "owed"
        verbose_name_plural = "seconds owed"
        indexes = [
            models.Index(
                fields=["performer_id", "-ended_at", "-activation_id"], name="owed_newest"
            ),
            models.Index(
                fields=["performer_id", "state", "-ended_at", "-activation_id"],
                name="owed_in_state",
            ),
        ]
