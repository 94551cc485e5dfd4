"""What the limits of a lane are measured on: starts, submissions, turns given."""

from django.db import models


class LanePace(models.Model):
    """When the latest runs of a performer started: what the limit per minute is measured on."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    starts = models.JSONField(default=list)  # datetimes within the window, as they came

    class Meta:
        db_table = "lane_paces"


class Submitter(models.Model):
    """When an account submitted its latest tests and manual runs: what its limit per minute is
    counted on."""

    account = models.CharField(primary_key=True, db_column="_id", max_length=24)
    at = models.JSONField(default=list)  # datetimes, no more than the limit

    class Meta:
        db_table = "submitters"


class LaneTurn(models.Model):
    """The latest turn that was given to something submitted to a lane, so that what people submit
    keeps its order."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    turn = models.BigIntegerField()

    class Meta:
        db_table = "lane_turns"
