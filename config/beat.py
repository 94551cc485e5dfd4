"""The beat: what runs on the clock. Every task is the very drain that a doorbell rings for; a lost ring costs one beat.

Its process only sends messages, so it carries neither Django's applications nor our code.
"""

import os

from config.broker import application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

SECONDS = {
    "tips.settle": 1.0,
    "tips.end_grace": 1.0,
    "tips.look": 1.0,
    "tips.emit": 1.0,
    "tips.keep_daily_heads": 60.0,
    "ledger.announce": 1.0,
    "lovense.dispatch": 1.0,
    "lovense.heal": 1.0,
    "adminpanel.heartbeat": 1.0,
}

app = application(fixups=[])  # Celery's own fix-up would set Django up
app.conf.beat_schedule = {
    # expires: beats that pile up while no worker runs are dropped, the next one does the same work
    name: {"task": name, "schedule": seconds, "options": {"expires": 5}}
    for name, seconds in SECONDS.items()
}
