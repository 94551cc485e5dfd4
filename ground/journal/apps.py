"""The journal as a Django app: entries, and how far they are unfolded."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "ground.journal"
    verbose_name = "Journal"
