"""A database that the revision before the models of the ground moved (`97eabb8`) wrote, upgraded with
`migrate`: nothing is lost, and it goes on.

`tests/golden/before_rooms.json.gz` was written by that revision's own code and dumped as extended JSON, rows
and indexes: purchases, tips in every state, a repeat and a conflict, a reversal, an archived event, a used
nonce, audit entries, an admin, support, an auditor, performers and their menus. Whatever migration is added
later runs here too; one that rewrites a collection names it in REWRITTEN and says here what holds instead."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pymongo.uri_parser import parse_uri

from adminpanel.tip import entries, story, verdict
from ground.inbox import inbox
from ground.mongodb.collections import client, current, pointed_at
from lovense.models import Performer
from tests import services
from tests.chain import SECOND, Chain
from tests.factories import Viewer
from tips.intake import simulator
from tips.log import eventlog

BEFORE: dict[str, Any] = json_util.loads(
    gzip.decompress((Path(__file__).parent.parent / "golden" / "before_rooms.json.gz").read_bytes()).decode(),
    json_options=json_util.JSONOptions(tz_aware=True),
)
NOW: datetime = BEFORE["now"]
TIPS: dict[str, str] = BEFORE["tips"]
ROWS: dict[str, list[dict[str, Any]]] = {name: kept["rows"] for name, kept in BEFORE["collections"].items()}

# Whose rows a migration may change: what must hold of these, tests of their own say.
REWRITTEN = {
    *("django_content_type", "auth_permission", "auth_group_permissions", "django_migrations"),
    *("ledger_transfers", "ledger_entries"),
}
MOVED = {"auditentry": "audit", "webhookdelivery": "inbox", "webhooknonce": "inbox"}
BECAME = {"transfer": "posting", "entry": None}  # a posting shows its entries

BOB = Viewer("507f191e810c19729de860ea", "bob")
POOR = Viewer("507f191e810c19729de860aa", "poor")
EVA = "507f191e810c19729de860ec"


def address(name: str) -> str:
    assert services.running is not None
    return services.running.mongodb_uri.replace(
        f"/{parse_uri(services.running.mongodb_uri)['database']}", f"/{name}"
    )


def load(collections: dict[str, Any]) -> None:
    """Rows and indexes as they were."""
    database = current()
    for name, kept in collections.items():
        made = database.create_collection(name)
        for index in kept["indexes"]:
            keys = list(index["key"].items())
            made.create_index(keys, **{word: value for word, value in index.items() if word != "key"})
        if kept["rows"]:
            made.insert_many(kept["rows"])


@contextmanager
def old_database(name: str) -> Iterator[None]:
    """Inside, every model lives in a database as the old revision left it."""
    client().drop_database(name)
    with pointed_at(address(name)):
        ContentType.objects.clear_cache()
        load(BEFORE["collections"])
        try:
            yield
        finally:
            ContentType.objects.clear_cache()
            client().drop_database(name)


def migrate(*which: str) -> None:
    call_command("migrate", *which, verbosity=0, interactive=False)
    ContentType.objects.clear_cache()


def rows_of(name: str) -> dict[Any, dict[str, Any]]:
    return {row["_id"]: row for row in current()[name].find()}


@pytest.fixture(scope="module")
def upgrade(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Upgraded once for all tests that only look."""
    home = connection.settings_dict["NAME"]
    with django_db_blocker.unblock(), old_database(f"{home}_upgraded"):
        migrate()
        with pointed_at(address(home)):  # for the tests of this module that have other databases
            yield f"{home}_upgraded"


@pytest.fixture
def upgraded(upgrade: str, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), pointed_at(address(upgrade)):
        ContentType.objects.clear_cache()
        yield
    ContentType.objects.clear_cache()


@pytest.fixture
def old(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One of its own, not upgraded yet."""
    with django_db_blocker.unblock(), old_database(f"{connection.settings_dict['NAME']}_old"):
        yield


# --- nothing is lost ---------------------------------------------------------------------------------------


def test_the_fixture_holds_what_an_upgrade_may_lose():
    assert {row["status"] for row in ROWS["webhook_deliveries"]} >= {
        "received", "processed", "duplicate", "conflict",
    }  # fmt: skip
    assert {row["settlement_status"] for row in ROWS["tips"]} == {"settled", "pending"}
    assert len(ROWS["audit_entries"]) == 4
    assert len(ROWS["webhook_nonces"]) == len(ROWS["archived_tip_activated_event_log"]) == 1
    assert {row["app_label"] for row in ROWS["django_content_type"] if row["model"] in MOVED} == {"ledger"}


# Columns that nothing reads any more: settlement rounds take their turn in the journal.
GONE = {"tip_activated_chain_head": {"rounds"}}


@pytest.mark.parametrize("name", sorted(ROWS.keys() - REWRITTEN))
def test_no_row_is_lost_or_changed(name, upgraded):
    """A column may be added."""
    after = rows_of(name)
    assert {row["_id"] for row in ROWS[name]} <= after.keys()
    kept = [{key: row[key] for key in row.keys() - GONE.get(name, set())} for row in ROWS[name]]
    assert [row for row in kept if not row.items() <= after[row["_id"]].items()] == []


def test_transfers_and_entries_became_postings_and_are_kept_as_they_were(upgraded):
    """Every entry is a leg, and a tip's commission lies beside it."""
    for name in ("ledger_transfers", "ledger_entries"):
        assert list(rows_of(f"{name}_before_postings").values()) == ROWS[name]
        assert name not in current().list_collection_names()
    legs = {
        (leg["account"], leg["version"]): (leg["delta"], leg["balance"], row["posted_at"])
        for row in rows_of("ledger_postings").values()
        for leg in row["legs"]
    }
    assert legs == {
        (row["account"], row["version"]): (row["points_delta"], row["balance_after"], row["posted_at"])
        for row in ROWS["ledger_entries"]
    }
    keys = {row["_id"] for row in ROWS["ledger_transfers"]}
    cuts = {key for key in keys if key.endswith("_COMMISSION")}
    assert len(cuts) > 3
    assert rows_of("ledger_postings").keys() == keys - cuts


def test_every_row_has_every_column_of_its_model(upgraded):
    """The hot paths read rows as they are stored. What is written only when there is something to say may be
    missing: it is null, or text that may be blank."""
    missing = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for row in rows_of(model._meta.db_table).values()
        for field in model._meta.concrete_fields
        if field.column not in row and not (field.null or field.blank)
    }
    assert missing == set()


def test_what_was_migrated_is_still_recorded(upgraded):
    applied = {(row["app"], row["name"]) for row in current()["django_migrations"].find()}
    assert {(row["app"], row["name"]) for row in ROWS["django_migrations"]} < applied


# --- indexes -----------------------------------------------------------------------------------------------


def indexes() -> dict[str, dict[str, Any]]:
    database = current()
    return {
        name: {
            found["name"]: {word: value for word, value in found.items() if word not in ("v", "ns")}
            for found in database[name].list_indexes()
        }
        for name in database.list_collection_names()
    }


def test_an_upgraded_database_has_the_collections_and_indexes_of_a_fresh_one(db, django_db_blocker):
    fresh = indexes()
    with old_database(f"{connection.settings_dict['NAME']}_old"):
        migrate()
        upgraded = indexes()
    assert fresh.keys() <= upgraded.keys()
    assert {name: upgraded[name] for name in fresh} == fresh


# --- who may what ------------------------------------------------------------------------------------------


def check_that_permissions_followed() -> None:
    kinds = list(ContentType.objects.all())
    assert [str(kind) for kind in kinds if kind.model_class() is None] == [], "no model has this one"
    assert {kind.model: kind.app_label for kind in kinds if kind.model in MOVED} == MOVED
    was = {row["_id"]: BECAME.get(row["model"], row["model"]) for row in ROWS["django_content_type"]}
    was = {key: model for key, model in was.items() if model}
    assert {kind.pk: kind.model for kind in kinds}.items() >= was.items(), (
        "what names one by its key still does"
    )
    assert {row["_id"] for row in ROWS["auth_permission"] if row["content_type_id"] in was} <= set(
        Permission.objects.values_list("pk", flat=True)
    )
    kept = {kind.pk for kind in kinds}
    assert [str(p.pk) for p in Permission.objects.all() if p.content_type_id not in kept] == []
    pairs = [(p.content_type_id, p.codename) for p in Permission.objects.all()]
    assert len(set(pairs)) == len(pairs)


def test_content_types_and_permissions_follow_and_none_is_orphaned(upgraded):
    check_that_permissions_followed()


@pytest.mark.parametrize(("username", "role"), [("sue", "support"), ("otto", "auditor")])
def test_who_could_look_still_can_and_changes_nothing(username, role, upgraded):
    user = User.objects.get(username=username)
    assert [group.name for group in user.groups.all()] == [role]
    for kind in (
        "audit.{}_auditentry",
        "inbox.{}_webhookdelivery",
        "inbox.{}_webhooknonce",
        "ledger.{}_posting",
    ):
        assert user.has_perm(kind.format("view"))
        assert not any(user.has_perm(kind.format(may)) for may in ("add", "change", "delete"))
    entry = {row["_id"] for row in ROWS["auth_permission"] if row["codename"].endswith("_entry")}
    granted = len([row for row in ROWS["auth_group_permissions"] if row["permission_id"] not in entry])
    assert sum(group.permissions.count() for group in Group.objects.all()) >= granted
    page = Client()
    page.force_login(user)
    for path in ("/admin/audit/auditentry/", "/admin/inbox/webhookdelivery/"):
        assert page.get(path).status_code == 200


def test_one_app_migrated_alone_and_then_the_rest_leaves_the_same(old):
    """`migrate` makes content types for what it finds: here before the old ones have moved."""
    migrate("audit")
    migrate("inbox")
    migrate()
    check_that_permissions_followed()
    assert User.objects.get(username="sue").has_perm("audit.view_auditentry")


def test_migrated_a_second_time_nothing_changes(old):
    migrate()
    before = {name: rows_of(name) for name in current().list_collection_names()}
    migrate()
    assert {name: rows_of(name) for name in current().list_collection_names()} == before


# --- it goes on --------------------------------------------------------------------------------------------


def check_the_proofs() -> None:
    """Both raise where something does not agree."""
    call_command("reconcile", verbosity=0)
    call_command("verify_event_log", verbosity=0)


def verdict_of(which: str) -> tuple[str, str]:
    found = story.read(TIPS[which])
    assert found is not None
    said = verdict.of(found)
    return said.status, said.reason


def test_the_books_agree_and_the_event_log_verifies(upgraded):
    check_the_proofs()


def test_every_tip_has_the_verdict_that_it_had(upgraded):
    assert {which: verdict_of(which) for which in TIPS} == {
        "archived": ("completed", ""),
        "played": ("completed", ""),
        "skipped": ("skipped", "below_minimum"),
        "anonymous": ("completed", ""),
        "reversed": ("completed", ""),
        "queued": ("pending", "queued"),
        "queued too": ("pending", "queued"),
        "waiting for tokens": ("pending", "waiting_for_tokens"),
        "stored": ("pending", "received"),
    }


def test_the_archived_one_is_found_with_its_event(upgraded):
    found = eventlog.find(TIPS["archived"])
    assert found is not None
    assert (found.sequence, found.payload["tipId"]) == (1, TIPS["archived"])
    assert eventlog.length() == 1 + len(ROWS["tip_activated_event_log"])


def test_the_ledger_tells_the_same_of_every_tip_and_account(upgraded):
    """By the lines of the tip's page, whatever collection they are in."""
    lines = {which: [(line.account, line.side, line.amount) for line in entries.of(story.read(tip_id))]
             for which, tip_id in TIPS.items()}  # fmt: skip
    eva, bob = f"performer:{EVA}", BOB.account
    assert lines["queued"][:2] == [(bob, "debit", 100), (eva, "credit", 100)]
    assert lines["anonymous"][0] == ("user:hidden", "debit", 20)
    assert len(lines["reversed"]) == 8
    assert lines["stored"] == lines["waiting for tokens"] == []
    balances = {row["_id"]: (row["balance"], row["version"]) for row in ROWS["ledger_accounts"]}
    after = {key: (row["balance"], row["version"]) for key, row in rows_of("ledger_accounts").items()}
    assert after == balances


def play(chain: Chain, which: str) -> None:
    tip_id = TIPS[which]
    chain.dispatch()
    assert verdict_of(which)[0] == "pending"
    chain.acknowledge(tip_id, "received", later=SECOND)
    chain.acknowledge(tip_id, "finished", later=2 * SECOND, delivered_seconds=1)
    assert verdict_of(which) == ("completed", ""), which


def test_what_waited_settles_and_plays_in_its_order(old):
    migrate()
    eva = Chain(Performer.objects.get(pk=EVA), now=NOW)
    eva.sent = dict.fromkeys(range(len(ROWS["webhook_deliveries"])), b"")  # positions go on where they were
    eva.accept(
        simulator.body("tokens.purchased", simulator.purchase("p-2", user_id=POOR.user_id, tokens=500))
    )
    eva.settle()
    eva.hold()
    waited = sorted(
        ("waiting for tokens", "stored", "queued too", "queued"),
        key=lambda which: eventlog.find(TIPS[which]).sequence,
    )
    assert waited[:2] == ["queued", "queued too"]
    for which in waited:
        play(eva, which)
    check_the_proofs()


def test_what_was_taken_before_is_still_taken_once(old):
    migrate()
    chain = Chain(Performer.objects.get(pk=EVA), now=NOW + timedelta(minutes=1))
    chain.sent = dict.fromkeys(range(len(ROWS["webhook_deliveries"])), b"")
    bodies = {row["subject"]: bytes(row["body"]) for row in ROWS["webhook_deliveries"] if row["subject"]}
    for which, tip_id in TIPS.items():
        assert chain.accept(bodies[f"tip.succeeded/{tip_id}"]) is inbox.Acceptance.REPEAT, which
    length, accounts = eventlog.length(), rows_of("ledger_accounts")
    chain.settle()
    assert eventlog.length() == length + 1, "the one that was only stored"
    assert (
        rows_of("ledger_accounts")[f"user:{BOB.user_id}"]["balance"]
        == accounts[f"user:{BOB.user_id}"]["balance"] - 40
    )
    check_the_proofs()
