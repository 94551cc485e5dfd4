import datetime

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0018_play_one_and_rehearsals'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='activation',
            name='activation_newest',
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(fields=['performer_id', '-created_at', '-position', '-activation_id'], name='activation_history'),
        ),
        migrations.CreateModel(
            name='PerformerHour',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=38, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('hour', models.DateTimeField()),
                ('cells', models.JSONField(default=list)),
                ('rows', models.IntegerField(default=0)),
                ('live', models.IntegerField(default=0)),
                ('counted_at', models.DateTimeField(null=True)),
                ('stale_since', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'performer_hours',
                'indexes': [models.Index(condition=models.Q(('live__gt', 0)), fields=['counted_at'], name='performer_hour_live'), models.Index(condition=models.Q(('stale_since__gt', datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), fields=['stale_since'], name='performer_hour_stale')],
            },
        ),
    ]
