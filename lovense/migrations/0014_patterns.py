from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0013_menu_drafts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pattern',
            fields=[
                ('pattern_id', models.CharField(db_column='_id', max_length=36, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('name', models.CharField(max_length=40)),
                ('name_key', models.CharField(blank=True, default='', max_length=64)),
                ('slot', models.IntegerField()),
                ('text', models.TextField()),
                ('revision', models.IntegerField()),
                ('changed_at', models.DateTimeField()),
                ('archived_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'patterns',
            },
        ),
        migrations.AddField(
            model_name='activation',
            name='notes',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='patterns',
            field=models.JSONField(default=dict),
        ),
        migrations.AddConstraint(
            model_name='pattern',
            constraint=models.UniqueConstraint(condition=models.Q(('name_key__gt', '')), fields=('performer_id', 'name_key'), name='pattern_name'),
        ),
        migrations.AddConstraint(
            model_name='pattern',
            constraint=models.UniqueConstraint(condition=models.Q(('slot__gt', 0)), fields=('performer_id', 'slot'), name='pattern_slot'),
        ),
    ]
