import datetime

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0020_the_summary_of_a_show'),
    ]

    operations = [
        migrations.AddField(
            model_name='show',
            name='tally',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='performerhour',
            name='unsummed_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='performerhour',
            index=models.Index(condition=models.Q(('unsummed_since__gt', datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), fields=['unsummed_since'], name='performer_hour_unsummed'),
        ),
        migrations.CreateModel(
            name='PerformerDay',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=35, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('day', models.DateTimeField()),
                ('cells', models.JSONField(default=list)),
                ('outcomes', models.JSONField(default=list)),
                ('tokens', models.JSONField(default=list)),
                ('revision', models.IntegerField(default=0)),
            ],
            options={
                'db_table': 'performer_days',
            },
        ),
    ]
