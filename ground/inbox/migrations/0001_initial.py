"""The inbox's tables were made by the ledger, and stay as they are: only Django's knowledge of them moves here."""

import ground.mongodb.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='WebhookDelivery',
                    fields=[
                        ('key', models.CharField(db_column='_id', max_length=300, primary_key=True, serialize=False)),
                        ('source', models.CharField(max_length=20)),
                        ('event_type', models.CharField(max_length=40)),
                        ('subject', models.CharField(max_length=120, null=True)),
                        ('repeats', models.CharField(max_length=120, null=True)),
                        ('fingerprint', models.CharField(max_length=64)),
                        ('body', models.BinaryField()),
                        ('status', models.CharField(choices=[('received', 'Received'), ('processed', 'Processed'), ('duplicate', 'Duplicate'), ('conflict', 'Conflict'), ('ignored', 'Ignored')], max_length=10)),
                        ('position', models.BigIntegerField()),
                        ('received_at', models.DateTimeField()),
                        ('processed_at', models.DateTimeField(null=True)),
                        ('attempts', models.IntegerField(default=0)),
                        ('error', models.CharField(blank=True, default='', max_length=500)),
                    ],
                    options={
                        'verbose_name_plural': 'webhook deliveries',
                        'db_table': 'webhook_deliveries',
                        'indexes': [models.Index(condition=models.Q(('status', 'received')), fields=['source', 'position'], name='delivery_waiting'), models.Index(condition=models.Q(('status', 'conflict')), fields=['position'], name='delivery_conflicts'), models.Index(condition=models.Q(('status__in', ['duplicate', 'conflict'])), fields=['repeats', 'position'], name='delivery_repeats')],
                        'constraints': [models.UniqueConstraint(fields=('subject',), name='delivery_subject')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookNonce',
                    fields=[
                        ('key', models.CharField(db_column='_id', max_length=260, primary_key=True, serialize=False)),
                        ('expires_at', models.DateTimeField()),
                    ],
                    options={
                        'db_table': 'webhook_nonces',
                        'indexes': [ground.mongodb.indexes.ExpiringIndex(fields=['expires_at'], name='nonce_expires')],
                    },
                ),
            ],
        ),
    ]
