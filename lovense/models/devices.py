"""Toys: what their page or their app reports of them, and what the performer has decided."""

from django.db import models

from tips.models import EPOCH

# What staff asks of devices beside the field that leads an index: told from its keys alone.
_ASKED = ("status", "battery", "host_id")


class DeviceStatus(models.TextChoices):
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ERROR = "error"


class Device(models.Model):
    """A toy of a performer. The key is `<performer id>.<toy id>`: no report of one performer
    reaches another's row.

    What is reported and what she has decided are different fields, and no report writes the
    latter."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=120)
    performer_id = models.CharField(max_length=24)
    toy_id = models.CharField(max_length=64)
    host_id = models.CharField(max_length=24, blank=True, default="")  # "": her page reports it
    # --- reported
    name = models.CharField(max_length=64)
    toy_type = models.CharField(max_length=32)
    status = models.CharField(max_length=12, choices=DeviceStatus.choices)
    reason = models.CharField(max_length=16, blank=True, default="")  # why it is not connected
    battery = models.IntegerField(null=True)
    # since it was last charged: [{at, percent}], the oldest first; at most 20
    battery_points = models.JSONField(default=list)
    firmware = models.CharField(max_length=32, blank=True, default="")
    functions = models.JSONField(default=list)  # [{name, source}], in the table's order
    unsupported = models.JSONField(default=list)  # function words that nobody here knows
    last_seen_at = models.DateTimeField()
    first_connected_at = models.DateTimeField(null=True)
    last_connected_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)  # it has changed: what is wrong with it is asked anew
    # --- decided
    nickname = models.CharField(max_length=32, blank=True, default="")
    nickname_key = models.CharField(max_length=64, blank=True, default="")  # as it is compared
    is_enabled = models.BooleanField(default=True)
    choices = models.JSONField(
        default=dict
    )  # by function; `FunctionChoice` of lovense/rows/devices.py
    maximum_seconds = models.IntegerField(null=True)  # null: hers and the platform's alone
    scale_percent = models.IntegerField(default=100)  # of the strength that is asked of it
    lead_ms = models.IntegerField(default=0)  # it answers so much later than others
    # the show that it is muted for (lovense/shows/muting.py)
    muted_in = models.CharField(max_length=64, blank=True, default="")
    tests = models.JSONField(default=dict)  # by function: the last test she has not answered yet
    removed_at = models.DateTimeField(null=True)  # no report brings it back, she does
    unpaired_at = models.DateTimeField(null=True)  # a report of a paired app brings it back

    class Meta:
        db_table = "devices"
        constraints = [
            models.UniqueConstraint(
                fields=["performer_id", "nickname_key"],
                condition=models.Q(nickname_key__gt=""),
                name="device_nickname",
            )
        ]
        indexes = [
            # a nickname that staff was told
            models.Index(
                fields=["nickname_key"],
                condition=models.Q(nickname_key__gt=""),
                name="device_by_nickname",
            ),
            models.Index(
                fields=["performer_id", "-last_seen_at", "-key", "nickname_key", *_ASKED],
                name="device_of_performer",
            ),
            # What staff asks of all of them; by what names a row, which its key does not.
            models.Index(
                fields=[
                    *("-last_seen_at", "-key", "nickname_key", "performer_id"),
                    *(*_ASKED, "toy_type", "firmware"),
                ],
                name="device_by_time",
            ),
            models.Index(
                fields=[
                    "toy_type",
                    "-last_seen_at",
                    "-key",
                    "nickname_key",
                    "performer_id",
                    *_ASKED,
                ],
                name="device_by_type",
            ),
            models.Index(
                fields=[
                    "firmware",
                    "-last_seen_at",
                    "-key",
                    "nickname_key",
                    "performer_id",
                    *_ASKED,
                ],
                name="device_by_firmware",
            ),
            # What the sweep asks: connected, and nothing heard since.
            models.Index(
                fields=["last_seen_at"],
                condition=models.Q(status="connected"),
                name="device_unheard",
            ),
            models.Index(
                fields=["host_id"], condition=models.Q(host_id__gt=""), name="device_of_host"
            ),
            models.Index(
                fields=["look_at"], condition=models.Q(look_at__gt=EPOCH), name="device_look"
            ),
        ]
