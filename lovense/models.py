"""What a settled tip does to a device: performers, menus, the page that holds the devices, activations."""

from django.conf import settings
from django.db import models

from tips.models import EPOCH, Mode


class Performer(models.Model):
    """A performer and her own limits. The key is the platform's performer id (24 hex)."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="performer")
    display_name = models.CharField(max_length=64)
    bridge = models.CharField(max_length=20, default="SIMULATOR")
    menu_version = models.IntegerField(default=0)  # 0: no menu published yet
    minimum_tip = models.BigIntegerField(null=True)  # null: the platform's
    maximum_seconds = models.IntegerField(null=True)  # null: the platform's; never above it
    maximum_intensity = models.IntegerField(default=20)
    stop_epoch = models.BigIntegerField(default=0)
    queue_mode = models.CharField(max_length=10, choices=Mode.choices, null=True)  # null: the platform's
    # Paused: nothing of hers starts. Who, since when and why is the audit trail's too.
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)  # null: until she resumes
    paused_by = models.CharField(max_length=64, blank=True, default="")
    paused_why = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "performers"
        indexes = [models.Index(fields=["paused_at"], condition=models.Q(paused_at__gt=EPOCH), name="performer_paused")]


class LanePace(models.Model):
    """When the latest runs of a performer started: what the limit per minute is measured on."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    starts = models.JSONField(default=list)  # datetimes within the window, as they came

    class Meta:
        db_table = "lane_paces"


class Submitter(models.Model):
    """When an account submitted its latest tests and manual runs: what its limit per minute is counted on."""

    account = models.CharField(primary_key=True, db_column="_id", max_length=24)
    at = models.JSONField(default=list)  # datetimes, no more than the limit

    class Meta:
        db_table = "submitters"


class LaneTurn(models.Model):
    """The latest turn that was given to something submitted to a lane, so that what people submit keeps its order."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    turn = models.BigIntegerField()

    class Meta:
        db_table = "lane_turns"


class TipMenu(models.Model):
    """A published menu, immutable. The key is `<performer id>.<version>`; an activation pins it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=40)
    performer_id = models.CharField(max_length=24)
    version = models.IntegerField()
    # Items as written by menus.publish: itemId, title, minimum, maximum, pattern, intensity, durationSec, order.
    items = models.JSONField(default=list)
    published_at = models.DateTimeField()

    class Meta:
        db_table = "tip_menus"


class PageLease(models.Model):
    """Which page holds a performer's devices: one row per performer, renewed by the process that has its socket."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    page_id = models.CharField(max_length=64)
    channel = models.CharField(max_length=200)
    slot = models.CharField(max_length=40)  # the web process; a restart in the same slot frees its predecessor's pages
    taken_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "page_leases"
        # A performer's row stays when her page is closed: who is online must not cost all those who are not.
        indexes = [
            models.Index(fields=["expires_at"], name="lease_open"),
            models.Index(fields=["slot", "channel"], name="lease_of_slot"),
        ]


class DeviceStatus(models.TextChoices):
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ERROR = "error"


class Device(models.Model):
    """A toy as its page reported it. The key is `<performer id>.<toy id>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=120)
    performer_id = models.CharField(max_length=24, db_index=True)
    toy_id = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    toy_type = models.CharField(max_length=32)
    status = models.CharField(max_length=12, choices=DeviceStatus.choices)
    battery = models.IntegerField(null=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        db_table = "devices"


class ActivationStatus(models.TextChoices):
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    ACTIVATED = "activated"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DEAD = "dead"


class Activation(models.Model):
    """One tip on one target, with the gates that decided it. The key is `<tip id>.<target>`."""

    activation_id = models.CharField(primary_key=True, db_column="_id", max_length=80)
    performer_id = models.CharField(max_length=24)
    tip_id = models.CharField(max_length=24, null=True)  # null: a test, or played by hand
    event_id = models.CharField(max_length=36, null=True)
    request_id = models.CharField(max_length=36)
    position = models.BigIntegerField()
    amount = models.BigIntegerField()
    tipper_name = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=ActivationStatus.choices)
    reason = models.CharField(max_length=40, blank=True, default="")
    gates = models.JSONField(default=list)  # [{gate, passed, saw, at}] in the order they were asked
    item = models.JSONField(null=True)  # snapshot of the menu item that answered
    menu_version = models.IntegerField(default=0)
    commands = models.JSONField(default=list)
    promised_seconds = models.IntegerField(default=0)
    delivered_seconds = models.FloatField(null=True)
    stop_epoch = models.BigIntegerField(default=0)
    attempt = models.IntegerField(default=0)
    attempts = models.JSONField(default=list)  # child records: [{attempt, at, page}]
    created_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Written when there is something to say, so most rows do not have them.
    leader = models.CharField(max_length=80, null=True)  # the activation whose run this one is part of
    members = models.JSONField(null=True)  # of a leader: the activations that are part of its run, in their order
    run_seconds = models.IntegerField(null=True)  # of a leader: what all of them were promised together
    run_delivered = models.FloatField(null=True)  # of a leader: what its run delivered
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=64, null=True)
    cancelled_why = models.CharField(max_length=200, null=True)

    class Meta:
        db_table = "activations"
        indexes = [
            models.Index(fields=["performer_id", "-position"], name="activation_newest"),
            models.Index(
                fields=["performer_id", "position"],
                condition=models.Q(status__in=["dispatched", "activated"]),
                name="activation_in_flight",
            ),
            models.Index(
                fields=["cancelled_at"],
                condition=models.Q(cancelled_at__gt=EPOCH, status__in=["dispatched", "activated"]),
                name="activation_cancelling",
            ),
        ]


class PlatformSettings(models.Model):
    """One row, `platform`. The kill switch and the platform's caps; read for every batch, never cached."""

    name = models.CharField(primary_key=True, db_column="_id", max_length=10, default="platform")
    enable_lovense = models.BooleanField(default=True)
    minimum_tip = models.BigIntegerField(default=10)
    maximum_seconds = models.IntegerField(default=30)
    rate_limit_per_minute = models.IntegerField(default=30)
    queue_mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.FIFO)
    is_draining = models.BooleanField(default=False)  # nothing new starts, for a deploy

    class Meta:
        db_table = "platform_settings"
