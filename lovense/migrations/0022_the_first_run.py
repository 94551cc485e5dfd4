from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0021_days_and_shows_of_statistics'),
    ]

    operations = [
        migrations.AddField(
            model_name='performer',
            name='welcome_skipped_at',
            field=models.DateTimeField(null=True),
        ),
    ]
