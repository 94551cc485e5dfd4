"""The framework's parser, replaced: its doors read JSON by the rules of all others."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import JSONParser

from ground.json import fields
from ground.json.errors import check_size


class StrictJSONParser(JSONParser):
    """One JSON object, read as `fields.read` reads it. Raises Malformed or TooLarge."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read(settings.WEBHOOK_MAX_BODY_BYTES + 1)
        check_size(len(body))
        return fields.read(body).whole
