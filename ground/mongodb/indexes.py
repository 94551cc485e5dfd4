"""Indexes that Django has no word for."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from pymongo import ASCENDING, IndexModel


class ExpiringIndex(models.Index):
    """MongoDB deletes a row once the moment in its one field has passed (it looks about once a
    minute)."""

    def get_pymongo_index_model(self, *args: Any, **options: Any) -> Any:
        # The MongoDB backend gives every index this method.
        made = super().get_pymongo_index_model(*args, **options)  # type: ignore[misc]
        made.document["expireAfterSeconds"] = 0
        return made


class UniqueInArray(models.Index):
    """Unique over keys of the documents in an array: no two rows hold an element that has the same
    values in all of them. (One row may: MongoDB compares rows with each other only.)"""

    def __init__(self, *, keys: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self.keys = list(keys)

    def deconstruct(self) -> Any:
        path, args, options = super().deconstruct()
        return path, args, {**options, "keys": self.keys}

    def get_pymongo_index_model(
        self, model: type[models.Model], *args: Any, **options: Any
    ) -> IndexModel:
        (name,) = self.fields
        column = model._meta.get_field(name).column  # type: ignore[union-attr]
        paths = [(f"{column}.{key}", ASCENDING) for key in self.keys]
        return IndexModel(paths, name=self.name, unique=True)
