"""Apps that a performer paired, and the pairings that made them hers."""

from django.db import models

from tips.models import EPOCH


class Host(models.Model):
    """One app on one phone or PC that she paired. `uid` and the token of which a hash is kept are
    what its callbacks prove themselves with; both are gone once it is unpaired."""

    host_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    performer_id = models.CharField(max_length=24)
    uid = models.CharField(max_length=43, blank=True, default="")
    utoken_hash = models.CharField(max_length=64, blank=True, default="")
    # --- reported
    app_type = models.CharField(max_length=16, blank=True, default="")
    app_version = models.CharField(max_length=32, blank=True, default="")
    platform = models.CharField(max_length=16, blank=True, default="")
    protocol_version = models.CharField(max_length=16, blank=True, default="")
    # An address that passed `lovense/devices/addresses.py`, for her own page only; else empty.
    domain = models.CharField(max_length=64, blank=True, default="")
    ports = models.JSONField(default=dict)  # {http, https, ws, wss}
    is_address_refused = models.BooleanField(default=False)
    toys_count = models.IntegerField(default=0)  # of its last report, all of them
    content = models.CharField(max_length=64, blank=True, default="")  # digest of its last report
    # What the vendor's cloud said last that keeps every command from this app; empty: nothing.
    fault = models.CharField(max_length=16, blank=True, default="")
    look_at = models.DateTimeField(null=True)  # it has changed: what is wrong with it is asked anew
    paired_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    unpaired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "hosts"
        constraints = [
            models.UniqueConstraint(fields=["uid"], condition=models.Q(uid__gt=""), name="host_uid")
        ]
        indexes = [
            models.Index(fields=["performer_id"], name="host_of_performer"),
            models.Index(
                fields=["look_at"], condition=models.Q(look_at__gt=EPOCH), name="host_look"
            ),
        ]


class PairingStatus(models.TextChoices):
    OPENED = "opened"
    SHOWN = "shown"
    SCANNED = "scanned"
    CONNECTED = "connected"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCELLED = "cancelled"


class Pairing(models.Model):
    """One attempt to pair an app. `open_for` is her id while it is open, and unique: she has one at
    a time. What could prove a callback is gone when it ends."""

    pairing_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    performer_id = models.CharField(max_length=24)
    host_id = models.CharField(max_length=24)  # the host that it makes, or pairs again
    uid = models.CharField(max_length=43, blank=True, default="")
    utoken_hash = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=12, choices=PairingStatus.choices)
    open_for = models.CharField(max_length=24, blank=True, default="")
    idempotency_key = models.CharField(max_length=96, blank=True, default="")
    code = models.CharField(max_length=16, blank=True, default="")
    image = models.BinaryField(null=True)  # the vendor's picture, or the one drawn here
    image_type = models.CharField(max_length=32, blank=True, default="")
    toys_count = models.IntegerField(default=0)  # connected, as its host reported last
    opened_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True)
    scanned_at = models.DateTimeField(null=True)
    connected_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "pairings"
        constraints = [
            models.UniqueConstraint(
                fields=["open_for"], condition=models.Q(open_for__gt=""), name="pairing_open"
            ),
            models.UniqueConstraint(
                fields=["uid"], condition=models.Q(uid__gt=""), name="pairing_uid"
            ),
            models.UniqueConstraint(
                fields=["performer_id", "idempotency_key"],
                condition=models.Q(idempotency_key__gt=""),
                name="pairing_once",
            ),
        ]
        indexes = [
            models.Index(fields=["performer_id", "opened_at"], name="pairing_of_performer"),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(open_for__gt=""),
                name="pairing_runs_out",
            ),
        ]
