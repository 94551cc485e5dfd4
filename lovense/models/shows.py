"""Shows: from when a performer's devices were taken until they were let go for good."""

from django.db import models

from tips.models import EPOCH


class Show(models.Model):
    """One show: the key is `<performer id>.<began at, in ms>`, so it is written once. It means
    nothing else: nothing is decided by it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=40)
    performer_id = models.CharField(max_length=24)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_open = models.BooleanField(default=True)
    ended_by = models.CharField(max_length=64, blank=True, default="")  # empty: by itself
    sums = models.JSONField(null=True)  # `ShowSums`, of one that has ended
    look_at = models.DateTimeField(null=True)  # when they are worked out again
    tally = models.JSONField(null=True)  # `ShowTally`, for her statistics
    put_away_at = models.DateTimeField(null=True)  # since when its summary is out of her sight

    class Meta:
        db_table = "shows"
        constraints = [
            # "At most one open show a performer" is this index.
            models.UniqueConstraint(
                fields=["performer_id"],
                condition=models.Q(is_open=True),
                name="show_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["performer_id", "-began_at"], name="show_newest"),
            models.Index(
                fields=["look_at"], condition=models.Q(look_at__gt=EPOCH), name="show_look"
            ),
        ]
