"""The wiring of tips: what the ledger announces makes them look at it again."""

from django.apps import AppConfig


class TipsConfig(AppConfig):
    name = "tips"
    verbose_name = "Tips and settlement"

    def ready(self) -> None:
        from ground.journal import journal
        from ledger import signals
        from tips import tasks
        from tips.settlement import projection

        journal.register("tips", projection.Tips())
        signals.entries_posted.connect(tasks.entries_posted)
        signals.entries_reversed.connect(tasks.entries_reversed)
