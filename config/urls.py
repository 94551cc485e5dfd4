"""Every route, one line each."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from adminpanel import probes
from adminpanel import views as staff
from adminpanel.api import deadletters, watch
from adminpanel.api import devices as staff_devices
from adminpanel.api import tips as standing
from config import views
from ledger import webhooks as ledger_webhooks
from lovense import webhooks as lovense_webhooks
from lovense.api import (
    controls,
    drift,
    holder,
    hosts,
    lane,
    owed,
    pairings,
    preferences,
    repairs,
    stops,
    submissions,
)
from lovense.api import devices as device_api
from lovense.views import devices, live
from tips import api as tips
from tips import webhooks

urlpatterns = [
    # pages
    path("", live.live, name="live"),
    path("live/pause", live.pause, name="live-pause"),
    path("live/resume", live.resume, name="live-resume"),
    path("live/stop", live.stop, name="live-stop"),
    path("live/resume-all", live.resume_all, name="live-resume-all"),
    path("live/mode", live.mode, name="live-mode"),
    path("live/skip", live.skip, name="live-skip"),
    path("live/clear", live.clear, name="live-clear"),
    path("live/requests/<str:request_id>/up", live.up, name="live-up"),
    path("live/requests/<str:request_id>/remove", live.remove, name="live-remove"),
    path("devices", devices.devices, name="devices"),
    path("devices/pair", devices.pair, name="devices-pair"),
    path("devices/path", devices.path, name="devices-path"),
    path(
        "devices/pairings/<str:pairing_id>/cancel",
        devices.cancel_pairing,
        name="devices-pairing-cancel",
    ),
    path("devices/hosts/<str:host_id>/unpair", devices.unpair, name="devices-unpair"),
    path("devices/<str:device_id>/change", devices.change, name="devices-change"),
    path("devices/<str:device_id>/switch", devices.switch, name="devices-switch"),
    path("devices/<str:device_id>/test", devices.test, name="devices-test"),
    path("devices/<str:device_id>/diagnose", devices.diagnose, name="devices-diagnose"),
    path("devices/<str:device_id>/verify", devices.verify, name="devices-verify"),
    path("devices/<str:device_id>/remove", devices.remove, name="devices-remove"),
    path("devices/<str:device_id>/restore", devices.restore, name="devices-restore"),
    path("login", views.login, name="login"),
    path("logout", LogoutView.as_view(next_page="login"), name="logout"),
    path("staff/tips", staff.tips, name="staff-tips"),
    path("staff/tips/<str:tip_id>", staff.tip, name="staff-tip"),
    path("staff/tips/<str:tip_id>/look-again", staff.look_again, name="staff-look-again"),
    path("staff/reconciliation", staff.doubts, name="staff-reconciliation"),
    path("staff/deliveries/try-again", staff.hand_out_again, name="staff-hand-out-again"),
    path("staff/emissions", staff.emissions, name="staff-emissions"),
    path("staff/emissions/retry", staff.retry_emissions, name="staff-retry-emissions"),
    path("staff/queue", staff.queue, name="staff-queue"),
    path("staff/dead-letters", staff.dead_letters, name="staff-dead-letters"),
    path("staff/dead-letters/replay", staff.replay_dead_letters, name="staff-replay-dead-letters"),
    path("staff/dead-letters/<str:key>", staff.dead_letter, name="staff-dead-letter"),
    path(
        "staff/dead-letters/<str:key>/review",
        staff.review_dead_letter,
        name="staff-review-dead-letter",
    ),
    path(
        "staff/dead-letters/<str:key>/replay",
        staff.replay_dead_letter,
        name="staff-replay-dead-letter",
    ),
    path("admin/login/", views.admin_login),
    path("admin/", admin.site.urls),
    # API
    path("api/webhooks/payments", webhooks.payments),
    path("api/webhooks/rrr", ledger_webhooks.rrr),
    path("api/webhooks/lovense", lovense_webhooks.lovense),
    path("api/tips", tips.place),
    path("api/tips/events", tips.feed),
    path("api/tips/<str:tip_id>", standing.tip),
    path("api/lovense/holder/take", holder.take),
    path("api/lovense/stop", stops.press),
    path("api/lovense/resume", stops.resume),
    path("api/lovense/stops", stops.stops),
    path("api/lovense/drift", drift.drifts),
    path("api/lovense/repairs", repairs.repairs),
    path("api/lovense/preflight", repairs.ready),
    path("api/lovense/owed", owed.listed),
    path("api/lovense/owed/<str:activation_id>/requeue", owed.requeue),
    path("api/lovense/owed/<str:activation_id>/waive", owed.waive),
    path("api/performance-queue", lane.lane),
    path("api/performance-queue/submit", submissions.submit),
    path("api/performance-queue/status/<str:request_id>", submissions.status),
    path("api/performance-queue/cancel/<str:request_id>", controls.cancel),
    path("api/performance-queue/health", watch.health),
    path("api/performance-queue/metrics", watch.metrics),
    path("api/performance-queue/pause", controls.pause),
    path("api/performance-queue/resume", controls.resume),
    path("api/performance-queue/skip", controls.skip),
    path("api/performance-queue/clear", controls.clear),
    path("api/performance-queue/mode", controls.mode),
    path("api/performance-queue/move-up/<str:request_id>", controls.move_up),
    path("api/performance-queue/dlq", deadletters.dead_letters),
    path("api/performance-queue/dlq/replay", deadletters.replay_dead_letters),
    path("api/performance-queue/dlq/<str:key>/review", deadletters.review_dead_letter),
    path("api/performance-queue/dlq/<str:key>/replay", deadletters.replay_dead_letter),
    path("api/lovense/devices", device_api.devices),
    path("api/lovense/devices/pair", pairings.pair),
    path("api/lovense/devices/<str:device_id>", device_api.device),
    path("api/lovense/devices/<str:device_id>/restore", device_api.restore),
    path("api/lovense/devices/<str:device_id>/test", device_api.test),
    path("api/lovense/devices/<str:device_id>/diagnose", repairs.diagnose),
    path("api/lovense/devices/<str:device_id>/status", device_api.status),
    path("api/lovense/devices/<str:device_id>/log", device_api.log),
    path("api/lovense/pairings/<str:pairing_id>", pairings.pairing),
    path("api/lovense/pairings/<str:pairing_id>/qr", pairings.picture),
    path("api/lovense/hosts", hosts.hosts),
    path("api/lovense/hosts/<str:host_id>", hosts.host),
    path("api/lovense/preferences", preferences.preferences_of_hers),
    path("api/admin/lovense/devices", staff_devices.devices),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", views.api_docs),
    # operations
    path("healthz", probes.healthz),
    path("readyz", probes.readyz),
    path("metrics", probes.metrics),
]
