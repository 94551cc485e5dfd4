from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0012_the_extension'),
    ]

    operations = [
        migrations.CreateModel(
            name='MenuDraft',
            fields=[
                ('performer_id', models.CharField(db_column='_id', max_length=24, primary_key=True, serialize=False)),
                ('revision', models.IntegerField()),
                ('items', models.JSONField(default=list)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'menu_drafts',
            },
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='based_on',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='fingerprint',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='note',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='publish_key',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='published_by',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='retired_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='tipmenu',
            index=models.Index(fields=['performer_id', '-version'], name='menu_history'),
        ),
        migrations.AddConstraint(
            model_name='tipmenu',
            constraint=models.UniqueConstraint(condition=models.Q(('publish_key__gt', '')), fields=('performer_id', 'publish_key'), name='menu_published_once'),
        ),
    ]
