from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lovense", "0023_batteries_and_mutes")]

    operations = [
        migrations.AddField("menudraft", "before", models.JSONField(null=True)),
    ]
