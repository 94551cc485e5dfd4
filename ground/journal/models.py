"""What the journal keeps: its entries, and where its readers stand. No workflow lives here."""

from django.db import models


class JournalEntry(models.Model):
    """What happened in one moment, durable by one insert. Its number is the fence: whoever writes
    number n + 1 has read up to n.

    `keys` (unique over all entries, migration 0001) are what may happen once. Rows whose `_id` is
    text carry keys alone: those of calls that went into the inbox."""

    number = models.BigIntegerField(primary_key=True, db_column="_id")
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        db_table = "journal"
        verbose_name_plural = "journal entries"


class JournalState(models.Model):
    """`unfolded`: the number up to which the rows that everybody reads are. `writer`: who writes
    now, and until when that is promised. `others`: until when another process would. `trimmed`: up
    to which number entries are, and when the next run may begin."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=10)
    number = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=80, blank=True, default="")
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "journal_state"


class JournalRefusal(models.Model):
    """A row that was left out of the unfolding because something of it is there already under
    another key. A person must look."""

    key = models.CharField(primary_key=True, db_column="_id", max_length=200)
    row = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        db_table = "journal_refusals"
