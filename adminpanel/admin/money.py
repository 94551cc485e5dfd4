"""Records of money and tips: everything can be looked at, nothing can be changed.

What changes money is a transfer, a delivery or a command; what changes a tip is its settlement. A
form that writes a row would be none of these, so there is none, for nobody."""

import json
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from adminpanel.admin.readonly import AdminsOnly, FewPages, MaskedPayload, ReadOnly
from adminpanel.models import PerformerTipHour, TipHour
from ground.audit.models import AuditEntry
from ground.inbox.models import WebhookDelivery, WebhookNonce
from ground.journal import journal
from ground.journal.models import JournalEntry, JournalRefusal, JournalState
from ground.mongodb.collections import Document
from ledger.books import posting
from ledger.models import Account, Posting
from tips.log import events
from tips.models import (
    ArchivedQueueRequest,
    ArchivedTipActivated,
    ArchiveManifest,
    ArchiveRun,
    ChainHead,
    DailyHead,
    EventConsumer,
    FailedEmission,
    IdempotencyKey,
    QueueRequest,
    Tip,
    TipActivated,
)


@admin.register(Account)
class AccountAdmin(AdminsOnly):
    list_display = ("key", "balance", "version", "created_at")


@admin.register(Posting)
class PostingAdmin(AdminsOnly):
    """With its entries, each under the id by which a tip and an event name it."""

    list_display = ("key", "subject", "legs_in_words", "posted_at")
    exclude = ("legs",)
    readonly_fields = ("entries",)
    search_help_text = "The whole key, or the id of one of its entries"

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Posting]", search_term: str
    ) -> "tuple[QuerySet[Posting], bool]":
        key = posting.key_of(search_term.strip()) if search_term.strip() else search_term
        return super().get_search_results(request, queryset, key)

    @admin.display(description="moves")
    def legs_in_words(self, row: Posting) -> str:
        return ", ".join(f"{leg['account']} {leg['delta']:+d}" for leg in row.legs)

    @admin.display
    def entries(self, row: Posting) -> str:
        lines = []
        for number, leg in enumerate(row.legs):
            entry_id, _ = posting.entry_names(row.key, row.reverses, number)
            moves = f"{leg['delta']:+d}, leaves {leg['balance']}, version {leg['version']}"
            lines.append((entry_id, leg["account"], moves))
        return format_html_join(mark_safe("<br>"), "{}: {} {}", lines)


class _LeanPages(FewPages):
    """Without what the entries say, of which all that settled at once stands in one. (Where no
    field of a model is left out, whole documents are read.)"""

    def _get_page(self, rows: Any, *args: Any) -> Any:
        lean = rows.only("number", "by").annotate(moment=F("at"))
        return super()._get_page(lean, *args)  # type: ignore[misc]


@admin.register(JournalEntry)
class EntryAdmin(AdminsOnly):
    """What became durable in one moment, money's side too; the payloads as staff may read them, and
    no body. Keys that the inbox has taken are no entries."""

    list_display = ("number", "by", "moment")
    paginator = _LeanPages
    readonly_fields = ("content",)
    search_help_text = "A number, or a key of an entry: the id of a tip, or of a delivery"
    ordering = ("-number",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[JournalEntry]":
        numbers = (1, journal.LARGEST)
        found: QuerySet[JournalEntry] = super().get_queryset(request)
        return found.filter(number__range=numbers)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[JournalEntry]", search_term: str
    ) -> "tuple[QuerySet[JournalEntry], bool]":
        if not search_term.strip():
            return queryset, False
        number = journal.number_of(search_term.strip())
        return (queryset.filter(pk=number) if number else queryset.none()), False

    @admin.display(description="at")
    def moment(self, row: Any) -> datetime:
        at: datetime = getattr(row, "moment", None) or row.at
        return at

    @admin.display
    def content(self, row: JournalEntry) -> str:
        document = journal.find(row.number) or {}
        return json.dumps(_as_shown(document), ensure_ascii=False, indent=2, default=str)


def _as_shown(document: Document) -> Document:
    """A body names the tipper, who may be anonymous."""
    shown: Document = {name: value for name, value in document.items() if name not in ("_id", "at")}
    if "deliveries" in shown:
        bare = [{**row, "body": f"{len(row['body'])} bytes"} for row in shown["deliveries"]]
        shown["deliveries"] = bare
    if "events" in shown:
        shown["events"] = [
            {**row, "payload": events.masked(row["payload"])} for row in shown["events"]
        ]
    return shown


@admin.register(JournalState)
class JournalStateAdmin(ReadOnly):
    list_display = ("key", "number", "holder", "until")


@admin.register(JournalRefusal)
class RefusalAdmin(ReadOnly):
    list_display = ("key", "at")


@admin.register(WebhookDelivery)
class DeliveryAdmin(ReadOnly):
    """Without the body: it names the tipper, who may be anonymous."""

    list_display = ("key", "event_type", "status", "received_at", "processed_at", "attempts")
    exclude = ("body",)


@admin.register(WebhookNonce)
class NonceAdmin(ReadOnly):
    list_display = ("key", "expires_at")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """The whole log, the newest first."""

    list_display = ("at", "actor", "action", "type", "target", "why", "success")


@admin.register(Tip)
class TipAdmin(ReadOnly):
    """An anonymous tip stays anonymous here too, and what a viewer wrote is the performer's."""

    list_display = (
        "tip_id",
        "total",
        "who",
        "settlement_status",
        "needs_reconciliation",
        "created_at",
    )
    exclude = ("tipper_username", "tipper_id", "message")
    readonly_fields = ("who",)

    @admin.display(description="tipper")
    def who(self, tip: Tip) -> str:
        return (
            events.tipper_name(
                {"is_anonymous": tip.is_anonymous, "tipper_username": tip.tipper_username}
            )
            or "a viewer"
        )


@admin.register(TipActivated, ArchivedTipActivated)
class EventAdmin(MaskedPayload):
    list_display = ("tip_id", "sequence", "ledger_id", "posted_at", "created_at")


@admin.register(ChainHead)
class ChainHeadAdmin(ReadOnly):
    list_display = ("name", "sequence", "digest")


@admin.register(DailyHead)
class DailyHeadAdmin(ReadOnly):
    list_display = ("day", "sequence", "digest", "created_at")


@admin.register(EventConsumer)
class ConsumerAdmin(ReadOnly):
    list_display = ("name", "position", "retry_at", "updated_at")


@admin.register(FailedEmission)
class EmissionAdmin(ReadOnly):
    list_display = ("key", "sequence", "state", "died_at", "delivered_at", "delivered_by")


@admin.register(TipHour)
class TipHourAdmin(ReadOnly):
    list_display = ("key", "tips", "tokens", "net")


@admin.register(PerformerTipHour)
class PerformerTipHourAdmin(ReadOnly):
    list_display = ("key", "performer_id", "hour", "tips", "tokens", "net")


@admin.register(QueueRequest, ArchivedQueueRequest)
class RequestAdmin(MaskedPayload):
    list_display = ("request_id", "type", "lane", "status", "attempts", "available_at")


@admin.register(ArchiveManifest)
class ManifestAdmin(ReadOnly):
    list_display = ("segment", "state", "count", "first_position", "last_position", "created_at")


@admin.register(ArchiveRun)
class RunAdmin(ReadOnly):
    list_display = ("name", "owner", "until")


@admin.register(IdempotencyKey)
class KeyAdmin(ReadOnly):
    list_display = ("key", "state", "answer_status", "created_at", "expires_at")
