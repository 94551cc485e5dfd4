"""Toys as their pages reported them."""

from django.db import models


class DeviceStatus(models.TextChoices):
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ERROR = "error"


class Device(models.Model):
    """A toy as its page reported it. The key is `<performer id>.<toy id>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=120)
    performer_id = models.CharField(max_length=24, db_index=True)
    toy_id = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    toy_type = models.CharField(max_length=32)
    status = models.CharField(max_length=12, choices=DeviceStatus.choices)
    battery = models.IntegerField(null=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        db_table = "devices"
