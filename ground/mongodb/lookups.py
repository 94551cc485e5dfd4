"""Values in a filter are values, never field paths.

Where a filter compares a computed expression (`username__lower="$password"`), upstream puts the
given text into the pipeline as it is, and MongoDB reads a text that begins with "$" as the name of
a field: whoever chooses the text can compare any column."""

from typing import Any

from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import BuiltinLookup, In
from django_mongodb_backend.lookups import wrap_in
from django_mongodb_backend.query_utils import is_direct_value, process_lhs, process_rhs


def literal(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [literal(part) for part in value]
    if isinstance(value, dict) or (isinstance(value, str) and value.startswith("$")):
        return {"$literal": value}
    return value


def builtin_lookup_expr(self: Any, compiler: Any, connection: Any) -> Any:
    """Upstream's, with the given value made literal."""
    value = process_rhs(self, compiler, connection, as_expr=True)
    if is_direct_value(self.rhs) and not _holds_expressions(self.rhs):
        value = literal(value)
    left = process_lhs(self, compiler, connection, as_expr=True)
    return connection.mongo_expr_operators[self.lookup_name](left, value)


def _holds_expressions(value: Any) -> bool:
    """`range=(F("a"), 9)` and `in=[F("a")]` mix the two; those parts are written by us, not
    given."""
    return isinstance(value, list | tuple | set) and not all(
        is_direct_value(part) for part in value
    )


def register() -> None:
    BuiltinLookup.as_mql_expr = builtin_lookup_expr  # type: ignore[attr-defined]
    among = wrap_in(builtin_lookup_expr)
    In.as_mql_expr = RelatedIn.as_mql_expr = among  # type: ignore[attr-defined]
