"""The vendor's cloud: how it is asked for the code by which an app is paired.

Asked once and never again by itself: whoever waits for the code decides. At most AT_ONCE questions
of this process are under way, and each is over after DEADLINE_SECONDS, however slowly bytes
trickle. Neither the developer token nor what a pairing proves itself with reaches a log line or an
error's text."""

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import Collection, Coroutine
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from ground.json import fields
from ground.json.errors import Refusal
from ground.json.fields import Fields, Malformed
from lovense.devices import pictures

T = TypeVar("T")
log = logging.getLogger(__name__)

PATH = "/api/lan/getQrCode"
AT_ONCE = 2
DEADLINE_SECONDS = 8.0  # for the code and its picture
PICTURE_SECONDS = 5.0
MAX_ANSWER_BYTES = 64 * 1024
BUSY_SECONDS, AWAY_SECONDS, LIMITED_SECONDS = 3, 10, 60  # when trying again may help
LONGEST_RETRY_AFTER = 300
_CODE = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_NOT_OURS = frozenset({401, 403})  # as an HTTP status
_NO_TOKEN = _NOT_OURS | {501, 502}  # as a code: the token is none, or may not do this
_asking = threading.BoundedSemaphore(AT_ONCE)


class Introduction(NamedTuple):
    """What she is shown: the code to type in, and a picture of it. `code` is empty where the vendor
    gave none."""

    code: str
    image: bytes
    image_type: str


class VendorError(Refusal):
    """What the vendor answers must be what is shown here: a code, and a picture from where pictures
    may come. `kind` is for the log; `pairing_code` may be shown all the same."""

    code, status = "vendor_answer", 502
    words = "What Lovense answered cannot be shown. A code, if there is one, can be typed in."

    def __init__(self, kind: str, *, pairing_code: str = "") -> None:
        super().__init__()
        self.kind, self.pairing_code = kind, pairing_code


class VendorAway(VendorError):
    """It cannot be asked now, or did not answer: the same may go well a little later."""

    code, status = "try_later", 503
    words = "Lovense cannot be reached at the moment. Try again in a little while."

    def __init__(self, kind: str, *, retry_after: int = AWAY_SECONDS) -> None:
        super().__init__(kind)
        self.retry_after = retry_after


class OperatorFault(VendorError):
    """It does not accept our developer token: no performer can mend that."""

    code, status = "operator_fault", 503
    words = "Lovense refuses this site's own key. Its operator has to look; it is not your fault."


class VendorCloud:
    """`ask_for_code` answers an Introduction, or raises a leaf of VendorError."""

    def __init__(
        self,
        *,
        base_url: str,
        developer_token: str,
        qr_hosts: Collection[str],
        connect_timeout: float,
        read_timeout: float,
    ) -> None:
        self._base_url, self._token, self._hosts = base_url, developer_token, qr_hosts
        self._timeout = httpx.Timeout(read_timeout, connect=connect_timeout)

    def __repr__(self) -> str:
        return "VendorCloud()"

    def ask_for_code(self, *, uid: str, utoken: str) -> Introduction:
        if not _asking.acquire(blocking=False):
            raise VendorAway("busy", retry_after=BUSY_SECONDS)
        try:
            if not self._token:
                raise OperatorFault("no_token")
            return _run(self._introduction(uid, utoken))
        except OperatorFault as fault:
            log.error("lovense_operator_fault", extra={"error_code": fault.kind})
            raise
        except VendorError as error:
            log.warning("vendor_call_failed", extra={"error_code": error.kind})
            raise
        finally:
            _asking.release()

    async def _introduction(self, uid: str, utoken: str) -> Introduction:
        question = {"token": self._token, "uid": uid, "utoken": utoken, "v": 2}
        ends = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        async with self._http() as http:
            url = httpx.URL(self._base_url + PATH)
            told = _told(
                await _exchange(http, "POST", url, ends, most=MAX_ANSWER_BYTES, json=question)
            )
            if told.text:
                return Introduction(told.code, pictures.drawn(told.text), pictures.SVG)
            try:
                return Introduction(told.code, *await self._picture(http, told.address, ends))
            except VendorError as error:
                raise VendorError(error.kind, pairing_code=told.code) from None

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._timeout,
            headers={"Accept-Encoding": "identity"},  # what is packed may be any size
            follow_redirects=False,  # they would lead wherever they point
            # proxies are for the way out of this machine
            trust_env=urlsplit(self._base_url).hostname not in pictures.LOOPBACK,
        )

    async def _picture(self, http: httpx.AsyncClient, said: str, ends: float) -> tuple[bytes, str]:
        url = pictures.address(said, hosts=self._hosts, cloud=self._base_url)
        if url is None:
            raise VendorError("address_refused" if said else "no_picture")
        ends = min(ends, asyncio.get_running_loop().time() + PICTURE_SECONDS)
        answer = await _exchange(http, "GET", url, ends, most=pictures.MAX_BYTES)
        kind = pictures.type_of(answer.body, answer.headers.get("content-type", ""))
        if answer.status != httpx.codes.OK or kind is None:
            raise VendorError("no_picture")
        return answer.body, kind


def from_settings() -> VendorCloud:
    return VendorCloud(
        base_url=settings.LOVENSE_API_BASE_URL,
        developer_token=settings.LOVENSE_DEVELOPER_TOKEN,
        qr_hosts=settings.LOVENSE_QR_HOSTS,
        connect_timeout=settings.LOVENSE_CONNECT_TIMEOUT_SECONDS,
        read_timeout=settings.LOVENSE_READ_TIMEOUT_SECONDS,
    )


# --- one exchange on the wire --------------------------------------------------------------------


def _run(work: Coroutine[Any, Any, T]) -> T:
    """On a loop of its own, since only a loop can end an answer that trickles. `asyncio.run` would
    wait at its end for a name that is still being looked up."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(work)


class _Exchanged(NamedTuple):
    status: int
    headers: httpx.Headers
    body: bytes


async def _exchange(
    http: httpx.AsyncClient, method: str, url: httpx.URL, ends: float, *, most: int, **more: Any
) -> _Exchanged:
    """The library's errors may quote what was asked, so they end here."""
    try:
        async with asyncio.timeout_at(ends), http.stream(method, url, **more) as response:
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > most:
                    raise VendorError("too_long")
            return _Exchanged(response.status_code, response.headers, bytes(body))
    except TimeoutError:
        raise VendorAway("deadline") from None
    except httpx.RequestError as error:
        raise VendorAway(type(error).__name__) from None


# --- what an answer says -------------------------------------------------------------------------


class _Told(NamedTuple):
    """`text` is what the picture would say, where the vendor tells it; else `address` is where the
    picture is."""

    code: str
    text: str
    address: str


def _told(answer: _Exchanged) -> _Told:
    said = _checked(answer)
    try:
        data = said.object_or_empty("data")
    except Malformed:
        raise VendorError("unreadable") from None
    code, text = data.raw("code"), data.raw("qrcode")
    is_code = isinstance(code, str) and _CODE.fullmatch(code)
    is_text = isinstance(text, str) and len(text) <= pictures.LONGEST_TEXT and text.isprintable()
    address = data.raw("qr") if said.has("data") else said.raw("message")  # the older form
    return _Told(
        str(code) if is_code else "",
        str(text) if is_text else "",
        address if isinstance(address, str) else "",
    )


def _checked(answer: _Exchanged) -> Fields:
    """The answer of a success: its code says so, whatever the HTTP status."""
    try:
        said = fields.read(answer.body)
    except Malformed:
        said = Fields({}, "")
    code = _number(said.raw("code"))
    if code == 0 and said.raw("result") is True:
        return said
    number, refused = (answer.status, _NOT_OURS) if code is None else (code, _NO_TOKEN)
    if number in refused:
        raise OperatorFault(str(number))
    if number == httpx.codes.TOO_MANY_REQUESTS:
        raise VendorAway(str(number), retry_after=_seconds(answer.headers.get("retry-after", "")))
    if number >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise VendorAway(str(number))
    raise VendorError("unreadable" if code is None else str(number))


def _number(code: Any) -> int | None:
    """As a number or as text."""
    if isinstance(code, str) and _SECONDS.fullmatch(code):
        return int(code)
    return code if type(code) is int else None


def _seconds(header: str) -> int:
    """Until a moment that `Retry-After` names in seconds, within reason."""
    text = header.strip()
    named = int(text) if _SECONDS.fullmatch(text) else LIMITED_SECONDS
    return min(max(named, 1), LONGEST_RETRY_AFTER)
