"""Records of performers, their menus, devices and shows, and of the deployment.

What says where a device is and how it is reached, what a page is known by, and a secret that
decides a draw before it is revealed, is no field of any record."""

from django.contrib import admin
from django.db.models import Model

from adminpanel.admin.readonly import AdminsOnly, ReadOnly
from adminpanel.models import DeploymentMark, HealthMinute, Heartbeat
from lovense import models as of

Fields = tuple[str, ...]

# model, what its list shows, what no record of it shows
RECORDS: tuple[tuple[type[Model], Fields, Fields], ...] = (
    (Heartbeat, ("process", "at", "skew_ms"), ()),
    (DeploymentMark, ("key", "kind", "at"), ()),
    (HealthMinute, ("key", "counted_at", "seen_at"), ()),
    (
        of.Performer,
        ("performer_id", "display_name", "bridge", "queue_mode", "paused_at", "stopped_at"),
        ("devices", "extension", "page_choices"),
    ),
    (
        of.Activation,
        ("activation_id", "performer_id", "amount", "status", "reason", "created_at"),
        ("commands", "legs", "attempts"),
    ),
    (of.Owed, ("activation_id", "performer_id", "owed", "cause", "state", "ended_at"), ()),
    (of.Show, ("key", "performer_id", "began_at", "ended_at"), ()),
    (of.StopPress, ("key", "performer_id", "at", "by", "through"), ("answers",)),
    (of.TipMenu, ("key", "performer_id", "version", "published_at", "published_by"), ()),
    (of.MenuDraft, ("performer_id", "revision", "changed_at"), ()),
    (of.MenuSeal, ("key", "performer_id", "retired_at", "revealed_at"), ("secret",)),
    (of.ItemState, ("key", "performer_id", "item_id"), ()),
    (of.StockPiece, ("key", "item", "number", "state", "taken_at"), ()),
    (of.Pattern, ("pattern_id", "performer_id", "name", "changed_at"), ()),
    # Counts of latencies are bytes that nobody reads: Statistics show them.
    (of.PerformerHour, ("key", "performer_id", "hour", "counted_at"), ("facets",)),
    (of.PerformerDay, ("key", "performer_id", "day"), ("facets", "by_hour")),
    (of.ActivationHour, ("key", "hour", "revision"), ("facets",)),
    (of.ActivationDay, ("key", "day", "revision"), ("facets", "by_hour")),
    (of.LanePace, ("performer_id",), ()),
    (of.LaneTurn, ("performer_id", "turn"), ()),
    (of.Submitter, ("account",), ()),
    (of.NoticeMail, ("performer_id",), ()),
    (of.PlatformSettings, ("name", "enable_lovense", "is_draining"), ()),
)
OF_ADMINS: tuple[tuple[type[Model], Fields, Fields], ...] = (
    (
        of.Device,
        ("performer_id", "toy_type", "status", "battery", "last_seen_at"),
        ("toy_id", "host_id"),
    ),
    (of.DeviceLogLine, ("performer_id", "n", "at", "path", "outcome"), ("told",)),
    (
        of.Host,
        ("host_id", "performer_id", "app_type", "platform", "last_seen_at", "unpaired_at"),
        ("uid", "utoken_hash", "domain", "ports", "content"),
    ),
    (
        of.Pairing,
        ("pairing_id", "performer_id", "status", "opened_at", "ended_at"),
        ("uid", "utoken_hash", "idempotency_key", "code", "image"),
    ),
    (of.Repair, ("repair_id", "performer_id", "kind", "since", "closed_at"), ("open_key", "key")),
    (
        of.PageLease,
        ("performer_id", "taken_at", "expires_at", "on_air_since"),
        ("page_id", "channel", "wanted_by", "standing_by", "off_air_by"),
    ),
    (of.LoggedIn, ("account", "browser", "network", "since"), ("session_key", "login_id")),
)


def _register(rows: tuple[tuple[type[Model], Fields, Fields], ...], base: type[ReadOnly]) -> None:
    for model, columns, hidden in rows:
        looks = {"list_display": columns, "exclude": hidden, "hidden": hidden}
        admin.site.register(model, type(f"{model.__name__}Record", (base,), looks))


_register(RECORDS, ReadOnly)
_register(OF_ADMINS, AdminsOnly)
