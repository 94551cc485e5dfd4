"""What Django asks of the database's dialect: which compilers to use, and how a text is made literal in a pattern."""

from django_mongodb_backend import operations


class DatabaseOperations(operations.DatabaseOperations):  # type: ignore[misc]
    compiler_module = "config.database.compiler"

    def prep_for_iexact_query(self, x: str) -> str:
        """Upstream inherits SQL's LIKE escaping here, so a dot or a star of the text would be a regular expression."""
        escaped: str = self.prep_for_like_query(x)
        return escaped
