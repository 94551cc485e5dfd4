"""What the admin panel keeps: the heartbeats of processes, what was tipped in each hour, and how
staff has its lists."""

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


class SavedView(models.Model):
    """A question that somebody of the staff asks again. The key is `<account>/<place>`: there are
    only so many places. Written by `adminpanel/lists/saved.py`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=30)
    owner = models.CharField(max_length=24)  # the account's key
    list_name = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    query = models.TextField(blank=True)
    columns = models.JSONField(default=list)  # their names; none: what is usual
    is_shared = models.BooleanField(default=False)
    saved_by = models.CharField(max_length=64)  # its name then
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "saved_views"
        constraints = [
            models.UniqueConstraint(fields=["owner", "list_name", "name"], name="saved_view_name")
        ]
        indexes = [
            models.Index(fields=["list_name", "is_shared", "name"], name="saved_view_shared")
        ]


class ListChoice(models.Model):
    """How somebody of the staff has a list. The key is `<account>/<list>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=45)
    columns = models.JSONField(default=list)  # their names; none: what is usual
    first_view = models.CharField(max_length=30, blank=True)  # shown where nothing is asked

    class Meta:
        db_table = "list_choices"
