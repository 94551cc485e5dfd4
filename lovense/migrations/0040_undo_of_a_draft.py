from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lovense", "0019_history")]

    operations = [
        migrations.AddField("menudraft", "before", models.JSONField(null=True)),
    ]
