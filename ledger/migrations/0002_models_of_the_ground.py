"""Deliveries, nonces and the audit log are the ground's. Their tables stay; content types follow, and permissions with them."""

from django.db import migrations

MOVED = {"auditentry": "audit", "webhookdelivery": "inbox", "webhooknonce": "inbox"}


def move_content_types(apps, schema_editor):
    """Permissions hang on the content type, so what was granted stays granted.

    Where the new apps were migrated first, on their own, Django has already made types and permissions for them: nobody
    has been granted those, and they give way to the old ones."""
    content_types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    for model, label in MOVED.items():
        old = content_types.filter(app_label="ledger", model=model)
        if not old.exists():
            continue
        new = content_types.filter(app_label=label, model=model)
        permissions.filter(content_type_id__in=list(new.values_list("pk", flat=True))).delete()
        new.delete()
        old.update(app_label=label)


class Migration(migrations.Migration):

    dependencies = [
        ("ledger", "0001_initial"),
        ("audit", "0001_initial"),
        ("inbox", "0001_initial"),
        ("contenttypes", "0001_initial"),
        ("auth", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name="AuditEntry"),
                migrations.DeleteModel(name="WebhookDelivery"),
                migrations.DeleteModel(name="WebhookNonce"),
            ],
        ),
        migrations.RunPython(move_content_types, migrations.RunPython.noop),
    ]
