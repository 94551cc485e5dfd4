"""The journal's two collections. Its numbers begin behind whatever was there before it."""

from django.db import migrations, models


def begin(apps, schema_editor):
    """One index over all the keys of an entry (Django has no word for that), and the watermark."""
    schema_editor.connection.database["journal_state"].insert_one({"_id": "unfolded", "number": 0})
    schema_editor.connection.database["journal"].create_index(
        "keys", name="journal_keys", unique=True, partialFilterExpression={"keys": {"$exists": True}}
    )


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("number", models.BigIntegerField(db_column="_id", primary_key=True, serialize=False)),
                ("by", models.CharField(max_length=80)),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "journal", "verbose_name_plural": "journal entries"},
        ),
        migrations.CreateModel(
            name="JournalState",
            fields=[
                ("key", models.CharField(db_column="_id", max_length=10, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=0)),
                ("holder", models.CharField(blank=True, default="", max_length=80)),
                ("until", models.DateTimeField(null=True)),
            ],
            options={"db_table": "journal_state"},
        ),
        migrations.CreateModel(
            name="JournalRefusal",
            fields=[
                ("key", models.CharField(db_column="_id", max_length=200, primary_key=True, serialize=False)),
                ("row", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "journal_refusals"},
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
