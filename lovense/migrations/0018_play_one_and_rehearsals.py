from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lovense', '0017_shows'),
    ]

    operations = [
        migrations.AddField(
            model_name='activation',
            name='is_rehearsal',
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name='performer',
            name='plays_one',
            field=models.CharField(max_length=36, null=True),
        ),
        migrations.AddField(
            model_name='performer',
            name='rehearses_since',
            field=models.DateTimeField(null=True),
        ),
    ]
