"""When the viewer tipped. Rows that were written before do not have it, and none is rewritten: archived ones are
vouched for by their hashes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("tips", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(model, "tipped_at", models.DateTimeField(null=True))
                for model in ("archivedqueuerequest", "queuerequest", "tip")
            ],
        ),
    ]
