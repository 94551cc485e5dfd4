"""What can be wrong with the ledger's settings, said before anything starts."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error

from ledger.rrr import signing

_NEEDED = {
    "RRR_API_BASE_URL": (
        "ledger.E001",
        "The address of RRR's interface, as https://rewards.example.com.",
    ),
    "RRR_CLIENT_ID": ("ledger.E002", "The client that RRR issued for this site."),
    "RRR_CLIENT_SECRET": ("ledger.E003", "The secret that RRR issued with the client."),
    "RRR_WEBHOOK_SECRETS": (
        "ledger.E007",
        "A comma list of keyid:secret; without one no webhook of RRR is accepted.",
    ),
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def rrr_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [*_rrr(), *_webhook_secrets()]


def _rrr() -> Iterator[CheckMessage]:
    if settings.LEDGER_GATEWAY != "rrr":
        return
    for name, (number, hint) in _NEEDED.items():
        if not "".join(getattr(settings, name)).strip():
            yield Error(f"LEDGER_GATEWAY=rrr needs {name}.", hint=hint, id=number)
    if settings.RRR_API_BASE_URL.strip():
        yield from _address(settings.RRR_API_BASE_URL)


def _address(url: str) -> Iterator[CheckMessage]:
    try:
        parts = urlsplit(url)
        host, plain = (
            parts.hostname or "",
            not (parts.query or parts.fragment or parts.username or parts.password),
        )
        is_good = bool(host) and plain and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        yield Error(
            "RRR_API_BASE_URL is not the address of an HTTP interface.",
            hint="https://host[:port][/path], with no user name, query or fragment.",
            id="ledger.E004",
        )
    elif parts.scheme == "http" and host not in _LOOPBACK:
        yield Error(
            "RRR_API_BASE_URL would send the client's secret unencrypted.",
            hint="Use https; plain http is for this machine only.",
            id="ledger.E005",
        )


def _webhook_secrets() -> Iterator[CheckMessage]:
    try:
        signing.secrets_of(settings.RRR_WEBHOOK_SECRETS)
    except ValueError as error:
        yield Error(
            f"RRR_WEBHOOK_SECRETS: {error}.",
            hint="A comma list of keyid:secret; two during rotation.",
            id="ledger.E006",
        )
