"""What an hour held and what a day did, of one performer and of all together."""

from django.db import models

from tips.models import EPOCH


class RankedSums(models.Model):
    """What performers are ranked by (`lovense/history/ranking.py`), which asks an index alone; the
    seconds in tenths. 0 in a row of an older release, until it is counted again."""

    sum_tips = models.BigIntegerField(default=0)
    sum_over = models.BigIntegerField(default=0)  # tips of which it is known what they became
    sum_played = models.BigIntegerField(default=0)
    sum_tokens = models.BigIntegerField(default=0)
    sum_net = models.BigIntegerField(default=0)
    sum_promised = models.BigIntegerField(default=0)
    sum_delivered = models.BigIntegerField(default=0)
    sum_owed = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


RANKED = ("tips", "over", "played", "tokens", "net", "promised", "delivered", "owed")
# Those who were tipped most come first, with what else is ranked.
_SUMS = ["-sum_tokens", "performer_id", *(f"sum_{name}" for name in RANKED if name != "tokens")]


class PerformerHour(RankedSums):
    """An hour (UTC) of one performer, recomputed from her activations by `lovense/history/hours.py`
    and written by nothing else. The key is `<performer id>/<hour>`, so her hours lie together and
    in order; each item and outcome has one cell in it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=38)
    performer_id = models.CharField(max_length=24)
    hour = models.DateTimeField()
    cells = models.JSONField(default=list)
    facets = models.JSONField(null=True)  # `FacetCell` of lovense/rows/hours.py
    minutes = models.JSONField(null=True)
    rows = models.IntegerField(default=0)  # activations that were counted
    live = models.IntegerField(default=0)  # of them, those that were not over
    counted_at = models.DateTimeField(null=True)
    stale_since = models.DateTimeField(null=True)  # something in it has ended anew
    unsummed_since = models.DateTimeField(null=True)  # its day does not hold it yet
    unadded_since = models.DateTimeField(null=True)  # nor does that hour of all performers
    revision = models.IntegerField(null=True)  # how often it was counted

    class Meta:
        db_table = "performer_hours"
        indexes = [
            # Those of one hour, and who was ranked how in it.
            models.Index(fields=["hour", *_SUMS], name="performer_hour_ranked"),
            # Small ones: most hours are over, and nothing in them ends anew.
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
            models.Index(
                fields=["unadded_since", "hour"],
                condition=models.Q(unadded_since__gt=EPOCH),
                name="performer_hour_unadded",
            ),
        ]


class PerformerDay(RankedSums):
    """A day (UTC) of one performer, recomputed from the rows of its hours by
    `lovense/history/daysums.py` and written by nothing else. The key is `<performer id>/<day>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=35)
    performer_id = models.CharField(max_length=24)
    day = models.DateTimeField()
    cells = models.JSONField(default=list)  # by item and outcome
    outcomes = models.JSONField(default=list)  # by outcome alone
    tokens = models.JSONField(default=list)  # of each of its 24 hours
    by_hour = models.JSONField(null=True)  # `DayHour` of those that hold anything
    busiest = models.JSONField(null=True)
    facets = models.JSONField(null=True)
    revision = models.IntegerField(default=0)

    class Meta:
        db_table = "performer_days"
        indexes = [models.Index(fields=["day", *_SUMS], name="performer_day_ranked")]


class ActivationHour(models.Model):
    """An hour (UTC) of all performers, recomputed from their hours by
    `lovense/history/platform.py` and written by nothing else. The key is the hour."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=13)
    hour = models.DateTimeField()
    facets = models.JSONField(default=list)
    minutes = models.JSONField(default=list)
    unsummed_since = models.DateTimeField(null=True)  # its day does not hold it yet
    revision = models.IntegerField(default=0)

    class Meta:
        db_table = "activation_hours"
        indexes = [
            models.Index(
                fields=["unsummed_since", "hour"],
                condition=models.Q(unsummed_since__gt=EPOCH),
                name="activation_hour_unsummed",
            )
        ]


class ActivationDay(models.Model):
    """A day (UTC) of all performers, recomputed from its hours by `lovense/history/platform.py`
    and written by nothing else. The key is the day."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=10)
    day = models.DateTimeField()
    facets = models.JSONField(default=list)
    by_hour = models.JSONField(default=list)
    busiest = models.JSONField(default=list)
    revision = models.IntegerField(default=0)

    class Meta:
        db_table = "activation_days"
