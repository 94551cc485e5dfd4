from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0016_draws'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='activation',
            name='activation_newest',
        ),
        migrations.AddIndex(
            model_name='activation',
            index=models.Index(fields=['performer_id', '-created_at', '-position', '-activation_id'], name='activation_history'),
        ),
    ]
