"""One tip on one target, with the gates that decided it and every step of it."""

from django.db import models

from tips.models import EPOCH


class ActivationStatus(models.TextChoices):
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    ACTIVATED = "activated"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DEAD = "dead"


class Activation(models.Model):
    """One tip on one target, with the gates that decided it. The key is `<tip id>.<target>`."""

    activation_id = models.CharField(primary_key=True, db_column="_id", max_length=80)
    performer_id = models.CharField(max_length=24)
    tip_id = models.CharField(max_length=24, null=True)  # null: a test, or played by hand
    event_id = models.CharField(max_length=36, null=True)
    request_id = models.CharField(max_length=36)
    position = models.BigIntegerField()
    amount = models.BigIntegerField()
    tipper_name = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=ActivationStatus.choices)
    reason = models.CharField(max_length=40, blank=True, default="")
    gates = models.JSONField(default=list)  # [{gate, passed, saw, at}] in the order they were asked
    item = models.JSONField(null=True)  # snapshot of the menu item that answered
    menu_version = models.IntegerField(default=0)
    commands = models.JSONField(default=list)
    promised_seconds = models.IntegerField(default=0)
    delivered_seconds = models.FloatField(null=True)
    stop_epoch = models.BigIntegerField(default=0)
    attempt = models.IntegerField(default=0)
    attempts = models.JSONField(default=list)  # child records: [{attempt, at, page}]
    created_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Written when there is something to say, so most rows do not have them.
    leader = models.CharField(
        max_length=80, null=True
    )  # the activation whose run this one is part of
    members = models.JSONField(
        null=True
    )  # of a leader: the activations that are part of its run, in their order
    run_seconds = models.IntegerField(
        null=True
    )  # of a leader: what all of them were promised together
    run_delivered = models.FloatField(null=True)  # of a leader: what its run delivered
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=64, null=True)
    cancelled_why = models.CharField(max_length=200, null=True)
    # Of one that was under way when it was cancelled by the button that ends what plays: "skip".
    cancelled_how = models.CharField(max_length=8, null=True)
    stopped_at = models.DateTimeField(null=True)  # it was under way when she pressed stop
    # What is not played as it was asked: codes of `lovense/menus/compiler.py`.
    notes = models.JSONField(null=True)
    # The version whose secret drew something for it; that is in its item.
    drawn_by = models.CharField(max_length=40, null=True)
    # Of what is told in slices (`lovense/runner/legs.py`): its devices, and since when they run.
    legs = models.JSONField(null=True)
    legs_began_at = models.DateTimeField(null=True)
    # It ended, and what it may owe is not kept yet: `lovense/owed/keeping.py` takes this away.
    owes_since = models.DateTimeField(null=True)
    requeued_at = models.DateTimeField(null=True)  # what it owed plays as a request of its own
    # True: sent by a viewer of her own making (`lovense/lane/rehearsal.py`), and nothing counts it.
    is_rehearsal = models.BooleanField(null=True)
    # False: handed over to levels that are not ours, and nobody measures what they play.
    is_measured = models.BooleanField(null=True)
    # By which path it was told, and which types of toys; null: it never was, or an older release.
    bridge = models.CharField(max_length=20, null=True)
    toy_types = models.JSONField(null=True)

    class Meta:
        db_table = "activations"
        indexes = [
            # Hers in the order of time: the feed, her history, and what an hour of hers held.
            models.Index(
                fields=["performer_id", "-created_at", "-position", "-activation_id"],
                name="activation_history",
            ),
            models.Index(
                fields=["performer_id", "position"],
                condition=models.Q(status__in=["dispatched", "activated"]),
                name="activation_in_flight",
            ),
            models.Index(
                fields=["cancelled_at"],
                condition=models.Q(cancelled_at__gt=EPOCH, status__in=["dispatched", "activated"]),
                name="activation_cancelling",
            ),
            models.Index(
                fields=["stopped_at"],
                condition=models.Q(stopped_at__gt=EPOCH, status__in=["dispatched", "activated"]),
                name="activation_stopping",
            ),
            models.Index(
                fields=["owes_since"],
                condition=models.Q(owes_since__gt=EPOCH),
                name="activation_owes",
            ),
            # Small ones: few items draw anything. The draws of a version, and when they ended.
            models.Index(
                fields=["drawn_by", "activation_id"],
                condition=models.Q(drawn_by__gt=""),
                name="activation_drawn",
            ),
            models.Index(
                fields=["drawn_by", "-finished_at"],
                condition=models.Q(drawn_by__gt=""),
                name="activation_drawn_ended",
            ),
        ]
