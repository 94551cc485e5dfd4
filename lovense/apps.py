"""The wiring of lovense: one line connects what tips announce to the dispatch of it."""

from django.apps import AppConfig


class LovenseConfig(AppConfig):
    name = "lovense"
    verbose_name = "Devices and activations"

    def ready(self) -> None:
        from lovense import tasks
        from tips import signals

        signals.requests_queued.connect(tasks.requests_queued)
