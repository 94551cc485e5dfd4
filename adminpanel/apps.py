"""The wiring of the admin panel: one line connects its consumer to the event log."""

from django.apps import AppConfig


class AdminPanelConfig(AppConfig):
    name = "adminpanel"
    verbose_name = "Administration"

    def ready(self) -> None:
        from adminpanel.watch import rollups
        from tips.log import emission

        emission.register(rollups.ANALYTICS)
