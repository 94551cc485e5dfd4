import datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0015_what_was_seen'),
    ]

    operations = [
        migrations.CreateModel(
            name='MenuSeal',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=40, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('secret', models.CharField(max_length=64)),
                ('retired_at', models.DateTimeField(null=True)),
                ('look_at', models.DateTimeField(null=True)),
                ('revealed_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'menu_seals',
            },
        ),
        migrations.AddField(
            model_name='activation',
            name='drawn_by',
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='commitment',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(condition=models.Q(('drawn_by__gt', '')), fields=['drawn_by', 'activation_id'], name='activation_drawn'),
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(condition=models.Q(('drawn_by__gt', '')), fields=['drawn_by', '-finished_at'], name='activation_drawn_ended'),
        ),
        migrations.AddIndex(
            model_name='menuseal',
            index=models.Index(condition=models.Q(('look_at__gt', datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), fields=['look_at'], name='menu_seal_look'),
        ),
    ]
