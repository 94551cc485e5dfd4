"""What Django asks of the database's dialect: which compilers to use, and how a text is made
literal in a pattern."""

import json
from datetime import UTC, datetime
from typing import Any

from django_mongodb_backend import operations


class DatabaseOperations(operations.DatabaseOperations):  # type: ignore[misc]
    compiler_module = "ground.mongodb.compiler"

    def prep_for_iexact_query(self, x: str) -> str:
        """Upstream inherits SQL's LIKE escaping here, so a dot or a star of the text would be a
        regular expression."""
        escaped: str = self.prep_for_like_query(x)
        return escaped

    def convert_jsonfield_value(self, value: Any, expression: Any, connection: Any) -> str:
        """Hot paths write times into JSON columns as times; the ORM reads them in the form that the
        API uses."""
        return json.dumps(value, default=_written)


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)
