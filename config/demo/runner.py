"""Plays the show: prepares the cast, sends the webhooks, watches every tip to its verdict, and
compares it with the script. The second performer's tips are played beside the first one's."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from adminpanel import staff
from config.demo import features, lots, toys
from config.demo.facts import NOT_RECORDED, TipTimes, conflicts, trails
from config.demo.second import SecondPerformer, VendorAddress
from config.demo.show import (
    BOB,
    BOBS_TOKENS,
    EVE,
    EVES_TOKENS,
    MENU,
    PERFORMER,
    PERFORMER_ID,
    PLATFORM,
    SECOND_PERFORMER,
    STAFF,
    DemoShow,
    Scene,
    script,
)
from config.demo.table import Table, is_right
from ground import clock
from ground.people import Role
from lovense.menus import publishing
from lovense.performers import enrolment
from lovense.simulator.device import VirtualDevice
from tips.intake import platforms
from tips.intake.simulator import PaymentSystem, body, tip

PATIENCE_SECONDS = 30.0  # after the last call, for the last verdict
REFRESH_SECONDS = 0.1
EARLY_SECONDS = 1.0  # between a tip and its tokens
DEVICE_SECONDS = 10.0
TOLERANCE_SECONDS = 1.0  # of what a device says that it has played
PUBLISHED_SECONDS = 0.01  # a tip names the millisecond in which it was made
PROMISED_SECONDS = {
    item["title"]: item["durationSec"] for item in (*MENU, *toys.MENU)
} | features.SECONDS

Check = Callable[[], None]


@dataclass(frozen=True)
class Cast:
    """Log-ins and tokens, new for every demonstration."""

    performer_token: str
    second_token: str
    platform_token: str
    staff_token: str
    performer_password: str
    second_password: str
    staff_password: str


def prepare() -> Cast:
    anas, mias, dinas = (secrets.token_urlsafe(9) for _ in range(3))
    ana = _enrolled((PERFORMER_ID, PERFORMER), anas, MENU)
    mia = _enrolled(SECOND_PERFORMER, mias, toys.MENU)
    dina = staff.enrol(username=STAFF, role=Role.ADMIN, password=dinas)
    platform = platforms.enrol(name=PLATFORM)
    return Cast(ana, mia, platform, dina.token, anas, mias, dinas)


def _enrolled(performer: tuple[str, str], password: str, menu: list[dict[str, Any]]) -> str:
    """With her menu; her token."""
    (performer_id, name), now = performer, clock.now()
    found = enrolment.enrol(performer_id=performer_id, username=name, password=password, now=now)
    publishing.publish(performer_id, menu, now)
    return found.token


class Runner:
    """One demonstration against a running stack. `check` raises when the stack is gone."""

    def __init__(
        self, url: str, cast: Cast, *, vendor: VendorAddress, speed: float, check: Check
    ) -> None:
        self._cast, self._check, self._vendor = cast, check, vendor
        self.url = url
        self.show: DemoShow = script()
        self.second = SecondPerformer(url, vendor, cast.second_token)
        self.waiting, self.features = features.waiting(), features.script()
        self.hers = [*self.show.scenes, self.waiting, *self.features]
        self.scenes = [*self.hers, *self.second.scenes]
        self.table = Table(self.scenes)
        self.device = VirtualDevice(
            url=url, performer_id=PERFORMER_ID, token=cast.performer_token, speed=speed
        )
        self._payments = PaymentSystem(url, settings.PAYMENT_WEBHOOK_SECRETS[0])
        self._trails: dict[str, TipTimes] = {}
        self._second_sent: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The second performer's part, which takes the longest: toys play in real time."""
        self._second_sent = asyncio.create_task(self._send_second())

    async def play(self) -> list[str]:
        """The differences between what became of the tips and the script; none is the only
        success."""
        assert self._second_sent is not None
        await asyncio.wait_for(self.device.ready.wait(), DEVICE_SECONDS)
        self.table.begin()
        async with self._payments:
            sending = asyncio.gather(self._send_all(), self._second_sent)
            try:
                await self._watch(sending)
            finally:
                sending.cancel()
        return [
            *self._wrong_scenes(),
            *self._wrong_runs(),
            *await asyncio.to_thread(self._wrong_record),
            *await asyncio.to_thread(lots.differences, self.show.range.tip_id),
            *await self._wrong_api(),
            *await self.second.differences(),
        ]

    def invitation(self) -> str:
        """Where to look, and as whom."""
        return f"""
  performer     {self.url}/            {PERFORMER} / {self._cast.performer_password}
  performer     {self.url}/devices     {SECOND_PERFORMER[1]} / {self._cast.second_password}
  staff         {self.url}/admin/      {STAFF} / {self._cast.staff_password}
  one tip       {self.url}/staff/tips/{self.show.repeated.tip_id}
  health        {self.url}/readyz
  her toys      {self._vendor.url}/sim/state

The virtual device stays connected as {PERFORMER}; the toys of {SECOND_PERFORMER[1]} stay paired.
Press Ctrl-C to stop."""

    # --- sending ---------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        show = self.show
        await self._fund("demo-bob", BOB[0], BOBS_TOKENS)
        for scene in (show.exact, show.range):
            await self._send(scene)
        await self._send_repeatedly(show.repeated)
        later = asyncio.ensure_future(self._send_early(show.early))
        for scene in (show.small, show.unmatched, show.poor):
            await self._send(scene)
        await self._call(show.forged, self._payments.send_forged(self._body(show.forged)))
        await self._send(show.conflict)
        await self._call(
            show.conflict,
            self._payments.send_bytes(self._body(show.conflict, amount=show.conflict.amount + 1)),
        )
        await asyncio.gather(*(self._send(scene) for scene in show.burst))
        await self._send_features()
        await later

    async def _send_features(self) -> None:
        """A publication in mid-queue: the burst still waits, and one tip more."""
        await self._send(self.waiting)
        await asyncio.to_thread(features.publish)
        await asyncio.sleep(PUBLISHED_SECONDS)
        for scene in self.features:
            await self._send(scene)

    async def _send_second(self) -> None:
        if await self.second.pair():
            await self._fund("demo-max", toys.MAX[0], toys.MAXS_TOKENS)
            for scene in self.second.scenes:
                await self._send(scene)

    async def _fund(self, purchase_id: str, user_id: str, tokens: int) -> None:
        (
            await self._payments.purchase(purchase_id, user_id=user_id, tokens=tokens)
        ).raise_for_status()

    async def _send(self, scene: Scene) -> None:
        await self._call(scene, self._payments.send_bytes(self._body(scene)))

    async def _send_repeatedly(self, scene: Scene) -> None:
        """The very same call five times, then the same tip under a new webhook id."""
        content = self._body(scene)
        for message_id in ["msg_demo_repeated"] * 5 + ["msg_demo_repeated_again"]:
            await self._call(scene, self._payments.send_bytes(content, message_id=message_id))

    async def _send_early(self, scene: Scene) -> None:
        await self._send(scene)
        await asyncio.sleep(EARLY_SECONDS)
        await self._fund("demo-eve", EVE[0], EVES_TOKENS)

    async def _call(self, scene: Scene, call: Awaitable[httpx.Response]) -> None:
        scene.sent_at = scene.sent_at or time.time()
        scene.answers.append((await call).status_code)

    def _body(self, scene: Scene, amount: int = 0) -> bytes:
        data = scene.data()
        return body(
            "tip.succeeded",
            tip(scene.tip_id, amount or scene.amount, tipper_id="", performer_id="", **data),
        )

    # --- watching --------------------------------------------------------------------------------

    async def _watch(self, sending: asyncio.Future[Any]) -> None:
        deadline = time.monotonic() + EARLY_SECONDS + PATIENCE_SECONDS
        while not (sending.done() and self._is_over()) and time.monotonic() < deadline:
            self._check()
            if sending.done():
                sending.result()
            await self._look()
            await asyncio.sleep(REFRESH_SECONDS)
        await self._look(is_last=True)

    async def _look(self, *, is_last: bool = False) -> None:
        self._trails = await asyncio.to_thread(trails, [scene.tip_id for scene in self.scenes])
        self.table.show(self._trails, is_last=is_last)

    def _is_over(self) -> bool:
        return bool(self._trails) and all(map(self._ended, self.scenes))

    def _ended(self, scene: Scene) -> bool:
        """Asked once all is sent: what was not sent then never is."""
        if not scene.answers:
            return True
        return self._trails[scene.tip_id].is_over or scene.verdict == NOT_RECORDED

    # --- comparing -------------------------------------------------------------------------------

    def _wrong_scenes(self) -> list[str]:
        return [
            f"{scene.tip_id} ({scene.title}): {trail.verdict} {trail.item} {scene.answers}, "
            f"should be {scene.verdict} {scene.item} {scene.http}"
            for scene, trail in ((scene, self._trails[scene.tip_id]) for scene in self.scenes)
            if not is_right(scene, trail)
        ]

    def _wrong_runs(self) -> list[str]:
        """Each activation once, one at a time, oldest settled first."""
        playing = [self._trails[scene.tip_id] for scene in self.hers if scene.plays]
        should = [
            f"{trail.tip_id}.all" for trail in sorted(playing, key=lambda trail: trail.position)
        ]
        did = self.device.runs
        wrong = [
            f"The device played {run} {count} times."
            for run, count in Counter(did).items()
            if count > 1
        ]
        wrong += [f"The device never played {run}." for run in should if run not in did]
        wrong += [
            f"The device played {run}, which it should not." for run in did if run not in should
        ]
        wrong += [
            f"The device began {run} while another was playing." for run in self.device.overlaps
        ]
        if not wrong and did != should:
            wrong.append(f"The device played in the order {did}, should be {should}.")
        return wrong

    def _wrong_record(self) -> list[str]:
        """The first content of a tip id stands, and the contradiction is kept for an admin."""
        scene = self.show.conflict
        wrong = []
        if self._trails[scene.tip_id].total != scene.amount:
            wrong.append(
                f"{scene.tip_id}: recorded with {self._trails[scene.tip_id].total} tokens, should "
                f"be {scene.amount}."
            )
        if conflicts(scene.tip_id) != 1:
            wrong.append(
                f"{scene.tip_id}: {conflicts(scene.tip_id)} conflicts on record, should be 1."
            )
        return wrong

    async def _wrong_api(self) -> list[str]:
        """The platform's view of each tip says the same."""
        headers = {"Authorization": f"Token {self._cast.platform_token}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False) as http:
            return [
                wrong for scene in self.scenes if (wrong := await self._wrong_answer(http, scene))
            ]

    async def _wrong_answer(self, http: httpx.AsyncClient, scene: Scene) -> str:
        answer = await http.get(f"/api/tips/{scene.tip_id}")
        if scene.verdict == NOT_RECORDED:
            return (
                ""
                if answer.status_code == 404
                else f"GET {answer.url.path}: {answer.status_code}, should be 404."
            )
        if answer.status_code != 200:
            return f"GET {answer.url.path}: {answer.status_code}, should be 200."
        said, should = answer.json(), scene.verdict.split()[0]
        if said["verdict"]["status"] != should:
            return f"GET {answer.url.path}: {said['verdict']['status']}, should be {should}."
        return self._wrong_seconds(said, scene) if scene.plays else ""

    def _wrong_seconds(self, said: dict[str, Any], scene: Scene) -> str:
        drawn = self._trails[scene.tip_id].drawn_seconds
        should = drawn or PROMISED_SECONDS[scene.item]
        for run in said["activations"]:
            promised, delivered = run["promisedSeconds"], run["deliveredSeconds"] or 0.0
            if promised != should or abs(delivered - should) > TOLERANCE_SECONDS:
                return (
                    f"{scene.tip_id}: {delivered} of {promised} s were played, should be {should}."
                )
        return ""
