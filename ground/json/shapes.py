"""JSON at the wire, as the API's description shows it: objects that are described and not parsed,
and the one shape of an error."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class Shape(serializers.Serializer[Any]):
    """A JSON object that is described and not parsed. A field may be named like an attribute of the
    class (`data`, `context`): the framework takes declared fields out of the class."""


class ErrorDetail(Shape):
    code = serializers.CharField(help_text="A stable word for programs")
    message = serializers.CharField(help_text="A sentence for people")
    details = serializers.JSONField(allow_null=True, help_text="What is wrong where, or null")


class Error(Shape):
    error = ErrorDetail()


def refusal(words: str) -> OpenApiResponse:
    """An error answer, in the one shape that they all have."""
    return OpenApiResponse(Error, words)
