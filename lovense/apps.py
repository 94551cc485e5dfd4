"""The wiring of lovense: one line connects what tips announce to the dispatch of it, one each its
consumers to the event log."""

from django.apps import AppConfig
from django.core.checks import register


class LovenseConfig(AppConfig):
    name = "lovense"
    verbose_name = "Devices and activations"

    def ready(self) -> None:
        from ground.journal import journal
        from lovense import tasks
        from lovense.bridges.checks import bridge_settings
        from lovense.devices import checks
        from lovense.lane import intake, projection
        from tips import signals
        from tips.log import emission

        register(checks.vendor_settings, "settings")
        register(bridge_settings, "settings")
        journal.register("lovense", projection.Activations())
        signals.requests_queued.connect(tasks.requests_queued)
        emission.register(intake.ACTIVATION)
        emission.register(intake.NOTIFICATION)
