"""Performers and their own limits."""

from django.conf import settings
from django.db import models

from lovense.models.owed import OwedPolicy
from tips.models import EPOCH, Mode


class Performer(models.Model):
    """A performer and her own limits. The key is the platform's performer id (24 hex)."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="performer"
    )
    display_name = models.CharField(max_length=64)
    bridge = models.CharField(max_length=20, default="SIMULATOR")
    menu_version = models.IntegerField(default=0)  # 0: no menu published yet
    # Her last versions, and since when each was in force: `lovense/menus/seen.py`. null: not kept.
    menu_history = models.JSONField(null=True)
    minimum_tip = models.BigIntegerField(null=True)  # null: the platform's
    maximum_seconds = models.IntegerField(null=True)  # null: the platform's; never above it
    maximum_intensity = models.IntegerField(default=20)
    stop_epoch = models.BigIntegerField(default=0)
    queue_mode = models.CharField(
        max_length=10, choices=Mode.choices, null=True
    )  # null: the platform's
    maximum_continuous_seconds = models.IntegerField(null=True)  # then a rest; null: none
    rest_seconds = models.IntegerField(null=True)  # null: as long as is usual
    auto_connect = models.BooleanField(null=True)  # null: the platform's
    # Paused: nothing of hers starts. Who, since when and why is the audit log's too.
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)  # null: until she resumes
    paused_by = models.CharField(max_length=64, blank=True, default="")
    paused_why = models.CharField(max_length=200, blank=True, default="")
    # The request that may start all the same; null: none.
    plays_one = models.CharField(max_length=36, null=True)
    # The latch of her stop: nothing starts until she resumes, whatever becomes of the pause.
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=64, blank=True, default="")
    stopped_why = models.CharField(max_length=200, blank=True, default="")
    # What a decision must know of her devices, so that no round asks for more than her row:
    # `lovense/devices/summary.py` writes it. null: nobody has reported any.
    devices = models.JSONField(null=True)
    devices_away_at = models.DateTimeField(null=True)  # since when none of them can play
    # What becomes of seconds that were promised and not delivered.
    owed_policy = models.CharField(
        max_length=8, choices=OwedPolicy.choices, default=OwedPolicy.REPORT
    )
    # Since when a viewer of her own making may send her something; null: nobody rehearses.
    rehearses_since = models.DateTimeField(null=True)
    # What her Cam Extension has said of itself: `lovense/bridges/extensionreport.py` writes it.
    extension = models.JSONField(null=True)
    look_at = models.DateTimeField(null=True)  # what is wrong is asked anew
    welcome_skipped_at = models.DateTimeField(null=True)  # the first run is not shown by itself
    # How her own pages look, sound and are worked, by the names at the wire; what is usual is left
    # out: `lovense/performers/sections.py`.
    page_choices = models.JSONField(null=True)
    preference_versions = models.JSONField(null=True)  # by section; null: never changed
    # What the platform has set for her, stricter than for all: `lovense/performers/overrides.py`.
    overrides = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "performers"
        indexes = [
            models.Index(
                fields=["look_at"], condition=models.Q(look_at__gt=EPOCH), name="performer_look"
            ),
            models.Index(
                fields=["paused_at"],
                condition=models.Q(paused_at__gt=EPOCH),
                name="performer_paused",
            ),
            # What staff asks of the list of performers, the newest first.
            models.Index(fields=["-created_at", "-performer_id"], name="performer_by_time"),
            models.Index(
                fields=["display_name", "-created_at", "-performer_id"], name="performer_by_name"
            ),
            models.Index(
                fields=["-created_at", "-performer_id"],
                condition=models.Q(paused_at__gt=EPOCH),
                name="performer_by_pause",
            ),
            models.Index(
                fields=["-created_at", "-performer_id"],
                condition=models.Q(stopped_at__gt=EPOCH),
                name="performer_by_stop",
            ),
            # The same, and how many a setting of the platform concerns.
            models.Index(
                fields=["bridge", "-created_at", "-performer_id"], name="performer_bridge"
            ),
            models.Index(
                fields=["menu_version", "-created_at", "-performer_id"], name="performer_menu"
            ),
            models.Index(fields=["minimum_tip"], name="performer_minimum"),
            models.Index(fields=["queue_mode"], name="performer_mode"),
            models.Index(fields=["auto_connect"], name="performer_connect"),
        ]
