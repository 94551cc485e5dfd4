"""A document as an object of its model, without the ORM's way: no query is made of it, and JSON is
not written and read again."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model

M = TypeVar("M", bound=Model)


def as_model(model: type[M], document: Mapping[str, Any]) -> M:
    """What the document does not have, has its default; what the model does not know is left."""
    known = _attributes(model)
    return model(**{known[name]: value for name, value in document.items() if name in known})


@cache
def _attributes(model: type[Model]) -> dict[str, str]:
    return {str(field.column): field.attname for field in model._meta.concrete_fields}
