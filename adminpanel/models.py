"""What the admin panel keeps: the heartbeats of processes, the minutes of the deployment, what was
tipped in each hour, what concerns who may come in, and how staff has its lists."""

from django.db import models

from ground.mongodb.indexes import ExpiringIndex


class Heartbeat(models.Model):
    """When a process last showed that it works. The key names what beat."""

    process = models.CharField(primary_key=True, db_column="_id", max_length=60)
    at = models.DateTimeField()  # by its own clock
    skew_ms = models.BigIntegerField(null=True)  # how far that is ahead of MongoDB's; null: unknown
    memory_mb = models.IntegerField(null=True)  # what it holds; null: written by an older release
    version = models.CharField(max_length=20, null=True)

    class Meta:
        db_table = "heartbeats"


class HealthMinute(models.Model):
    """One minute of the deployment. The key is the minute: `2026-01-03T04:05`. Written by
    `adminpanel/watch/minutes.py` and by nothing else.

    `passed` follows from the rows and may be counted again for ever. `seen` is what was so at
    `seen_at`, which nobody can find out later: null where nobody looked."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=16)
    passed = models.JSONField()  # `FactsPassed` of adminpanel/watch/passing.py
    counted_at = models.DateTimeField()
    seen = models.JSONField(null=True)  # `HealthLook` of adminpanel/watch/moment.py
    seen_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "health_minutes"
        indexes = [ExpiringIndex(fields=["expires_at"], name="health_minute_expires")]


class TipSums(models.Model):
    """Sums over the events that were settled in one hour (UTC). Written by
    `adminpanel/watch/rollups.py` and by nothing else."""

    hour = models.DateTimeField()
    tips = models.BigIntegerField()
    tokens = models.BigIntegerField()
    net = models.BigIntegerField()

    class Meta:
        abstract = True


class TipHour(TipSums):
    """An hour of the whole deployment. The key is the hour: `2026-01-03T04`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=13)

    class Meta:
        db_table = "tip_hours"


class PerformerTipHour(TipSums):
    """An hour of one performer. The key is `<performer id>/<hour>`, so her hours lie together and
    in order."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=38)
    performer_id = models.CharField(max_length=24)

    class Meta:
        db_table = "performer_tip_hours"
        indexes = [models.Index(fields=["hour"], name="performer_tip_hour")]


class StaffState(models.Model):
    """What Django's account does not say of a member of staff: how often she was changed, and how
    often she changed others (`adminpanel/people/members.py`)."""

    account = models.CharField(primary_key=True, db_column="_id", max_length=24)
    version = models.BigIntegerField(default=0)
    acts = models.BigIntegerField(default=0)

    class Meta:
        db_table = "staff_states"


class OneTimeLink(models.Model):
    """A link by which a person sets her password, once. Its key is the hash of what stands in it;
    an account has one at most (`adminpanel/people/links.py`)."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=64)
    account = models.CharField(max_length=24)
    made_by = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "one_time_links"
        constraints = [models.UniqueConstraint(fields=["account"], name="one_time_link_of_account")]
        indexes = [ExpiringIndex(fields=["expires_at"], name="one_time_link_expires")]


class SecondFactor(models.Model):
    """By what a member of staff proves that she has her phone. The secret is not here: it follows
    from `salt` and from the server's key (`adminpanel/people/secondfactor.py`)."""

    account = models.CharField(primary_key=True, db_column="_id", max_length=24)
    salt = models.CharField(max_length=32)
    last_step = models.BigIntegerField()  # no code of it, or of one before it, counts again
    recovery = models.JSONField(default=list)  # hashes of the codes that are left
    made_at = models.DateTimeField()

    class Meta:
        db_table = "second_factors"


class FailedLogIn(models.Model):
    """What was tried in vain on one day: one row for an account, an address and a cause
    (`adminpanel/people/attempts.py`)."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=64)
    account = models.CharField(max_length=150, blank=True)  # empty: there is none of that name
    hashed_ip = models.CharField(max_length=64, null=True)
    cause = models.CharField(max_length=20)
    count = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "failed_log_ins"
        indexes = [
            models.Index(fields=["-last_at"], name="failed_log_in_newest"),
            ExpiringIndex(fields=["expires_at"], name="failed_log_in_expires"),
        ]


class TokenUse(models.Model):
    """When an account's API token was shown last, to the minute
    (`adminpanel/people/tokens.py`)."""

    account = models.CharField(primary_key=True, db_column="_id", max_length=24)
    used_at = models.DateTimeField()

    class Meta:
        db_table = "token_uses"


class ReconciliationItem(models.Model):
    """Something that needs a person's look, and what became of it. The key is made of what it is
    about, so there is one of each. It is opened and solved by `adminpanel/doubt/keeping.py`, taken,
    noted and closed by `adminpanel/handling/doubts.py`; each change raises its version."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=24)
    kind = models.CharField(max_length=12)  # tip, aside, conflict, row
    about = models.CharField(max_length=300)  # the key of the tip, the delivery, the row
    tip_id = models.CharField(max_length=24, blank=True, default="")  # empty: it names none
    code = models.CharField(max_length=100, blank=True, default="")  # what was found
    since = models.DateTimeField()  # when what it is about came
    found_at = models.DateTimeField()  # when it was opened last
    state = models.CharField(max_length=8)  # open, solved
    solved_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=64, blank=True, default="")  # empty: solved by itself
    assigned_to = models.CharField(max_length=64, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")
    noted_by = models.CharField(max_length=64, blank=True, default="")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "reconciliation_items"
        indexes = [
            models.Index(fields=["-since", "-key"], name="item_by_time"),
            models.Index(fields=["-found_at", "-key"], name="item_by_find"),
            models.Index(fields=["state", "-since", "-key", "kind"], name="item_by_state"),
            models.Index(fields=["assigned_to", "-since", "-key", "state"], name="item_by_person"),
            models.Index(fields=["tip_id", "-since", "-key"], name="item_by_tip"),
        ]


class DeploymentMark(models.Model):
    """What this database has been from its first call on: one row. Written by
    `adminpanel/handling/deployment.py` and by nothing else; what is `live` stays it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=10)
    kind = models.CharField(max_length=4)  # test, live
    at = models.DateTimeField()
    minute = models.DateTimeField(null=True)  # of the last sample
    sent = models.IntegerField(default=0)  # samples in it

    class Meta:
        db_table = "deployment_marks"


class SavedView(models.Model):
    """A question that somebody of the staff asks again. The key is `<account>/<place>`: there are
    only so many places. Written by `adminpanel/lists/saved.py`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=30)
    owner = models.CharField(max_length=24)  # the account's key
    list_name = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    query = models.TextField(blank=True)
    columns = models.JSONField(default=list)  # their names; none: what is usual
    is_shared = models.BooleanField(default=False)
    saved_by = models.CharField(max_length=64)  # its name then
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "saved_views"
        constraints = [
            models.UniqueConstraint(fields=["owner", "list_name", "name"], name="saved_view_name")
        ]
        indexes = [
            models.Index(fields=["list_name", "is_shared", "name"], name="saved_view_shared")
        ]


class ListChoice(models.Model):
    """How somebody of the staff has a list. The key is `<account>/<list>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=45)
    columns = models.JSONField(default=list)  # their names; none: what is usual
    first_view = models.CharField(max_length=30, blank=True)  # shown where nothing is asked

    class Meta:
        db_table = "list_choices"


class FrameChoice(models.Model):
    """How somebody of the staff has every page (`adminpanel/lists/times.py`). The key is that of
    the account."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=24)
    has_local_times = models.BooleanField(default=False)  # by the clock of her device

    class Meta:
        db_table = "frame_choices"
