"""The wiring of the admin panel: its consumer of the event log, and whose token was used."""

from django.apps import AppConfig
from django.core.checks import register


class AdminPanelConfig(AppConfig):
    name = "adminpanel"
    verbose_name = "Administration"

    def ready(self) -> None:
        from adminpanel.handling import deployment
        from adminpanel.people import tokens
        from adminpanel.watch import rollups
        from ground.tokens import token_used
        from tips.log import emission

        register(deployment.test_settings, "settings")
        emission.register(rollups.ANALYTICS)
        token_used.connect(tokens.heard)
