"""What an hour of a performer's held, and what a day did."""

from django.db import models

from tips.models import EPOCH


class PerformerHour(models.Model):
    """An hour (UTC) of one performer, recomputed from her activations by `lovense/history/hours.py`
    and written by nothing else. The key is `<performer id>/<hour>`, so her hours lie together and
    in order; each item and outcome has one cell in it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=38)
    performer_id = models.CharField(max_length=24)
    hour = models.DateTimeField()
    cells = models.JSONField(default=list)
    rows = models.IntegerField(default=0)  # activations that were counted
    live = models.IntegerField(default=0)  # of them, those that were not over
    counted_at = models.DateTimeField(null=True)
    stale_since = models.DateTimeField(null=True)  # something in it has ended anew
    unsummed_since = models.DateTimeField(null=True)  # its day does not hold it yet

    class Meta:
        db_table = "performer_hours"
        # Small ones: most hours are over, and nothing in them ends anew.
        indexes = [
            models.Index(
                fields=["counted_at"], condition=models.Q(live__gt=0), name="performer_hour_live"
            ),
            models.Index(
                fields=["stale_since"],
                condition=models.Q(stale_since__gt=EPOCH),
                name="performer_hour_stale",
            ),
            models.Index(
                fields=["unsummed_since"],
                condition=models.Q(unsummed_since__gt=EPOCH),
                name="performer_hour_unsummed",
            ),
        ]


class PerformerDay(models.Model):
    """A day (UTC) of one performer, recomputed from the rows of its hours by
    `lovense/history/daysums.py` and written by nothing else. The key is `<performer id>/<day>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=35)
    performer_id = models.CharField(max_length=24)
    day = models.DateTimeField()
    cells = models.JSONField(default=list)  # by item and outcome
    outcomes = models.JSONField(default=list)  # by outcome alone
    tokens = models.JSONField(default=list)  # of each of its 24 hours
    revision = models.IntegerField(default=0)

    class Meta:
        db_table = "performer_days"
