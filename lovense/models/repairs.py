"""Repairs: what is wrong with a performer's devices and apps, and since when."""

from django.db import models

from ground.mongodb.indexes import ExpiringIndex
from tips.models import EPOCH


class RepairKind(models.TextChoices):
    DEVICE_LOST = "device_lost"
    LOW_BATTERY = "low_battery"
    APP_OFFLINE = "app_offline"  # the phone is not in front, or without internet
    ADDRESS_REFUSED = "address_refused"
    PAIRING_LOST = "pairing_lost"
    OPERATOR_FAULT = "operator_fault"  # not hers: the site's own key is refused
    OLD_APP = "old_app"
    FUNCTION_FAILED = "function_failed"  # it did not move in its test
    EXTENSION_SILENT = "extension_silent"  # her page has loaded it, and it does not answer
    DRIFT = "drift"  # her extension and her menu answer amounts differently


class RepairWeight(models.TextChoices):
    MILD = "mild"
    SERIOUS = "serious"
    URGENT = "urgent"


class Repair(models.Model):
    """One thing that is wrong, from its first spell to its last. `open_key` is `<kind>.<subject>`
    while it is open, and unique among hers: it opens once, however many look. Closed ones are kept
    for 90 days."""

    repair_id = models.CharField(primary_key=True, db_column="_id", max_length=200)
    performer_id = models.CharField(max_length=24)
    kind = models.CharField(max_length=16, choices=RepairKind.choices)
    key = models.CharField(max_length=130)
    open_key = models.CharField(max_length=130, blank=True, default="")
    weight = models.CharField(max_length=8, choices=RepairWeight.choices)
    device_id = models.CharField(max_length=120, blank=True, default="")
    host_id = models.CharField(max_length=24, blank=True, default="")
    function = models.CharField(max_length=16, blank=True, default="")
    name = models.CharField(max_length=64, blank=True, default="")  # as she knows its subject
    reason = models.CharField(max_length=16, blank=True, default="")  # of a device that is lost
    since = models.DateTimeField()
    shown_at = models.DateTimeField()  # what is over before that is never shown
    last_seen_at = models.DateTimeField()
    times = models.IntegerField(default=1)  # spells, of what comes and goes
    calm_at = models.DateTimeField(null=True)  # since when what comes and goes is not wrong
    closed_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)  # when it is looked at without being asked to
    mail_at = models.DateTimeField(null=True)  # when it is asked whether she is told by mail
    mailed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)  # of one that is closed

    class Meta:
        db_table = "repairs"
        constraints = [
            models.UniqueConstraint(
                fields=["performer_id", "open_key"],
                condition=models.Q(open_key__gt=""),
                name="repair_open",
            )
        ]
        indexes = [
            models.Index(
                fields=["look_at"], condition=models.Q(look_at__gt=EPOCH), name="repair_look"
            ),
            models.Index(
                fields=["mail_at"], condition=models.Q(mail_at__gt=EPOCH), name="repair_mail"
            ),
            models.Index(fields=["performer_id", "-closed_at"], name="repair_closed"),
            ExpiringIndex(fields=["expires_at"], name="repair_expires"),
        ]


class NoticeMail(models.Model):
    """When a performer was mailed lately: what the limit an hour is counted on."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    at = models.JSONField(default=list)  # datetimes, no more than the limit

    class Meta:
        db_table = "notice_mails"
