from django.db import migrations, models


PRIORITIES = [(1, "Low"), (5, "Normal"), (10, "High"), (20, "Critical")]


class Migration(migrations.Migration):

    dependencies = [
        ("tips", "0005_owed_requests"),
    ]

    operations = [
        migrations.AddField(
            model, "item_priority", models.IntegerField(choices=PRIORITIES, null=True)
        )
        for model in ("archivedqueuerequest", "queuerequest")
    ]
