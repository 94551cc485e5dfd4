"""Presses of the stop button, kept for ever."""

from django.db import models


class StopPress(models.Model):
    """One press: the key is `<performer id>.<epoch>`, so each epoch was pressed once."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=44)
    performer_id = models.CharField(max_length=24)
    epoch = models.BigIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    why = models.CharField(max_length=200, blank=True, default="")
    through = models.CharField(max_length=16)  # the door: api, page, socket, command
    answers = models.JSONField(default=list)  # what pages said: [{page, toyId, ms, answer, at}]

    class Meta:
        db_table = "stop_presses"
        verbose_name_plural = "stop presses"
        indexes = [models.Index(fields=["performer_id", "-epoch"], name="stop_press_newest")]
