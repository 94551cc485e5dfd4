"""The wiring of the admin panel: its consumer of the event log, and whose token was used."""

from django.apps import AppConfig


class AdminPanelConfig(AppConfig):
    name = "adminpanel"
    verbose_name = "Administration"

    def ready(self) -> None:
        from adminpanel.people import tokens
        from adminpanel.watch import rollups
        from ground.tokens import token_used
        from tips.log import emission

        emission.register(rollups.ANALYTICS)
        token_used.connect(tokens.heard)
