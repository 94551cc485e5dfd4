"""Published menus, immutable."""

from django.db import models


class TipMenu(models.Model):
    """A published menu, immutable. The key is `<performer id>.<version>`; an activation pins it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=40)
    performer_id = models.CharField(max_length=24)
    version = models.IntegerField()
    # Items as written by menus.publish: itemId, title, minimum, maximum, pattern, intensity,
    # durationSec, order.
    items = models.JSONField(default=list)
    published_at = models.DateTimeField()

    class Meta:
        db_table = "tip_menus"
