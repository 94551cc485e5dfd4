from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0022_the_first_run'),
    ]

    operations = [
        migrations.AddField(
            model_name='device',
            name='battery_points',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='device',
            name='muted_in',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
    ]
