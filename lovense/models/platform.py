"""The platform's settings: one row."""

from django.db import models

from tips.models import Mode


class PlatformSettings(models.Model):
    """One row, `platform`. The kill switch and the platform's caps; read for every batch, never
    cached."""

    name = models.CharField(primary_key=True, db_column="_id", max_length=10, default="platform")
    enable_lovense = models.BooleanField(default=True)
    minimum_tip = models.BigIntegerField(default=10)
    maximum_seconds = models.IntegerField(default=30)
    rate_limit_per_minute = models.IntegerField(default=30)
    # What answers the tips of a performer who has never published a menu, within the caps.
    require_tip_menu = models.BooleanField(default=False)  # true: nothing does
    default_intensity = models.IntegerField(default=10)
    default_seconds = models.IntegerField(default=5)
    # For the pages: whether one takes the devices again by itself, and the site's name at Lovense.
    auto_connect = models.BooleanField(default=True)
    cam_site_name = models.CharField(max_length=64, blank=True, default="")
    queue_mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.FIFO)
    is_draining = models.BooleanField(default=False)  # nothing new starts, for a deploy

    version = models.IntegerField(default=0)  # how often they have been changed

    class Meta:
        db_table = "platform_settings"
        verbose_name = verbose_name_plural = "platform settings"
