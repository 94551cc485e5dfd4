"""The wiring of the ledger."""

from django.apps import AppConfig
from django.core.checks import register


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        from ground.journal import journal
        from ledger.books import projection
        from ledger.rrr import checks

        register(checks.rrr_settings, "settings")
        journal.register("money", projection.Postings())
