"""The inbox as a Django app: deliveries and nonces."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "ground.inbox"
    verbose_name = "Inbox"
