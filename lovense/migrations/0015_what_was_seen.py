from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0014_patterns'),
    ]

    operations = [
        migrations.CreateModel(
            name='ItemState',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=96, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('item_id', models.CharField(max_length=64)),
                ('runs', models.JSONField(default=list)),
                ('reset_at', models.DateTimeField(null=True)),
                ('refill', models.IntegerField(default=1)),
            ],
            options={
                'db_table': 'item_states',
                'indexes': [models.Index(fields=['performer_id'], name='item_state_hers')],
            },
        ),
        migrations.CreateModel(
            name='StockPiece',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=120, primary_key=True, serialize=False)),
                ('performer_id', models.CharField(max_length=24)),
                ('item', models.CharField(max_length=96)),
                ('refill', models.IntegerField()),
                ('number', models.IntegerField()),
                ('state', models.CharField(max_length=8)),
                ('activation', models.CharField(blank=True, default='', max_length=80)),
                ('taken_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'stock_pieces',
                'indexes': [
                    models.Index(fields=['item', 'refill', '-number'], name='stock_newest'),
                    models.Index(condition=models.Q(('state__in', ['taken', 'unknown', 'free'])), fields=['item', 'refill', 'number'], name='stock_not_played'),
                ],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('activation__gt', '')), fields=('activation',), name='stock_taken_once'),
                ],
            },
        ),
        migrations.AddField(
            model_name='performer',
            name='menu_history',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='menudraft',
            name='default_reaction',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='default_reaction',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='tipmenu',
            name='withdrawn_at',
            field=models.DateTimeField(null=True),
        ),
    ]
