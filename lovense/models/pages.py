"""Which page holds a performer's devices."""

from django.db import models

from tips.models import EPOCH


class PageLease(models.Model):
    """Which page holds a performer's devices: one row per performer, renewed by the process that
    has its socket."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    page_id = models.CharField(max_length=64)
    channel = models.CharField(max_length=200)
    slot = models.CharField(
        max_length=40
    )  # the web process; a restart in the same slot frees its predecessor's pages
    number = models.BigIntegerField(default=0)  # higher for each other page that takes the devices
    taken_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # `lovense/sending/handover.py`: the page that takes the devices from this one, and those that
    # may: [{page_id, channel}]
    wanted_by = models.CharField(max_length=64, null=True)
    wanted_at = models.DateTimeField(null=True)
    standing_by = models.JSONField(default=list)
    # `lovense/shows/`: since when she is on air; whether, when and by whom that was ended by hand;
    # nobody takes the devices until she begins again. And the shows before it that are not written
    # down yet: [{since, until, by}]
    on_air_since = models.DateTimeField(null=True)
    off_air_at = models.DateTimeField(null=True)
    off_air_by = models.CharField(max_length=64, null=True)
    is_resting = models.BooleanField(default=False)
    aired = models.JSONField(default=list)
    show_look_at = models.DateTimeField(null=True)  # when it is looked at for that

    class Meta:
        db_table = "page_leases"
        # A performer's row stays when her page is closed: who is online must not cost all those who
        # are not.
        indexes = [
            models.Index(fields=["expires_at"], name="lease_open"),
            models.Index(fields=["slot", "channel"], name="lease_of_slot"),
            models.Index(
                fields=["show_look_at"],
                condition=models.Q(show_look_at__gt=EPOCH),
                name="lease_show_look",
            ),
        ]
