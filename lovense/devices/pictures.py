"""Pictures of pairing codes: where one may be fetched from, what bytes are one, and one drawn here.
Nothing is fetched here.

A page of ours shows them as its own, so whoever makes the vendor say an address must not choose
what we ask, nor what she sees."""

import io
from collections.abc import Collection

import httpx
import segno

MAX_BYTES = 1024 * 1024
LONGEST_ADDRESS = 2048
LONGEST_TEXT = 512  # of what a drawn one says
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SVG = "image/svg+xml"
_BEGIN = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_SAID = frozenset({*_BEGIN, "image/jpg"})


def address(said: str, *, hosts: Collection[str], cloud: str) -> httpx.URL | None:
    """The address of a picture that may be fetched: https, at one of these hosts; or, where the
    cloud itself is on this machine, at exactly its origin."""
    try:
        url, near = httpx.URL(said), httpx.URL(cloud)
    except (httpx.InvalidURL, ValueError):
        return None
    if len(said) > LONGEST_ADDRESS or url.userinfo:
        return None
    is_theirs = url.scheme == "https" and url.port is None and url.host in hosts
    is_here = _origin(url) == _origin(near) and near.scheme == "http" and near.host in LOOPBACK
    return url if is_theirs or is_here else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def type_of(image: bytes, said: str) -> str | None:
    """What its first bytes are, where they and what was said of it are a picture; else None."""
    if said.partition(";")[0].strip().lower() not in _SAID:
        return None
    return next((kind for kind, begin in _BEGIN.items() if image.startswith(begin)), None)


def drawn(text: str) -> bytes:
    """An SVG that a phone reads from a screen; at most LONGEST_TEXT printable characters."""
    image = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(image, kind="svg", scale=8, border=4, light="#fff", xmldecl=False, nl=False)
    return image.getvalue()
