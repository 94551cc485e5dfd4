"""What the ledger keeps: accounts, and the postings that moved them. No workflow lives here.

Primary keys are natural (`_id` in MongoDB): uniqueness of a fact is the primary key itself, and
look-ups by it need no other index. Hot paths write these collections with PyMongo in bulk; the
fields below are their schema."""

from django.db import models

from ground.mongodb.indexes import UniqueInArray


class Account(models.Model):
    """Whose tokens. The key is `<owner type>:<owner id>`; only the issuer may be negative."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=80)
    balance = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_accounts"


class Posting(models.Model):
    """What moved together, once and for ever: an order, or an order and the commission from it. The
    key is the source reference.

    `legs` are `{account, version, delta, balance}`, see `books/memory.py`; one index holds every
    account's chain of versions."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=160)
    subject = models.CharField(
        max_length=120
    )  # the business fact that caused it; part of its fingerprint
    legs = models.JSONField()
    happened_at = models.DateTimeField()
    posted_at = models.DateTimeField()
    # Only a reversal has these two: the transfer that it takes back, and why.
    reverses = models.CharField(max_length=160, null=True)
    reason = models.CharField(max_length=500, null=True)

    class Meta:
        db_table = "ledger_postings"
        indexes = [
            UniqueInArray(
                fields=["legs"], keys=["account", "version"], name="posting_account_version"
            )
        ]
