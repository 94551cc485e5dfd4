"""What the ledger keeps: deliveries received, accounts, transfers and their entries; who changed
what. No workflow lives here.

Primary keys are natural (`_id` in MongoDB): uniqueness of a fact is the primary key itself, and
look-ups by it need no other index. Hot paths write these collections with PyMongo in bulk; the
fields below are their schema."""

from django.db import models


class Account(models.Model):
    """Whose tokens. The key is `<owner type>:<owner id>`; only the issuer may be negative."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=80)
    balance = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_accounts"


class Transfer(models.Model):
    """A positive integer amount from one account to another. The key is its source reference:
    posted once, for ever."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=160)
    subject = models.CharField(
        max_length=120
    )  # the business fact that caused it; part of its fingerprint
    debit_account = models.CharField(max_length=80)
    credit_account = models.CharField(max_length=80)
    amount = models.BigIntegerField()
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField()
    # Only a reversal has these two: the transfer that it takes back, and why.
    reverses = models.CharField(max_length=160, null=True)
    reason = models.CharField(max_length=500, null=True)

    class Meta:
        db_table = "ledger_transfers"


class Entry(models.Model):
    """One side of a transfer. The key is `<source_ref>:debit|credit`, so one range scan finds a
    source_ref's entries.

    Those of a reversal lie in the same range, as `<source_ref>:reversal:debit|credit`.
    """

    key = models.CharField(primary_key=True, db_column="_id", max_length=180)
    account = models.CharField(max_length=80)
    source_ref = models.CharField(max_length=160)
    points_delta = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    version = models.BigIntegerField()
    posted_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_entries"
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["account", "version"], name="entry_account_version")
        ]
