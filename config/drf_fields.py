"""How a MongoDB key travels in JSON: 24 hex digits. Without this, DRF takes an ObjectId key for an
integer and fails."""

from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from django.db.models import Model
from django_mongodb_backend import fields as mongodb
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{24}$"})
class ObjectIdField(serializers.Field):  # type: ignore[type-arg]
    default_error_messages = {"invalid": "Must be 24 hexadecimal digits."}

    def __init__(self, **options: Any) -> None:
        # A model's key brings what only numbers and texts have a use for.
        for unused in ("max_value", "min_value", "max_length"):
            options.pop(unused, None)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> ObjectId:
        try:
            return ObjectId(data if isinstance(data, str) else "")
        except InvalidId:
            self.fail("invalid")

    def to_representation(self, value: ObjectId) -> str:
        return str(value)


class KeyRelatedField(serializers.PrimaryKeyRelatedField[Model]):
    """A relation by key: an ObjectId key is read and written as hex, any other key as DRF does."""

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        related: Any = vars(self).get("queryset")
        if (
            self.pk_field is None
            and related is not None
            and isinstance(related.model._meta.pk, mongodb.ObjectIdAutoField)
        ):
            self.pk_field = ObjectIdField()

    def to_representation(self, value: Any) -> Any:
        shown = super().to_representation(value)
        return str(shown) if isinstance(shown, ObjectId) else shown


def register() -> None:
    """Called once the apps are loaded."""
    mapping = serializers.ModelSerializer.serializer_field_mapping
    for field in (mongodb.ObjectIdAutoField, mongodb.ObjectIdField):
        mapping[field] = ObjectIdField
    serializers.ModelSerializer.serializer_related_field = KeyRelatedField
