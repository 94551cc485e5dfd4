"""The inbox as a Django app: deliveries and nonces."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "ground.inbox"
    verbose_name = "Inbox"

    def ready(self) -> None:
        from ground.inbox import projection
        from ground.journal import journal

        journal.register("inbox", projection.Deliveries())
