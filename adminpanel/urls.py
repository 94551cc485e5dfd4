"""The staff's routes, one line each: pages, and what staff asks over REST. The names are those of
the table of who may do what (`adminpanel/access.py`)."""

from django.urls import path

from adminpanel.api import (
    auditlog,
    devices,
    find,
    performers,
    settings,
    standing,
    tips,
    trail,
    watch,
)
from adminpanel.api import deadletters as letters
from adminpanel.api import statistics as statistics_api
from adminpanel.views import (
    audit,
    clientaccess,
    deadletters,
    emissions,
    failedlogins,
    inbox,
    links,
    lists,
    overrides,
    overview,
    ownaccount,
    performeraccess,
    platformsettings,
    queue,
    reconciliation,
    samples,
    screen,
    staffaccess,
    statistics,
    style,
)
from adminpanel.views import find as find_page
from adminpanel.views import performers as performers_page
from adminpanel.views import tips as tip_pages
from adminpanel.views.listed import AUDIT, DELIVERIES, DEVICES, PERFORMERS, RECONCILIATION, TIPS

_ACCESS, _OWN = "staff/access", "staff/account"
_HER = "staff/performers/<str:performer_id>"
_SCREEN = f"{_HER}/screen"
_ITEM = "staff/reconciliation/<str:key>"
_MEMBER, _CLIENT = f"{_ACCESS}/staff/<str:account>", f"{_ACCESS}/clients/<str:account>"
PAGES = [
    path("staff", overview.overview, name="staff"),
    path("staff/strip", overview.strip, name="staff-strip"),
    path("staff/find", find_page.find, name="staff-find"),
    *TIPS.paths("staff/tips"),
    path("staff/tips/<str:tip_id>", tip_pages.tip, name="staff-tip"),
    path("staff/tips/<str:tip_id>/look-again", tip_pages.look_again, name="staff-look-again"),
    path(
        "staff/tips/<str:tip_id>/retry-emission", tip_pages.retry_emission, name="staff-tip-retry"
    ),
    path("staff/tips/<str:tip_id>/replay", tip_pages.replay, name="staff-tip-replay"),
    path("staff/tips/<str:tip_id>/now", tip_pages.now, name="staff-tip-now"),
    *RECONCILIATION.paths("staff/reconciliation"),
    path(_ITEM, reconciliation.item, name="staff-reconciliation-item"),
    path(f"{_ITEM}/assign", reconciliation.assign, name="staff-reconciliation-assign"),
    path(f"{_ITEM}/note", reconciliation.note, name="staff-reconciliation-note"),
    path(f"{_ITEM}/close", reconciliation.close, name="staff-reconciliation-close"),
    *DELIVERIES.paths("staff/deliveries"),
    *DEVICES.paths("staff/devices"),
    path("staff/statistics", statistics.statistics, name="staff-statistics"),
    path("staff/samples", samples.asked, name="staff-samples"),
    path("staff/samples/send", samples.send, name="staff-sample-send"),
    path("staff/delivery-again/<path:key>", inbox.again, name="staff-delivery-again"),
    path("staff/delivery-body/<path:key>", inbox.body, name="staff-delivery-body"),
    path("staff/deliveries/<path:key>", inbox.delivery, name="staff-delivery"),
    *AUDIT.paths("staff/audit"),
    path("staff/audit/<str:entry_id>", audit.entry, name="staff-audit-entry"),
    *PERFORMERS.paths("staff/performers"),
    path(_HER, performers_page.performer, name="staff-performer"),
    path(_SCREEN, screen.asked, name="staff-performer-screen"),
    path(f"{_SCREEN}/open", screen.begin, name="staff-performer-screen-open"),
    path(f"{_SCREEN}/live", screen.live, name="staff-performer-screen-live"),
    path(f"{_SCREEN}/history", screen.history, name="staff-performer-screen-history"),
    path(f"{_SCREEN}/history/<str:activation_id>", screen.run, name="staff-performer-screen-run"),
    path(f"{_HER}/override", overrides.looked_at, name="staff-performer-override"),
    path(f"{_HER}/override/set", overrides.set_one, name="staff-performer-override-set"),
    path(f"{_HER}/override/end", overrides.end, name="staff-performer-override-end"),
    path("staff/lists/<str:name>/columns", lists.columns, name="staff-list-columns"),
    path("staff/lists/<str:name>/view", lists.view, name="staff-list-view"),
    path("staff/lists/<str:name>/forget", lists.forget, name="staff-list-forget"),
    path("staff/lists/<str:name>/first", lists.first, name="staff-list-first"),
    path("staff/emissions", emissions.emissions, name="staff-emissions"),
    path(
        "staff/emissions/<str:consumer>/retry",
        emissions.retry_emissions,
        name="staff-retry-emissions",
    ),
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
    path("staff/settings", platformsettings.settings, name="staff-settings"),
    path("staff/settings/<str:field>", platformsettings.setting, name="staff-setting"),
    path("staff/settings/<str:field>/set", platformsettings.set_one, name="staff-setting-set"),
    path(_ACCESS, staffaccess.listed, name="staff-access"),
    path(f"{_ACCESS}/enrol", staffaccess.enrol, name="staff-access-enrol"),
    path(f"{_ACCESS}/performers", performeraccess.performers, name="staff-access-performers"),
    path(
        f"{_ACCESS}/performers/<str:performer_id>/link",
        performeraccess.link,
        name="staff-access-performer-link",
    ),
    path(f"{_ACCESS}/clients", clientaccess.clients, name="staff-access-clients"),
    path(f"{_ACCESS}/clients/add", clientaccess.add, name="staff-access-add-client"),
    path(f"{_CLIENT}", clientaccess.client, name="staff-access-client"),
    path(f"{_CLIENT}/token", clientaccess.token, name="staff-access-client-token"),
    path(f"{_CLIENT}/revoke", clientaccess.revoke, name="staff-access-client-revoke"),
    path(f"{_ACCESS}/log-ins", failedlogins.failed, name="staff-access-log-ins"),
    path(_MEMBER, staffaccess.member, name="staff-access-member"),
    path(f"{_MEMBER}/role", staffaccess.role, name="staff-access-role"),
    path(f"{_MEMBER}/disable", staffaccess.disable, name="staff-access-disable"),
    path(f"{_MEMBER}/enable", staffaccess.enable, name="staff-access-enable"),
    path(f"{_MEMBER}/sessions", staffaccess.sessions, name="staff-access-sessions"),
    path(f"{_MEMBER}/link", staffaccess.link, name="staff-access-link"),
    path(f"{_MEMBER}/second-factor", staffaccess.factor, name="staff-access-factor"),
    path(f"{_MEMBER}/token", staffaccess.token, name="staff-access-token"),
    path(_OWN, ownaccount.account, name="staff-account"),
    path(f"{_OWN}/second-factor", ownaccount.set_up, name="staff-account-factor"),
    path(f"{_OWN}/second-factor/remove", ownaccount.remove, name="staff-account-factor-remove"),
    path(f"{_OWN}/recovery-codes", ownaccount.renew_codes, name="staff-account-codes"),
    path(f"{_OWN}/sessions", ownaccount.end_sessions, name="staff-account-sessions"),
    path("link/<str:token>", links.link, name="one-time-link"),
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
    path("api/admin/lovense/stats", statistics_api.stats, name="api-staff-stats"),
    path("api/admin/lovense/tips/<str:tip_id>", trail.trail_of_tip, name="api-tip-trail"),
    path(
        "api/admin/lovense/performers/<str:performer_id>",
        standing.performer,
        name="api-performer",
    ),
    path(
        "api/admin/lovense/performers/<str:performer_id>/overrides",
        performers.set_overrides,
        name="api-performer-overrides",
    ),
    path("api/admin/lovense/settings", settings.settings, name="api-settings"),
    path("api/admin/lovense/settings/history", settings.history, name="api-settings-history"),
    path("api/admin/lovense/audit-log", auditlog.audit_log, name="api-audit-log"),
]
