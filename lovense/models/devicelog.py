"""What this server told a device and what was answered, as a ring of lines."""

from django.db import models

from ground.mongodb.indexes import ExpiringIndex


class DeviceLogLine(models.Model):
    """One line. The key is `<device>.<place in the ring>`, so that no device has more lines than
    its ring has places, however often it is told something."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=124)
    device_id = models.CharField(max_length=120)
    performer_id = models.CharField(max_length=24)
    n = models.BigIntegerField()  # of all its lines
    at = models.DateTimeField()
    path = models.CharField(max_length=32)  # the name of the bridge
    told = models.CharField(max_length=80)
    outcome = models.CharField(max_length=20)
    ms = models.FloatField()  # until the answer
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "device_log"
        indexes = [
            models.Index(fields=["device_id", "-n"], name="device_log_newest"),
            ExpiringIndex(fields=["expires_at"], name="device_log_expires"),
        ]
