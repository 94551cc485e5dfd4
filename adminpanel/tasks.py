"""The heartbeat: a task that beat sends and a worker runs, so its row proves that what is sent is
done."""

from celery import shared_task

from adminpanel.watch import readiness
from ground import clock


@shared_task(name="adminpanel.heartbeat", ignore_result=True)
def heartbeat() -> None:
    readiness.beat(now=clock.now())
