"""Indexes that Django has no word for."""

from typing import Any

from django.db import models


class ExpiringIndex(models.Index):
    """MongoDB deletes a row once the moment in its one field has passed (it looks about once a
    minute)."""

    def get_pymongo_index_model(self, *args: Any, **options: Any) -> Any:
        made = super().get_pymongo_index_model(*args, **options)  # type: ignore[misc]  # the MongoDB backend's method
        made.document["expireAfterSeconds"] = 0
        return made
