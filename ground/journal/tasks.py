"""Celery's door into the journal: entries that are done with are trimmed."""

from celery import shared_task

from ground import clock
from ground.journal import trimming


@shared_task(name="journal.trim", ignore_result=True)
def trim() -> None:
    """Once a day, in runs of seconds: a beat that finds nothing due asks one row."""
    trimming.trim(now=clock.now())
