"""Unique indexes that look-ups can use, and new fields whose default is an object.

Upstream makes every unique index partial by type ({"username": {"$type": "string"}}), so that
several rows may have null there. MongoDB uses a partial index only for queries that imply its
filter, and it does not see that `username = "ana"` implies a type: each log-in would read every
user. So the index of a field that is never null is plain, and that of a nullable field says the
same with a comparison ({"subject": {"$gte": ""}} holds for every text and for no null), which an
equality does imply.

Upstream fills a new field by an expression, and an object is none that means itself."""

from datetime import UTC, datetime
from typing import Any

from bson import Int64, ObjectId
from django.db.models import Field, Index, Model
from django_mongodb_backend import schema
from pymongo.operations import IndexModel

# The smallest value of each type. Types that are not here keep upstream's filter.
SMALLEST = {
    "string": "",
    "objectId": ObjectId("0" * 24),
    "long": Int64(-(2**63)),
    "int": -(2**31),
    "date": datetime(1, 1, 1, tzinfo=UTC),
}


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):  # type: ignore[misc]
    def add_index(
        self, model: type[Model], index: Index, *, unique: bool = False, **rest: Any
    ) -> None:
        super().add_index(model, _Usable(index) if unique else index, unique=unique, **rest)

    def effective_default(self, field: "Field[Any, Any]") -> Any:
        default = super().effective_default(field)
        return {"$literal": default} if isinstance(default, dict) else default


class _Usable:
    """A unique index as upstream's `add_index` sees it, with a filter that look-ups imply."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def get_pymongo_index_model(
        self,
        model: type[Model],
        *,
        field: "Field[Any, Any] | None" = None,
        column_prefix: str = "",
        **options: Any,
    ) -> IndexModel | None:
        made: IndexModel | None = self.index.get_pymongo_index_model(  # type: ignore[attr-defined]
            model, field=field, column_prefix=column_prefix, **options
        )
        fields: list[Any] = (
            [field]
            if field
            else [model._meta.get_field(name) for name, _ in self.index.fields_orders]
        )
        if made is not None:
            _replace_types(made, {f"{column_prefix}{found.column}": found.null for found in fields})
        return made


def _replace_types(made: IndexModel, is_nullable: dict[str, bool]) -> None:
    conditions = made.document.pop("partialFilterExpression", {})
    kept = {
        column: _condition(found, is_nullable=is_nullable.get(column, True))
        for column, found in conditions.items()
    }
    if kept := {column: found for column, found in kept.items() if found}:
        made.document["partialFilterExpression"] = kept


def _condition(found: Any, *, is_nullable: bool) -> Any:
    if not isinstance(found, dict) or "$type" not in found:
        return found
    others = {operator: value for operator, value in found.items() if operator != "$type"}
    if not is_nullable or others:  # any other condition on the column leaves nulls out by itself
        return others
    smallest = SMALLEST.get(found["$type"])
    return found if smallest is None else {"$gte": smallest}
