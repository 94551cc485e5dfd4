"""The audit log's tables were made by the ledger, and stay as they are: only Django's knowledge of them moves here."""

import django_mongodb_backend.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='AuditEntry',
                    fields=[
                        ('entry_id', django_mongodb_backend.fields.ObjectIdAutoField(primary_key=True, serialize=False)),
                        ('type', models.CharField(max_length=20)),
                        ('action', models.CharField(max_length=40)),
                        ('actor', models.CharField(max_length=64)),
                        ('target', models.CharField(max_length=80)),
                        ('lane', models.CharField(blank=True, default='', max_length=24)),
                        ('before', models.JSONField(null=True)),
                        ('after', models.JSONField(null=True)),
                        ('why', models.CharField(blank=True, default='', max_length=200)),
                        ('at', models.DateTimeField()),
                        ('hashed_ip', models.CharField(max_length=64, null=True)),
                        ('success', models.BooleanField(default=True)),
                    ],
                    options={
                        'verbose_name_plural': 'audit entries',
                        'db_table': 'audit_entries',
                        'indexes': [models.Index(fields=['target', '-at'], name='audit_of_target'), models.Index(fields=['lane', '-at'], name='audit_of_lane'), models.Index(fields=['-at'], name='audit_newest')],
                    },
                ),
            ],
        ),
    ]
