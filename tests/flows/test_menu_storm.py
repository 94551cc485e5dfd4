"""A menu that changes while it is tipped, and pieces that run out, at two web processes of which everything
dies in turn: each tip has the version that its viewer saw, and ten pieces are ten."""

import asyncio
import os
from collections import Counter
from datetime import timedelta

import httpx

from config import benchmark
from ground import clock
from lovense.deciding import stock
from lovense.menus import draws
from tests.flows import proof
from tests.flows.facts import PATIENCE_SECONDS
from tests.flows.show import RETRY_SECONDS, VIEWERS, Tip, new_tip
from tips.intake import simulator

TIPS = int(os.environ.get("TIPS", "60"))
MODES = ("fifo", "priority", "batch")
VERSIONS = 10
BLOWS = ("web-1", "a word", "mongod", "a socket", "web-0", "worker-0", "redis", "a refusal", "web-1")
CHANCES = {"intensity": {"from": 1, "to": 20}, "durationSec": {"from": 1, "to": 3}}
LATE = timedelta(minutes=14)


class Her:
    """A performer at her doors, who says again what was not answered."""

    def __init__(self, show, device):
        self.show, self.performer_id, self.device = show, device.performer_id, device
        self.headers = {"Authorization": f"Token {device._token}"}
        self.changing = asyncio.Lock()  # while she publishes nobody says which version is on show
        self.answered = {}  # by version, when she had the answer that it is in force
        self.turns = [asyncio.Queue(), asyncio.Queue()]  # of who publishes, and of who strikes

    async def asks(self, method, path, body=None, *, key=""):
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while True:
                try:
                    url = f"{self.show.stack.url}/api/{path}"
                    answer = await client.request(method, url, json=body, headers=headers)
                    if answer.status_code < 500:
                        return answer
                except httpx.TransportError:
                    pass
                await asyncio.sleep(RETRY_SECONDS)

    async def says(self, **changes):
        """What her only item is from now on, in her draft."""
        while True:
            draft = (await self.asks("get", "lovense/tip-menu")).json()
            said = changes | {"revision": draft["revision"]}
            if draft["items"]:
                path = f"lovense/tip-menu/{draft['items'][0]['itemId']}"
                answer = await self.asks("put", path, said)
            else:
                answer = await self.asks("post", "lovense/tip-menu", said)
            if answer.status_code != 409:  # it was written, and the answer was lost
                assert answer.status_code in (200, 201), answer.text
                return

    async def publishes(self, number):
        """Every third time back to the version before the last; every fourth the last was a mistake."""
        usual = {"minimum": 1, "maximum": None, "pattern": "level", "random": CHANCES}
        await self.says(title=f"Menu {number}", **usual)
        body = {"note": f"the {number}th", "withdraw": number % 4 == 0}
        path = f"versions/{number - 2}/rollback" if number % 3 == 0 else "publish"
        async with self.changing:
            answer = await self.asks("post", f"lovense/tip-menu/{path}", body, key=f"p{number}")
            assert answer.json()["version"] == number, answer.text
            self.answered[number] = clock.now()

    async def tip(self, *, late=False, amount=100):
        """A call whose tip was made now, or long ago."""
        async with self.changing:
            return dated(self.performer_id, amount, clock.now() - (LATE if late else timedelta(0)))


def dated(performer_id, amount, made_at):
    tip = new_tip(performer_id, amount=amount)
    tipper = benchmark.viewer_id(int(tip.tip_id[-4:], 16) % VIEWERS)
    data = simulator.tip(tip.tip_id, amount, tipper_id=tipper, performer_id=performer_id, commission=25)
    content = simulator.body("tip.succeeded", data | {"createdAt": clock.iso(made_at)})
    return Tip(tip.tip_id, performer_id, content, tip.message_id)


# --- the version that a viewer saw -------------------------------------------------------------------------


async def tipped(show, her, made):
    """One after the other; every fifth is called only when all is published, every seventh is old."""
    late = []
    for number in range(TIPS):
        takes_turns(her, number)
        tip = await her.tip(late=number % 7 == 6)
        made.append(tip)
        if number % 5 == 4:
            late.append(tip)
        else:
            await show.send(tip)
    while len(her.answered) < VERSIONS - 1:
        await asyncio.sleep(RETRY_SECONDS)
    for tip in late:
        await show.send(tip)


def takes_turns(her, number):
    """All of them are over before the last tip is called."""
    for turns, times in zip(her.turns, (VERSIONS, len(BLOWS) + 1), strict=True):
        if number % max(1, TIPS // times) == 0:
            turns.put_nowait(number)


async def published(show, her):
    """Versions while tips come, and a Stop with its resume in the middle."""
    for number in range(2, VERSIONS + 1):
        await her.turns[0].get()
        await her.publishes(number)
        if number == VERSIONS // 2:
            assert (await her.asks("post", "lovense/stop")).status_code == 200
            assert (await her.asks("post", "lovense/resume")).status_code == 200


async def struck(show, her):
    for blow in BLOWS:
        await her.turns[1].get()
        if blow == "a word":
            her.device.faults.drop("finished")
        elif blow == "a refusal":
            her.device.faults.refuse("busy")
        elif blow == "a socket":
            her.device.drop_socket()
        else:
            show.stack.kill(blow)


def saw(menus, made_at):
    """The version that was in force: the newest of its time, else the first; and the next one that nobody
    has withdrawn. By the versions themselves, not by the history on her row."""
    began = [number for number, menu in menus.items() if menu["published_at"] <= made_at] or [1]
    seen = max(began)
    return seen, next(n for n in range(seen, VERSIONS + 1) if not menus[n].get("withdrawn_at"))


async def test_each_tip_has_the_version_that_its_viewer_saw_whatever_dies(begin_with_two):
    async with begin_with_two(performers=len(MODES)) as show:
        hers = [Her(show, device) for device in show.devices.values()]
        made = {her.performer_id: [] for her in hers}
        for her, mode in zip(hers, MODES, strict=True):
            assert (await her.asks("post", "performance-queue/mode", {"mode": mode})).status_code == 200
            her.answered[1] = clock.now()
        async with asyncio.TaskGroup() as tasks:
            for her in hers:
                tasks.create_task(tipped(show, her, made[her.performer_id]))
                tasks.create_task(published(show, her))
            tasks.create_task(struck(show, hers[0]))
        await show.played(seconds=4 * PATIENCE_SECONDS)
        for her in hers:
            rows = await versions_are_right(show, her, made[her.performer_id])
            await draws_are_right(show, her, rows)
        drawn = await asyncio.to_thread(
            show.stack.manage, "verify_draws", f"{hers[0].performer_id}.{VERSIONS}"
        )
        assert "draws" in drawn
        await proof.of_the_chain(show.facts.database)
        await proof.of_the_books(show.facts.database)


async def versions_are_right(show, her, made):
    database = show.facts.database
    found = await database.tip_menus.find({"performer_id": her.performer_id}).to_list()
    menus = {row["version"]: row for row in sorted(found, key=lambda row: row["version"])}
    assert list(menus) == list(range(1, VERSIONS + 1))
    ids = [tip.tip_id for tip in made]
    tips = {row["_id"]: row async for row in database.tips.find({"_id": {"$in": ids}})}
    rows = await database.activations.find({"tip_id": {"$in": ids}}).to_list()
    assert {row["tip_id"] for row in rows} == set(ids)
    for row in rows:
        made_at = tips[row["tip_id"]]["tipped_at"]
        first, instead = saw(menus, made_at)
        if first != instead and row["created_at"] <= her.answered[first + 1]:
            assert row["menu_version"] in (first, instead), (row, made_at)
        else:
            assert row["menu_version"] == instead, (row, made_at)
        gate = next(each["saw"] for each in row["gates"] if each["gate"] == "menu")
        assert gate.startswith(f"version {row['menu_version']}, "), gate
    return rows


async def draws_are_right(show, her, rows):
    """Whichever process decided it, and however often: what the secret of its version says of the tip."""
    seals = {row["_id"]: row async for row in show.facts.database.menu_seals.find()}
    random = [row for row in rows if row["item"].get(draws.DRAWN_BY)]
    assert len(random) > TIPS / 4
    for row in random:
        key = f"{her.performer_id}.{row['menu_version']}"
        assert row["item"][draws.DRAWN_BY] == key
        draw = draws.Draw(key, row["tip_id"], row["item"]["itemId"])
        values = draws.drawn({"random": CHANCES}, bytes.fromhex(seals[key]["secret"]), draw)
        assert {name: row["item"][name] for name in values} == values
    return Counter(row["item"][draws.DRAWN_BY] for row in random)


# --- ten pieces --------------------------------------------------------------------------------------------

PIECES, EXACT, AT_ONCE = 10, 77, 8
LOSSES = ("web-0", "a refusal", "worker-0", "a skip", "web-1", "mongod", "a word", "redis", "a skip")


async def offered(her):
    """Beside what answers every tip."""
    usual = {"pattern": "level", "intensity": 5, "durationSec": 1}
    rare = {"title": "Rare", "minimum": EXACT, "maximum": EXACT, "stock": PIECES}
    revision = (await her.asks("get", "lovense/tip-menu")).json()["revision"]
    made = await her.asks("post", "lovense/tip-menu", usual | rare | {"revision": revision})
    assert made.status_code == 201
    assert (await her.asks("post", "lovense/tip-menu/publish", {}, key="shop")).status_code == 201


async def bought(show, her, tips):
    """So many at once, each until it is taken."""
    waiting = iter(enumerate(tips))

    async def buyer():
        for number, tip in waiting:
            takes_turns(her, number)
            await show.send(tip)

    await asyncio.gather(*(buyer() for _ in range(AT_ONCE)))


async def lost(show, her):
    for blow in LOSSES:
        await her.turns[1].get()
        if blow == "a word":
            her.device.faults.drop("finished")
        elif blow == "a refusal":
            her.device.faults.refuse("unsupported")
        elif blow == "a skip":
            await her.asks("post", "performance-queue/skip")
        else:
            show.stack.kill(blow)
        assert (await fates(show, her))["played"] <= PIECES


async def fates(show, her):
    """What became of the pieces that were taken, by the activations that took them."""
    pieces = await show.facts.database.stock_pieces.find({"performer_id": her.performer_id}).to_list()
    taken = [piece for piece in pieces if piece["state"] != stock.FREE]
    ids = [piece["activation"] for piece in taken]
    assert len(set(ids)) == len(ids)
    rows = {row["_id"]: row async for row in show.facts.database.activations.find({"_id": {"$in": ids}})}
    item_ids = {key: row["item"] and row["item"]["itemId"] for key, row in rows.items()}
    return Counter(stock.became(rows.get(key), item_ids.get(key) or "") for key in ids)


async def test_ten_pieces_are_ten_over_two_web_processes_whatever_dies(begin_with_two):
    async with begin_with_two(performers=1) as show:
        her = Her(show, show.device)
        await offered(her)
        tips = [new_tip(her.performer_id, amount=EXACT) for _ in range(TIPS)]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bought(show, her, tips))
            tasks.create_task(lost(show, her))
        await show.played(seconds=4 * PATIENCE_SECONDS)
        end = await fates(show, her)
        assert end["played"] + end["unknown"] == PIECES, end
        assert end["under_way"] == 0
        rows = await show.facts.database.activations.find({"performer_id": her.performer_id}).to_list()
        titles = Counter(row["item"]["title"] for row in rows if row["item"])
        assert len(rows) == TIPS
        assert titles["Every tip"] >= TIPS - PIECES - len(LOSSES)
        await proof.of_the_chain(show.facts.database)
        await proof.of_the_books(show.facts.database)
