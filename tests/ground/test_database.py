"""The traps of Django on MongoDB, each closed in config/database. Without the fix each of these tests
fails."""

import contextlib
import os

import pytest
from bson import ObjectId
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DatabaseError, IntegrityError, OperationalError, connection, models
from django.db.models import F, Q, UniqueConstraint
from django.db.models.functions import Lower
from django_mongodb_backend import transaction as upstream
from pymongo.errors import PyMongoError

from ground.inbox.models import WebhookDelivery
from ground.mongodb.collections import client, collection
from ledger.models import Account, Posting
from lovense.models import Activation, Performer
from tests import factories
from tests.ground.plans import recorded
from tips.models import QueueRequest, Tip

pytestmark = pytest.mark.django_db


def index_of(model, name_part):
    """The one index of the model's collection whose name has this part."""
    return next(found for name, found in collection(model).index_information().items() if name_part in name)


# --- keys and unique indexes -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Tip, WebhookDelivery, Account, Posting, QueueRequest, Performer])
def test_a_natural_key_is_the_documents_id(model):
    assert model._meta.pk.column == "_id"


def test_the_unique_index_of_a_required_field_is_plain():
    assert "partialFilterExpression" not in index_of(User, "username")
    assert "partialFilterExpression" not in index_of(Posting, "posting_account_version")


def test_every_unique_index_of_a_required_field_is_plain():
    names = [name for name in connection.introspection.table_names() if not name.startswith("system.")]
    database = client()[connection.settings_dict["NAME"]]
    filters = [
        found.get("partialFilterExpression", {})
        for name in names
        for found in database[name].index_information().values()
        if found.get("unique")
    ]
    assert len(filters) > 15
    assert not [found for found in filters if "$type" in str(found)]


def test_a_conditional_unique_index_keeps_its_condition_and_no_type():
    assert index_of(QueueRequest, "one_claimed")["partialFilterExpression"] == {"status": {"$eq": "claimed"}}


def test_a_nullable_unique_field_is_unique_among_texts_and_free_among_nulls():
    rows = collection(WebhookDelivery)
    rows.insert_many(
        [{"_id": "a", "subject": None}, {"_id": "b", "subject": None}, {"_id": "c", "subject": "tip/1"}]
    )
    with pytest.raises(PyMongoError, match="delivery_subject"):
        rows.insert_one({"_id": "d", "subject": "tip/1"})


def test_a_nullable_unique_field_is_looked_up_by_its_index():
    with recorded() as plans:
        collection(WebhookDelivery).find_one({"subject": "tip/1"})
        list(collection(WebhookDelivery).find({"subject": {"$in": ["tip/1", "tip/2"]}}))
    assert [plan.indexes for plan in plans] == [["delivery_subject"], ["delivery_subject"]]


def test_an_extra_condition_on_a_nullable_column_replaces_its_type():
    class Ticket(models.Model):
        seat = models.IntegerField(null=True)
        owner = (
            models.ObjectIdField(null=True)
            if hasattr(models, "ObjectIdField")
            else models.CharField(null=True, max_length=9)
        )

        class Meta:
            app_label = "ground"
            constraints = [
                UniqueConstraint(fields=["seat"], condition=Q(seat__gt=5), name="seat_above_five"),
                UniqueConstraint(fields=["owner", "seat"], name="owner_and_seat"),
            ]

    with connection.schema_editor() as editor:
        editor.create_model(Ticket)
    try:
        above, both = index_of(Ticket, "seat_above_five"), index_of(Ticket, "owner_and_seat")
        assert above["partialFilterExpression"] == {"seat": {"$gt": 5}}
        assert both["partialFilterExpression"] == {"owner": {"$gte": ""}, "seat": {"$gte": -(2**63)}}
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Ticket)


def test_a_new_field_whose_default_is_an_object_is_filled_with_that_object():
    class Shelf(models.Model):
        class Meta:
            app_label = "ground"

    with connection.schema_editor() as editor:
        editor.create_model(Shelf)
    try:
        collection(Shelf).insert_one({"_id": "a"})
        for name, default in (("labels", {}), ("prices", {"$sum": "$_id"})):
            field = models.JSONField(default=lambda default=default: default)
            field.set_attributes_from_name(name)
            with connection.schema_editor() as editor:
                editor.add_field(Shelf, field)
        assert collection(Shelf).find_one() == {"_id": "a", "labels": {}, "prices": {"$sum": "$_id"}}
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Shelf)


# --- sorting and joining -----------------------------------------------------------------------------------


def plans_of(queryset):
    with recorded() as plans:
        found = list(queryset)
    (plan,) = plans
    return found, plan


def test_order_by_uses_an_index():
    _, plan = plans_of(User.objects.order_by("username")[:5])
    assert plan.is_indexed


def test_order_by_of_some_values_uses_an_index():
    _, plan = plans_of(User.objects.order_by("-username").values_list("username", "email")[10:15])
    assert plan.is_indexed


def test_first_and_the_admins_default_order_use_the_key():
    with recorded() as plans:
        User.objects.order_by("-pk").first()
        User.objects.first()
    assert all(plan.is_indexed for plan in plans)


def test_order_by_gives_the_rows_in_order_whatever_the_kind_of_key():
    for name in ("cc", "Bb", "aa"):
        factories.UserFactory.create(username=name, email=f"{name}@example.org", last_login=None)
    names = [u.username for u in User.objects.order_by("username")]
    assert names == ["Bb", "aa", "cc"]
    assert [u.username for u in User.objects.order_by(Lower("username"))] == ["aa", "Bb", "cc"]
    assert [
        u.username for u in User.objects.order_by(F("last_login").desc(nulls_last=True), "username")
    ] == names
    assert list(
        User.objects.annotate(low=Lower("username")).order_by("-low").values_list("low", flat=True)
    ) == ["cc", "bb", "aa"]
    assert list(User.objects.order_by("username").values_list("username", flat=True).distinct()) == names
    assert User.objects.order_by("username")[1:].count() == 2


@pytest.fixture
def performers():
    made = [
        factories.PerformerFactory.create(display_name=f"P{n}", user__username=f"u{9 - n}") for n in range(5)
    ]
    return sorted(made, key=lambda performer: performer.pk)


def test_select_related_joins_after_the_limit(performers):
    queryset = Performer.objects.select_related("user").order_by("pk")[:2]
    found, plan = plans_of(queryset)
    assert [row.user.username for row in found] == [row.user.username for row in performers[:2]]
    assert stages_of(queryset)[:2] == ["$sort", "$limit"]
    assert plan.is_indexed


def test_a_join_that_the_filter_needs_stays_before_the_limit(performers):
    wanted = performers[3]
    queryset = (
        Performer.objects.select_related("user")
        .filter(user__username=wanted.user.username)
        .order_by("pk")[:1]
    )
    assert list(queryset) == [wanted]
    assert stages_of(queryset) == ["$lookup", "$unwind", "$match", "$sort", "$limit"]


def test_ordering_by_a_joined_column_joins_first(performers):
    found = Performer.objects.select_related("user").order_by("user__username")[:2]
    assert [row.user.username for row in found] == ["u5", "u6"]


def test_a_join_to_many_rows_stays_before_the_limit(performers):
    """Two performers would be two rows each of the user; a limit before the join would count users."""
    queryset = User.objects.order_by("username").values_list("username", "groups__name")[:2]
    assert list(queryset) == [("u5", None), ("u6", None)]
    assert stages_of(queryset).index("$limit") > stages_of(queryset).index("$lookup")


def test_an_optional_relation_is_joined_after_the_limit_and_may_be_missing(performers):
    factories.UserFactory.create(username="a-viewer")
    queryset = User.objects.select_related("performer").order_by("username")[:2]
    assert [hasattr(user, "performer") for user in queryset] == [False, True]
    assert stages_of(queryset)[0] == "$sort"


def stages_of(queryset):
    compiler = queryset.query.get_compiler("default")
    compiler.pre_sql_setup()
    query = compiler.build_query(compiler.columns if not compiler.query.default_cols else None)
    return [next(iter(stage)) for stage in query.get_pipeline()]


# --- texts are texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["a.b", "a*b", "^a", "a$", "(a", "a\\b", "a_b", "a%b", "[a", "a|b"])
def test_iexact_takes_the_text_literally(given):
    factories.UserFactory.create(username="right", email=given.upper())
    factories.UserFactory.create(username="wrong", email="axb")
    assert [u.username for u in User.objects.filter(email__iexact=given)] == ["right"]


def test_iexact_and_endswith_do_not_stop_before_a_final_newline():
    factories.UserFactory.create(username="x", email="ana@example.org\n")
    assert not User.objects.filter(email__iexact="ANA@example.org").exists()
    assert not User.objects.filter(email__endswith="example.org").exists()
    assert not User.objects.filter(email__iendswith="EXAMPLE.org").exists()
    assert User.objects.filter(email__endswith="example.org\n").exists()


@pytest.mark.parametrize("lookup", ["exact", "in", "startswith", "contains", "iexact", "gte", "range"])
def test_a_given_text_is_never_read_as_the_name_of_a_field(lookup):
    """`$password` as a text to compare with must not become the column."""
    factories.UserFactory.create(username="secret", password="secret")
    given = {"in": ["$password"], "range": ["$password", "$password"]}.get(lookup, "$password")
    found = User.objects.annotate(low=Lower("username")).filter(**{f"low__{lookup}": given})
    assert not found.filter(username="secret").exists() or lookup == "gte"
    if (
        lookup == "gte"
    ):  # "s" > "$": true for the text; for the column it would hold as well, so ask the other way round
        assert not User.objects.annotate(low=Lower("username")).filter(low__lte=given).exists()


def test_columns_still_compare_with_columns():
    factories.UserFactory.create(username="same", email="same")
    factories.UserFactory.create(username="one", email="other")
    assert [u.username for u in User.objects.annotate(low=Lower("username")).filter(low=F("email"))] == [
        "same"
    ]
    assert User.objects.filter(username__range=(F("email"), "z")).exists()


# --- sessions that died, with upstream's own atomic -------------------------------------------------------


def account(key):
    return Account(key=key, created_at=factories.NOW)


def is_clean():
    assert connection.session is None
    assert connection.in_atomic_block_mongo is False
    calls = []
    with upstream.atomic():
        account(str(ObjectId())).save(force_insert=True)
        upstream.on_commit(lambda: calls.append(1))
    return calls == [1]


def test_an_error_swallowed_inside_a_block_leaves_no_dead_session():
    account("a").save(force_insert=True)

    @upstream.atomic
    def swallow():
        with contextlib.suppress(IntegrityError):
            account("a").save(force_insert=True)

    with pytest.raises(PyMongoError):
        swallow()
    assert is_clean()


def test_a_refused_commit_leaves_no_dead_session(fail_command):
    fail_command("commitTransaction", errorCode=11601)
    with pytest.raises(PyMongoError), upstream.atomic():
        account("a").save(force_insert=True)
    assert is_clean()
    assert not Account.objects.filter(pk="a").exists()


def test_an_aborted_block_leaves_no_dead_session(fail_command):
    fail_command("abortTransaction", errorCode=11601)

    @upstream.atomic
    def fail():
        account("a").save(force_insert=True)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_clean()


# --- the rest of the ground --------------------------------------------------------------------------------


def test_a_guarded_update_lets_through_exactly_what_the_balance_allows(in_threads):
    account("a").save(force_insert=True)
    Account.objects.filter(pk="a").update(balance=100)

    def spend():
        return Account.objects.filter(pk="a", balance__gte=10).update(balance=F("balance") - 10)

    assert sum(in_threads(spend, times=30)) == 10
    assert Account.objects.get(pk="a").balance == 0


def test_an_integrity_error_names_its_index_in_its_cause():
    account("a").save(force_insert=True)
    with pytest.raises(IntegrityError) as caught:
        account("a").save(force_insert=True)
    assert "E11000" in str(caught.value.__cause__)


def test_the_database_is_the_tests_own_and_its_name_comes_from_the_uri():
    name = "_".join(filter(None, ["test_tips", os.environ.get("PYTEST_XDIST_WORKER")]))
    assert connection.settings_dict["NAME"] == name
    assert collection(Account).database.name == name


def test_a_collection_is_cached_and_follows_the_databases_name(monkeypatch):
    first = collection(Account)
    assert collection(Account) is first
    monkeypatch.setitem(connection.settings_dict, "NAME", "other")
    assert collection(Account).database.name == "other"


def test_a_raw_row_has_aware_times():
    account("a").save(force_insert=True)
    assert collection(Account).find_one({"_id": "a"})["created_at"] == factories.NOW


def test_times_that_were_written_into_a_json_column_are_read_as_text():
    row = {"_id": "a.all", "attempts": [{"at": factories.NOW, "by": ObjectId("0" * 24)}]}
    collection(Activation).insert_one(row)
    assert Activation.objects.get(pk="a.all").attempts == [{"at": "2026-01-03T04:15:00.000Z", "by": "0" * 24}]


async def test_a_collection_may_be_asked_for_in_an_event_loop():
    assert collection(Session).name == "django_session"


def test_an_unreachable_server_is_an_operational_error(fail_command, monkeypatch):
    def refuse(self):
        raise PyMongoError("no server")

    monkeypatch.setattr("django_mongodb_backend.base.DatabaseWrapper.connect", refuse)
    with pytest.raises(OperationalError):
        connection.connect()
    assert issubclass(OperationalError, DatabaseError)
