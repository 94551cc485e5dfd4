"""What the admin panel keeps: the heartbeats of processes, and what was tipped in each hour."""

from django.db import models


class Heartbeat(models.Model):
    """When a process last showed that it works. The key names what beat."""

    process = models.CharField(primary_key=True, db_column="_id", max_length=60)
    at = models.DateTimeField()  # by its own clock
    skew_ms = models.BigIntegerField(null=True)  # how far that is ahead of MongoDB's; null: unknown

    class Meta:
        db_table = "heartbeats"


class TipSums(models.Model):
    """Sums over the events that were settled in one hour (UTC). Written by
    `adminpanel/watch/rollups.py` and by nothing else."""

    hour = models.DateTimeField()
    tips = models.BigIntegerField()
    tokens = models.BigIntegerField()
    net = models.BigIntegerField()

    class Meta:
        abstract = True


class TipHour(TipSums):
    """An hour of the whole deployment. The key is the hour: `2026-01-03T04`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=13)

    class Meta:
        db_table = "tip_hours"


class PerformerTipHour(TipSums):
    """An hour of one performer. The key is `<performer id>/<hour>`, so her hours lie together and
    in order."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=38)
    performer_id = models.CharField(max_length=24)

    class Meta:
        db_table = "performer_tip_hours"
        indexes = [models.Index(fields=["hour"], name="performer_tip_hour")]
