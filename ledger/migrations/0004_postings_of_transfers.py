"""Transfers and their entries become postings, one document each; a tip's transfer and its commission become one together.

Nothing is recomputed: a leg is what its entry says, so every balance and version goes on without a seam. Each posting is inserted
under its key and "already there" is success, so a run that was interrupted is repeated. The old collections are kept under other
names when all of it is there, and dropped only where they are empty, as in a new installation. Books that do not add up are not
touched: the migration says which transfer, and the version before can still be started.
"""

from itertools import islice

from django.db import migrations
from pymongo.errors import BulkWriteError

BATCH = 1000
DUPLICATE_KEY = 11000
COMMISSION = "_COMMISSION"
TRANSFERS, ENTRIES, POSTINGS = "ledger_transfers", "ledger_entries", "ledger_postings"
KEPT = {TRANSFERS: "ledger_transfers_before_postings", ENTRIES: "ledger_entries_before_postings"}


class BooksDoNotAgree(Exception):
    """Transfers and entries that contradict each other cannot become postings: `manage.py reconcile` of the version before names all
    that is wrong."""


def convert(apps, schema_editor):
    """1. every transfer as (a part of) a posting; 2. as many legs as there were entries; 3. the old names are given up."""
    database = schema_editor.connection.database
    names = set(database.list_collection_names())
    if TRANSFERS in names:
        rows = database[TRANSFERS].find({}, batch_size=BATCH).sort("_id", 1)
        while batch := list(islice(rows, BATCH)):
            _insert(database[POSTINGS], _postings(database, batch))
        _compare(database)
    for old, new in KEPT.items():
        if old not in names:
            continue
        if database[old].estimated_document_count():
            database[old].rename(new)
        else:
            database[old].drop()


def _postings(database, batch):
    """Those of this batch's transfers that are not the commission of another."""
    keys = [row["_id"] for row in batch]
    beside = [key + COMMISSION for key in keys] + [key.removesuffix(COMMISSION) for key in keys if key.endswith(COMMISSION)]
    transfers = {row["_id"]: row for row in database[TRANSFERS].find({"_id": {"$in": beside}})} | {row["_id"]: row for row in batch}
    made = []
    for row in batch:
        if _is_cut(transfers.get(row["_id"].removesuffix(COMMISSION)), row):
            continue
        cut = transfers.get(row["_id"] + COMMISSION)
        made.append([row, cut] if _is_cut(row, cut) else [row])
    wanted = [key for group in made for row in group for key in _entry_keys(row)]
    entries = {row["_id"]: row for row in database[ENTRIES].find({"_id": {"$in": wanted}})}
    return [_posting(group, entries) for group in made]


def _is_cut(total, cut):
    """Posted with the total, from what it brought."""
    return (
        total is not None
        and cut is not None
        and cut["_id"] == total["_id"] + COMMISSION
        and not (total.get("reverses") or cut.get("reverses"))
        and all(total[name] == cut[name] for name in ("subject", "happened_at", "created_at"))
        and total["credit_account"] == cut["debit_account"]
    )


def _entry_keys(transfer):
    prefix = f"{transfer['reverses']}:reversal" if transfer.get("reverses") else transfer["_id"]
    return f"{prefix}:debit", f"{prefix}:credit"


def _posting(group, entries):
    first = group[0]
    sides = [side for row in group for side in _sides(row, entries)]
    made = {
        "_id": first["_id"],
        "subject": first["subject"],
        "legs": [
            {"account": side["account"], "version": side["version"], "delta": side["points_delta"], "balance": side["balance_after"]}
            for side in sides
        ],
        "happened_at": first["happened_at"],
        "posted_at": sides[0]["posted_at"],
    }
    if first.get("reverses"):
        made |= {"reverses": first["reverses"], "reason": first["reason"]}
    return made


def _sides(transfer, entries):
    debit, credit = (entries.get(key) for key in _entry_keys(transfer))
    if debit is None or credit is None:
        raise BooksDoNotAgree(f"transfer {transfer['_id']} has not both of its entries")
    found = (debit["account"], debit["points_delta"], credit["account"], credit["points_delta"])
    if found != (transfer["debit_account"], -transfer["amount"], transfer["credit_account"], transfer["amount"]):
        raise BooksDoNotAgree(f"transfer {transfer['_id']} is not what its entries say")
    return debit, credit


def _insert(postings, rows):
    if not rows:
        return
    try:
        postings.insert_many(rows, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(tuple(failure["keyPattern"]) != ("_id",) for failure in failures if failure["code"] == DUPLICATE_KEY):
            raise BooksDoNotAgree("two entries are the same version of one account") from error
        if any(failure["code"] != DUPLICATE_KEY for failure in failures):
            raise


def _compare(database):
    counted = database[POSTINGS].aggregate([{"$group": {"_id": None, "legs": {"$sum": {"$size": "$legs"}}}}])
    legs = next(counted, {"legs": 0})["legs"]
    entries = database[ENTRIES].count_documents({})
    if legs != entries:
        raise BooksDoNotAgree(f"there are {entries} entries, and {legs} of them belong to a transfer")


def move_permissions(apps, schema_editor):
    """Who was allowed to look at transfers or entries may look at postings, which show both.

    Types and permissions that Django has made for postings meanwhile were granted to nobody, and give way to the old ones."""
    content_types = apps.get_model("contenttypes", "ContentType").objects.filter(app_label="ledger")
    permissions = apps.get_model("auth", "Permission").objects
    old = content_types.filter(model="transfer").first()
    if old is None:
        return
    _remove(permissions, content_types.filter(model="posting"))
    for permission in permissions.filter(content_type_id=old.pk):
        permission.codename = permission.codename.replace("transfer", "posting")
        permission.name = permission.name.replace("transfer", "posting")
        permission.save()
    content_types.filter(pk=old.pk).update(model="posting")
    entry = content_types.filter(model="entry")
    for permission in permissions.filter(content_type_id__in=list(entry.values_list("pk", flat=True))):
        same = permissions.filter(content_type_id=old.pk, codename=permission.codename.replace("entry", "posting")).first()
        if same is not None:
            for holder in (*permission.group_set.all(), *permission.user_set.all()):
                (holder.permissions if hasattr(holder, "permissions") else holder.user_permissions).add(same)
    _remove(permissions, entry)


def _remove(permissions, content_types):
    permissions.filter(content_type_id__in=list(content_types.values_list("pk", flat=True))).delete()
    content_types.delete()


class Migration(migrations.Migration):

    dependencies = [
        ("ledger", "0003_posting"),
        ("contenttypes", "0001_initial"),
        ("auth", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(convert),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="Transfer"),
                migrations.DeleteModel(name="Entry"),
            ],
        ),
        migrations.RunPython(move_permissions, migrations.RunPython.noop),
    ]
