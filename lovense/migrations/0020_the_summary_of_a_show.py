from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0019_history'),
    ]

    operations = [
        migrations.AddField(
            model_name='show',
            name='put_away_at',
            field=models.DateTimeField(null=True),
        ),
    ]
