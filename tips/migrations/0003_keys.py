"""What was received before the journal took keys: every delivery and every tip takes its own, so that a
repeat of it is known. May be run again."""


from datetime import UTC, datetime

from django.db import migrations

KEYS_AT_ONCE = 1000
_BEFORE = {"by": "before", "at": datetime(1970, 1, 1, tzinfo=UTC)}


def take_keys(apps, schema_editor):
    database = schema_editor.connection.database
    for number, keys in enumerate(_chunks(_keys_of(database))):
        _take(database["journal"], f"before/{number}", keys)


def _keys_of(database):
    wanted = {"source": {"$in": ["payments", "rest"]}}
    for row in database["webhook_deliveries"].find(wanted, {"_id": 1}).sort("_id", 1):
        yield row["_id"]
    for row in database["tips"].find({}, {"source_ref": 1}).sort("_id", 1):
        yield row["_id"]
        named = row["source_ref"].removeprefix("TIP_")
        if named != row["_id"]:
            yield named


def _chunks(keys):
    chunk = []
    for key in keys:
        chunk.append(key)
        if len(chunk) == KEYS_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _take(journal, name, keys):
    """All of them in one row; each alone where one is taken already."""
    from pymongo.errors import DuplicateKeyError

    try:
        journal.insert_one({**_BEFORE, "_id": name, "keys": list(dict.fromkeys(keys))})
    except DuplicateKeyError:
        for key in keys:
            try:
                journal.insert_one({**_BEFORE, "_id": f"{name}/{key}", "keys": [key]})
            except DuplicateKeyError:
                continue


class Migration(migrations.Migration):
    dependencies = [("tips", "0002_tipped_at"), ("journal", "0001_initial"), ("inbox", "0001_initial")]

    operations = [
        migrations.RunPython(take_keys, migrations.RunPython.noop),
        migrations.RemoveField("chainhead", "rounds"),  # a round's turn is an entry of the journal now
    ]
