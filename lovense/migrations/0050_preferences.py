from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0019_history'),
    ]

    operations = [
        migrations.AddField(
            model_name='performer',
            name='page_choices',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='performer',
            name='preference_versions',
            field=models.JSONField(null=True),
        ),
    ]
