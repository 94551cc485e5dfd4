from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0013_menu_drafts'),
    ]

    operations = [
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
