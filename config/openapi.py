"""What the API's description needs beyond its routed views: the doors for signed calls and for
apps, which are no views of its framework."""

from collections.abc import Callable
from typing import Any

from ledger import schema as ledger_wire
from ledger import webhooks as ledger_webhooks
from lovense import webhooks as lovense_webhooks
from lovense.api import callbacks
from tips import schema, webhooks

Endpoint = tuple[str, str, str, Callable[..., Any]]
Schema = dict[str, Any]


def with_webhooks(endpoints: list[Endpoint]) -> list[Endpoint]:
    """drf-spectacular's preprocessing hook: (path, path as a pattern, method, the view that
    describes it)."""
    doors = {
        webhooks.PATH: schema.payments_webhook,
        ledger_webhooks.PATH: ledger_wire.rrr_webhook,
        lovense_webhooks.PATH: callbacks.lovense_webhook,
    }
    return [*endpoints, *((path, path, "POST", view) for path, view in doors.items())]


def with_open_choices(result: Schema, **context: Any) -> Schema:
    """A postprocessing hook. The stored event also has every field of its projections, so it
    matches more than one of them."""
    for component in result["components"]["schemas"].values():
        if "oneOf" in component and "discriminator" not in component:
            component["anyOf"] = component.pop("oneOf")
    return result
