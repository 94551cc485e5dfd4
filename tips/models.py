"""What tips keep: the tip, its one TipActivated event, the queue request that carries it, and their
archive. No workflow here."""

from datetime import UTC, datetime

from django.db import models

from ground.mongodb.indexes import ExpiringIndex

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TipStatus(models.TextChoices):
    PENDING = "pending"
    SUCCESS = "success"
    CANCELLED = "cancelled"
    FAILED = "failed"


class SettlementStatus(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Tip(models.Model):
    """A viewer's tip. The key is the platform's tip id."""

    tip_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    type = models.CharField(max_length=10, default="tip")
    status = models.CharField(max_length=10, choices=TipStatus.choices)
    settlement_status = models.CharField(max_length=10, choices=SettlementStatus.choices)
    failure_reason = models.CharField(max_length=60, blank=True, default="")
    total = models.BigIntegerField()
    net = models.BigIntegerField()
    commission = models.IntegerField()
    studio_commission = models.IntegerField()
    tipper_id = models.CharField(max_length=24)
    tipper_username = models.CharField(max_length=64, blank=True, default="")
    tipper_role = models.CharField(max_length=10, default="user")
    is_anonymous = models.BooleanField(default=False)
    performer_id = models.CharField(max_length=24)
    performer_username = models.CharField(max_length=64, blank=True, default="")
    studio_id = models.CharField(max_length=24, null=True)
    conversation_id = models.CharField(max_length=24, null=True)
    conversation_type = models.CharField(max_length=40, null=True)
    stream_type = models.CharField(max_length=10, null=True)
    message = models.CharField(max_length=500, null=True)
    source_ref = models.CharField(max_length=120)
    delivery = models.CharField(max_length=300)  # the delivery that recorded it
    happened_at = models.DateTimeField()  # theirs
    # When the viewer tipped: `happened_at`, and never later than when we received it.
    tipped_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()  # ours
    settled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # when it was cancelled or failed
    # A pending tip may wait for its tokens until then; null once it is final.
    funding_until = models.DateTimeField(null=True)
    # How often a ledger that is not our own books was asked for the tip's transfer; null for a tip
    # in our own books.
    looks = models.IntegerField(null=True)
    next_look_at = models.DateTimeField(null=True)
    look_error = models.CharField(
        max_length=60, blank=True, default=""
    )  # why the ledger did not answer the last time
    look_asked_by = models.CharField(
        max_length=150, blank=True, default=""
    )  # who of the staff wanted the latest extra look
    look_asked_at = models.DateTimeField(null=True)
    # What a person has to look at, as a stable code; empty when there is nothing.
    needs_reconciliation = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        db_table = "tips"
        # One posting is the proof of one tip. Where we place the transfer, its key says the same.
        constraints = [
            models.UniqueConstraint(
                fields=["source_ref"],
                condition=models.Q(looks__gte=0),
                name="tip_looked_at_source_ref",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"], condition=models.Q(looks__gte=0), name="tip_next_look"
            ),
            # What staff asks of the list of tips, the newest first; with what is asked beside it.
            models.Index(
                fields=["-created_at", "-tip_id", "settlement_status", "total", "is_anonymous"],
                name="tip_by_time",
            ),
            models.Index(
                fields=[
                    *("performer_id", "-created_at", "-tip_id"),
                    *("settlement_status", "total", "is_anonymous"),
                ],
                name="tip_by_performer",
            ),
            models.Index(
                fields=[
                    *("settlement_status", "-created_at", "-tip_id"),
                    *("failure_reason", "performer_id", "total", "is_anonymous"),
                ],
                condition=models.Q(settlement_status__in=["pending", "cancelled", "failed"]),
                name="tip_unsettled",
            ),
            models.Index(
                fields=["-created_at", "-tip_id"],
                condition=models.Q(needs_reconciliation__gt=""),
                name="tip_in_doubt",
            ),
            models.Index(
                fields=["tipper_id", "created_at"],
                condition=models.Q(settlement_status="pending"),
                name="tip_waiting_for_tokens",
            ),
            models.Index(
                fields=["funding_until"],
                condition=models.Q(settlement_status="pending"),
                name="tip_grace_over",
            ),
        ]


class LoggedEvent(models.Model):
    """A row of the event log, wherever it lies: each names the hash of the one before it. Rows are
    never updated."""

    tip_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    event_id = models.CharField(max_length=36)
    ledger_id = models.CharField(max_length=180)
    source_ref = models.CharField(max_length=160)
    posted_at = models.DateTimeField()
    payload = models.JSONField()
    payload_hash = models.CharField(max_length=64)
    sequence = models.BigIntegerField()
    previous_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class TipActivated(LoggedEvent):
    """The event log: append only, one row per settled tip. Its oldest rows move to the archive,
    unchanged."""

    class Meta:
        db_table = "tip_activated_event_log"
        verbose_name_plural = "events (TipActivated)"
        constraints = [models.UniqueConstraint(fields=["sequence"], name="event_sequence")]
        indexes = [models.Index(fields=["event_id"], name="event_by_id")]


class ArchivedTipActivated(LoggedEvent):
    """The beginning of the event log. Written by `tips/log/archive.py` and by nothing else."""

    segment = models.CharField(max_length=40)  # the manifest that vouches for this row

    class Meta:
        db_table = "archived_tip_activated_event_log"
        verbose_name_plural = "archived events (TipActivated)"
        constraints = [models.UniqueConstraint(fields=["sequence"], name="archived_event_sequence")]
        indexes = [
            models.Index(fields=["segment"], name="archived_event_segment"),
            models.Index(fields=["event_id"], name="archived_event_by_id"),
        ]


class ChainHead(models.Model):
    """The end of the event log's hash chain: one row, advanced in the transaction that appends."""

    name = models.CharField(primary_key=True, db_column="_id", max_length=20)
    sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "tip_activated_chain_head"


class DailyHead(models.Model):
    """Where the chain ended when a day (UTC) was over. Written once; whoever rewrites the log's end
    contradicts it."""

    day = models.CharField(primary_key=True, db_column="_id", max_length=10)  # 2026-01-03
    sequence = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tip_activated_daily_heads"


class EventConsumer(models.Model):
    """How far a consumer has come in the event log, and what holds it up there."""

    name = models.CharField(primary_key=True, db_column="_id", max_length=40)
    position = models.BigIntegerField()  # the sequence of the last event that it has taken
    errors = models.JSONField(default=list)  # of its attempts to take the next one
    retry_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "event_consumers"


class EmissionState(models.TextChoices):
    DEAD = "dead"
    DELIVERED = "delivered"


class FailedEmission(models.Model):
    """An event that one consumer could not take. The key is `<consumer>/<tip id>`; the row stays
    when it was delivered later."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=70)
    consumer = models.CharField(max_length=40)
    tip_id = models.CharField(max_length=24)
    sequence = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=EmissionState.choices)
    errors = models.JSONField(default=list)
    died_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    delivered_by = models.CharField(max_length=150, blank=True, default="")  # who asked for it

    class Meta:
        db_table = "failed_emissions"
        indexes = [
            models.Index(
                fields=["consumer", "sequence"],
                condition=models.Q(state="dead"),
                name="failed_emission_dead",
            ),
        ]


class Mode(models.TextChoices):
    """In what order a lane is worked off; `tips/queue/ordering.py` has the rules."""

    FIFO = "fifo"
    PRIORITY = "priority"
    BATCH = "batch"


class Priority(models.IntegerChoices):
    LOW = 1
    NORMAL = 5
    HIGH = 10
    CRITICAL = 20


class RequestType(models.TextChoices):
    TIP = "TipActivated"
    TEST = "lovense.test"
    MANUAL = "lovense.manual"
    OWED = "lovense.owed"  # what an activation before it promised and did not deliver


class RequestStatus(models.TextChoices):
    PENDING = "pending"
    CLAIMED = "claimed"
    JOINED = "joined"  # plays as part of the run of its leader, which is the one that is claimed
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


class KeptRequest(models.Model):
    """A row of the performance queue, wherever it lies."""

    request_id = models.CharField(primary_key=True, db_column="_id", max_length=36)
    idempotency_key = models.CharField(max_length=64)
    type = models.CharField(max_length=20, choices=RequestType.choices)
    mode = models.CharField(
        max_length=10, choices=Mode.choices, default=Mode.FIFO
    )  # as submitted; the lane's decides
    priority = models.IntegerField(
        choices=Priority.choices, default=Priority.HIGH
    )  # as submitted; `line` decides
    lane = models.CharField(max_length=24)
    position = models.BigIntegerField()  # the event's sequence, or that of the last event before it
    # Its place: a line of the lane, `<lane>/<priority>`, the turn in that line, and since when it
    # grows older in it.
    line = models.CharField(max_length=30)
    turn = models.BigIntegerField()
    waiting_since = models.DateTimeField()
    payload = models.JSONField()
    status = models.CharField(max_length=10, choices=RequestStatus.choices)
    attempts = models.IntegerField(default=0)
    available_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=80, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    errors = models.JSONField(default=list)
    created_at = models.DateTimeField()
    tipped_at = models.DateTimeField(null=True)  # of a tip; how late it was settled counts from it
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Written when there is something to say, so most rows do not have them.
    delayed_by = models.CharField(
        max_length=20, null=True
    )  # which limit made it wait until `available_at`
    leader = models.CharField(
        max_length=36, null=True
    )  # of a joined request: the request whose run it is part of
    cause = models.CharField(
        max_length=60, null=True
    )  # of a failed or dead one: why, as a stable code
    submitted_by = models.CharField(
        max_length=64, null=True
    )  # of a test or a manual one: the account
    item_priority = models.IntegerField(
        choices=Priority.choices, null=True
    )  # that of what answers it, once somebody has looked; or of the place a person gave it
    review = models.JSONField(null=True)  # of a dead one: {resolution, note, by, at}
    replays = models.IntegerField(null=True)  # how often a person sent it back into the queue
    attempts_before = models.IntegerField(
        null=True
    )  # attempts that were over when it was sent back

    class Meta:
        abstract = True


class QueueRequest(KeptRequest):
    """The performance queue. The lane is the performer; one request of a lane is claimed at a
    time."""

    class Meta:
        db_table = "queue_requests"
        constraints = [
            models.UniqueConstraint(fields=["idempotency_key"], name="request_idempotency_key"),
            # "One at a time per performer" is this index.
            models.UniqueConstraint(
                fields=["lane"],
                condition=models.Q(status="claimed"),
                name="request_one_claimed_per_lane",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "line", "turn"],
                condition=models.Q(status="pending"),
                name="request_claim",
            ),
            # What waits for its next attempt, wherever it stands in its line: a small one.
            models.Index(
                fields=["lane"],
                condition=models.Q(status="pending", attempts__gt=0),
                name="request_tried",
            ),
            models.Index(
                fields=["leader"], condition=models.Q(status="joined"), name="request_joined"
            ),
            models.Index(
                fields=["cause", "-finished_at", "-request_id"],
                condition=models.Q(status="dead"),
                name="request_dead",
            ),
            models.Index(
                fields=["-finished_at", "-request_id"],
                condition=models.Q(status="dead"),
                name="request_dead_newest",
            ),
            # With what the metrics of a period read, so that they walk keys and no documents.
            models.Index(
                fields=["finished_at", "status", "created_at", "claimed_at"],
                condition=models.Q(finished_at__gt=EPOCH),
                name="request_finished",
            ),
            # Small ones, for the health of the queue: few requests fail, few are submitted by
            # people.
            models.Index(
                fields=["finished_at"],
                condition=models.Q(status__in=["failed", "dead"]),
                name="request_gone_wrong",
            ),
            models.Index(
                fields=["review", "finished_at"],
                condition=models.Q(status="dead"),
                name="request_unreviewed",
            ),
            models.Index(
                fields=["created_at"],
                condition=models.Q(type__in=["lovense.test", "lovense.manual"]),
                name="request_by_people",
            ),
        ]


class ArchivedQueueRequest(KeptRequest):
    """Requests that ended long ago. Written by `tips/log/archive.py` and by nothing else."""

    segment = models.CharField(max_length=40)

    class Meta:
        db_table = "archived_queue_requests"
        indexes = [models.Index(fields=["segment"], name="archived_request_segment")]


class SegmentState(models.TextChoices):
    COPIED = "copied"  # the archive has the rows, and so has the place they come from
    VERIFIED = "verified"  # read back and equal: from here on the originals may go
    DELETED = "deleted"  # the archive alone has them


class ArchiveManifest(models.Model):
    """What one segment of the archive holds, and how its rows are proven. The key is
    `<kind>/<number>`."""

    segment = models.CharField(primary_key=True, db_column="_id", max_length=40)
    kind = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=SegmentState.choices)
    count = models.IntegerField()
    first_position = models.BigIntegerField()
    last_position = models.BigIntegerField()
    first_digest = models.CharField(max_length=64)
    last_digest = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    before = models.DateTimeField()  # everything in it was older than this
    created_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "archive_manifests"


class ArchiveRun(models.Model):
    """Who is archiving now: one row, so that two runs never take the same rows."""

    name = models.CharField(primary_key=True, db_column="_id", max_length=20)
    owner = models.CharField(max_length=36)
    until = models.DateTimeField()

    class Meta:
        db_table = "archive_runs"


class KeyState(models.TextChoices):
    RUNNING = "running"
    DONE = "done"


class IdempotencyKey(models.Model):
    """An answer of the REST door under the key that the platform chose. Our key is
    `<client>/<Idempotency-Key>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=230)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=KeyState.choices)
    holder = models.CharField(max_length=32)  # the call that runs it
    lock_until = models.DateTimeField()
    answer_status = models.IntegerField(null=True)
    answer_body = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "idempotency_keys"
        indexes = [ExpiringIndex(fields=["expires_at"], name="idempotency_key_expires")]
