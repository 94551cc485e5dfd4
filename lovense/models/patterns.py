"""Patterns that performers have written."""

from django.db import models


class Pattern(models.Model):
    """One of hers. Every write moves `revision`, and names the one that it saw. One that is
    archived gives its name and its slot free: neither index holds it any more."""

    pattern_id = models.CharField(primary_key=True, db_column="_id", max_length=36)
    performer_id = models.CharField(max_length=24)
    name = models.CharField(max_length=40)
    # As names are compared; empty of one that is archived.
    name_key = models.CharField(max_length=64, blank=True, default="")
    slot = models.IntegerField()  # 1 to 200 among hers, so there are no more; 0: it is archived
    text = models.TextField()  # its grammar: docs/patterns.md
    revision = models.IntegerField()
    changed_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "patterns"
        constraints = [
            models.UniqueConstraint(
                fields=["performer_id", "name_key"],
                condition=models.Q(name_key__gt=""),
                name="pattern_name",
            ),
            models.UniqueConstraint(
                fields=["performer_id", "slot"],
                condition=models.Q(slot__gt=0),
                name="pattern_slot",
            ),
        ]
