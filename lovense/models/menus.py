"""Menus: the draft that a performer changes, and what she published, immutable."""

from django.db import models

from tips.models import EPOCH


class MenuDraft(models.Model):
    """What she is working on: one draft each. Every write moves `revision`, and names the one that
    it saw."""

    performer_id = models.CharField(primary_key=True, db_column="_id", max_length=24)
    revision = models.IntegerField()
    items = models.JSONField(default=list)  # whole ones, in their order: `menus/content.py`
    default_reaction = models.JSONField(null=True)  # `menus/reactions.py`; null: never changed
    changed_at = models.DateTimeField()
    # What it was before the last change (`menus/drafts.py`): action, items, default_reaction.
    before = models.JSONField(null=True)

    class Meta:
        db_table = "menu_drafts"


class TipMenu(models.Model):
    """A published menu, immutable. The key is `<performer id>.<version>`; an activation pins it."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=40)
    performer_id = models.CharField(max_length=24)
    version = models.IntegerField()
    # Items as written by menus.publish: itemId, title, minimum, maximum, pattern, intensity,
    # durationSec, order; every other field (`menus/content.py`) where it is not the usual one.
    items = models.JSONField(default=list)
    # By its name in the items: the text of each pattern of hers, as it was then.
    patterns = models.JSONField(default=dict)
    default_reaction = models.JSONField(null=True)  # null: off
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=64, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")
    based_on = models.IntegerField(null=True)  # rolled back to that version's content
    retired_at = models.DateTimeField(null=True)  # written once: when the next one took its place
    withdrawn_at = models.DateTimeField(null=True)  # it was a mistake: who saw it gets the next one
    commitment = models.CharField(  # to the secret of its draws; empty: it draws nothing
        max_length=64, blank=True, default=""
    )
    publish_key = models.CharField(max_length=64, blank=True, default="")  # of the call, hashed
    fingerprint = models.CharField(max_length=64, blank=True, default="")  # of what it asked

    class Meta:
        db_table = "tip_menus"
        indexes = [models.Index(fields=["performer_id", "-version"], name="menu_history")]
        constraints = [
            models.UniqueConstraint(
                fields=["performer_id", "publish_key"],
                condition=models.Q(publish_key__gt=""),
                name="menu_published_once",
            )
        ]


class MenuSeal(models.Model):
    """The secret of a version that leaves something to chance: `lovense/menus/seals.py`, and nobody
    else. The key is the version's."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=40)
    performer_id = models.CharField(max_length=24)
    secret = models.CharField(max_length=64)  # 256 bits in hexadecimal digits
    retired_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)  # then it is asked whether the version is over
    revealed_at = models.DateTimeField(null=True)  # since then anybody may know the secret

    class Meta:
        db_table = "menu_seals"
        indexes = [
            models.Index(
                fields=["look_at"],
                condition=models.Q(look_at__gt=EPOCH),
                name="menu_seal_look",
            )
        ]

    def __str__(self) -> str:
        return self.key


class ItemState(models.Model):
    """What has happened to an item, whatever is published: `lovense/deciding/standings.py`. The key
    is `<performer id>.<item id>`."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=96)
    performer_id = models.CharField(max_length=24)
    item_id = models.CharField(max_length=64)
    runs = models.JSONField(default=list)  # the activations of its latest runs
    reset_at = models.DateTimeField(null=True)  # what began before does not count
    refill = models.IntegerField(default=1)  # of its stock: each has pieces of its own

    class Meta:
        db_table = "item_states"
        indexes = [models.Index(fields=["performer_id"], name="item_state_hers")]


class StockPiece(models.Model):
    """A piece of an item of which there are only so many: `lovense/deciding/stock.py`. The key is
    `<item's key>.<refill>.<number>`, which is taken once."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=120)
    performer_id = models.CharField(max_length=24)
    item = models.CharField(max_length=96)
    refill = models.IntegerField()
    number = models.IntegerField()
    state = models.CharField(max_length=8)  # taken, played, unknown, free
    activation = models.CharField(max_length=80, blank=True, default="")  # empty: given back
    taken_at = models.DateTimeField()

    class Meta:
        db_table = "stock_pieces"
        indexes = [
            models.Index(fields=["item", "refill", "-number"], name="stock_newest"),
            models.Index(
                fields=["item", "refill", "number"],
                condition=models.Q(state__in=["taken", "unknown", "free"]),
                name="stock_not_played",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["activation"],
                condition=models.Q(activation__gt=""),
                name="stock_taken_once",
            )
        ]
