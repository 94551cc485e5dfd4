"""The heartbeat: a task that beat sends and a worker runs, so its row proves that both live."""

from celery import shared_task

from adminpanel import health
from ledger import clock


@shared_task(name="adminpanel.heartbeat", ignore_result=True)
def heartbeat() -> None:
    health.beat(now=clock.now())
