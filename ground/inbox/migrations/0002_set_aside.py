"""Deliveries that cannot be processed are tried again after a pause, and set aside in the end. Rows that were written
before have no `retry_at`, and none is rewritten."""

from django.db import migrations, models

STATUSES = ["received", "processed", "duplicate", "conflict", "set_aside", "ignored"]


class Migration(migrations.Migration):

    dependencies = [("inbox", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("webhookdelivery", "retry_at", models.DateTimeField(null=True)),
                migrations.AlterField(
                    "webhookdelivery",
                    "status",
                    models.CharField(
                        choices=[(word, word.replace("_", " ").title()) for word in STATUSES], max_length=10
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            "webhookdelivery",
            models.Index(
                fields=["position"], condition=models.Q(status="set_aside"), name="delivery_set_aside"
            ),
        ),
    ]
