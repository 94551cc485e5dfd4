import datetime

from django.db import migrations, models

EPOCH = datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0016_draws'),
    ]

    operations = [
        migrations.CreateModel(
            name='Show',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=40, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('is_open', models.BooleanField(default=True)),
                ('ended_by', models.CharField(blank=True, default='', max_length=64)),
                ('sums', models.JSONField(null=True)),
                ('look_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'shows',
                'indexes': [
                    models.Index(fields=['performer_id', '-began_at'], name='show_newest'),
                    models.Index(condition=models.Q(('look_at__gt', EPOCH)), fields=['look_at'], name='show_look'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('performer_id',), name='show_one_open'),
                ],
            },
        ),
        migrations.AddField(
            model_name='pagelease',
            name='aired',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='is_resting',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='off_air_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='off_air_by',
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='on_air_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='pagelease',
            name='show_look_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='pagelease',
            index=models.Index(condition=models.Q(('show_look_at__gt', EPOCH)), fields=['show_look_at'], name='lease_show_look'),
        ),
    ]
