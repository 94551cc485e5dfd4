"""The staff's routes, one line each: pages, and what staff asks over REST. The names are those of
the table of who may do what (`adminpanel/access.py`)."""

from django.urls import path

from adminpanel.api import auditlog, devices, find, tips, watch
from adminpanel.api import deadletters as letters
from adminpanel.views import audit, deadletters, emissions, lists, queue, reconciliation, style
from adminpanel.views import find as find_page
from adminpanel.views import tips as tip_pages

PAGES = [
    path("staff", tip_pages.first, name="staff"),
    path("staff/find", find_page.find, name="staff-find"),
    path("staff/tips", tip_pages.tips, name="staff-tips"),
    path("staff/tips/<str:tip_id>", tip_pages.tip, name="staff-tip"),
    path("staff/tips/<str:tip_id>/look-again", tip_pages.look_again, name="staff-look-again"),
    path("staff/reconciliation", reconciliation.doubts, name="staff-reconciliation"),
    path("staff/deliveries/try-again", reconciliation.hand_out_again, name="staff-hand-out-again"),
    path("staff/audit", audit.entries, name="staff-audit"),
    path("staff/audit/news", audit.news, name="staff-audit-news"),
    path("staff/audit/suggest", audit.suggest, name="staff-audit-suggest"),
    path("staff/audit/export", audit.export, name="staff-audit-export"),
    path("staff/audit/<str:entry_id>", audit.entry, name="staff-audit-entry"),
    path("staff/lists/<str:name>/columns", lists.columns, name="staff-list-columns"),
    path("staff/lists/<str:name>/view", lists.view, name="staff-list-view"),
    path("staff/lists/<str:name>/forget", lists.forget, name="staff-list-forget"),
    path("staff/lists/<str:name>/first", lists.first, name="staff-list-first"),
    path("staff/emissions", emissions.emissions, name="staff-emissions"),
    path("staff/emissions/retry", emissions.retry_emissions, name="staff-retry-emissions"),
    path("staff/style", style.style, name="staff-style"),
    path("staff/queue", queue.queue, name="staff-queue"),
    path("staff/dead-letters", deadletters.dead_letters, name="staff-dead-letters"),
    path(
        "staff/dead-letters/replay",
        deadletters.replay_dead_letters,
        name="staff-replay-dead-letters",
    ),
    path("staff/dead-letters/<str:key>", deadletters.dead_letter, name="staff-dead-letter"),
    path(
        "staff/dead-letters/<str:key>/review",
        deadletters.review_dead_letter,
        name="staff-review-dead-letter",
    ),
    path(
        "staff/dead-letters/<str:key>/replay",
        deadletters.replay_dead_letter,
        name="staff-replay-dead-letter",
    ),
]
_DLQ = "api/performance-queue/dlq"
API = [
    path("api/tips/<str:tip_id>", tips.tip, name="api-tip"),
    path("api/performance-queue/health", watch.health, name="api-health"),
    path("api/performance-queue/metrics", watch.metrics, name="api-metrics"),
    path(_DLQ, letters.dead_letters, name="api-dead-letters"),
    path(f"{_DLQ}/replay", letters.replay_dead_letters, name="api-replay-dead-letters"),
    path(f"{_DLQ}/<str:key>/review", letters.review_dead_letter, name="api-review-dead-letter"),
    path(f"{_DLQ}/<str:key>/replay", letters.replay_dead_letter, name="api-replay-dead-letter"),
    path("api/admin/find", find.find, name="api-staff-find"),
    path("api/admin/lovense/devices", devices.devices, name="api-staff-devices"),
    path("api/admin/lovense/audit-log", auditlog.audit_log, name="api-audit-log"),
]
