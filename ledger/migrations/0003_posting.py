import ground.mongodb.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0002_models_of_the_ground'),
    ]

    operations = [
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('key', models.CharField(db_column='_id', max_length=160, primary_key=True, serialize=False)),
                ('subject', models.CharField(max_length=120)),
                ('legs', models.JSONField()),
                ('happened_at', models.DateTimeField()),
                ('posted_at', models.DateTimeField()),
                ('reverses', models.CharField(max_length=160, null=True)),
                ('reason', models.CharField(max_length=500, null=True)),
            ],
            options={
                'db_table': 'ledger_postings',
                'indexes': [ground.mongodb.indexes.UniqueInArray(fields=['legs'], keys=['account', 'version'], name='posting_account_version')],
            },
        ),
    ]
