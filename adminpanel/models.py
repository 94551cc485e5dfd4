"""What the admin panel keeps: the heartbeats of processes."""

from django.db import models


class Heartbeat(models.Model):
    """When a process last showed that it works. The key names what beat."""

    process = models.CharField(primary_key=True, db_column="_id", max_length=20)
    at = models.DateTimeField()

    class Meta:
        db_table = "heartbeats"
