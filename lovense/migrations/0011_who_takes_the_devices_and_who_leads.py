from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0010_repairs'),
    ]

    operations = [
        migrations.AddField(
            model_name='pagelease',
            name='standing_by',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='wanted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='wanted_by',
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name='device',
            name='lead_ms',
            field=models.IntegerField(default=0),
        ),
    ]
