"""`python -m bench.menustack [--rounds N]`: what menus cost a whole stack, as ratios of alternated
runs.

1. Tips a second at the maximum by a menu that draws at random, names its show and plays one toy
later, and by one with stock and cooldown, beside a plain one. 2. Publishing 500 items beside a bare
majority insert of the same document; previews of 500 items beside 5; and drawing a pattern as it is
typed beside both."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import httpx
from pymongo import MongoClient, WriteConcern

from bench.load import percentiles
from bench.runs import measure, plans
from bench.stack import BenchStack

Row = dict[str, Any]
LARGE, SMALL = 500, 5
PREVIEWS, PUBLISHED = 400, 15  # a performer publishes at most 20 versions an hour
AT_ONCE = 50  # changes of a draft in one call
MENU = "/api/lovense/tip-menu"
TYPED = {"text": ", ".join(f"{1 + place % 20} 1s" for place in range(30))}


# --- tips a second -------------------------------------------------------------------------------


def maxima(rounds: int) -> dict[str, list[Row]]:
    """By menu, a run of each in every round."""
    found: dict[str, list[Row]] = {"toy": [], "chance": [], "terms": []}
    for _ in range(rounds):
        for menu, rows in found.items():
            with BenchStack(performers=50, web=1, menu=menu) as stack:
                row = measure(plans(["max"], quick=True)[0], stack)
            rows.append(row)
            print(
                f"{menu:8} {row['tips_per_second']:8,.0f} tips/s  clean: {row['clean']}", flush=True
            )
    return found


# --- her calls -----------------------------------------------------------------------------------


class Owner:
    """One performer's calls."""

    def __init__(self, stack: BenchStack, place: int) -> None:
        self.performer_id, token = list(stack.tokens.items())[place]
        headers = {"Authorization": f"Token {token}"}
        self.http = httpx.Client(base_url=stack.addresses["url"], headers=headers, timeout=30)

    def call(self, method: str, path: str, **more: Any) -> Row:
        answer = self.http.request(method, path, **more)
        answer.raise_for_status()
        told: Row = answer.json()
        return told

    def fill(self, count: int) -> None:
        """With items beside each other, in place of what is there."""
        draft = self.call("GET", MENU)
        first = draft["items"][0]["itemId"]
        adds = [{"add": item(place)} for place in range(1, count)]
        changes = [{"itemId": first, "change": item(0)}, *adds]
        for start in range(0, count, AT_ONCE):
            asked = {"revision": draft["revision"], "changes": changes[start : start + AT_ONCE]}
            draft = self.call("POST", f"{MENU}/patch", json=asked)
        self.publish()

    def publish(self) -> None:
        self.call("POST", f"{MENU}/publish", json={})

    def change(self, strength: int) -> None:
        draft = self.call("GET", MENU)
        asked = {"revision": draft["revision"], "intensity": strength}
        self.call("PUT", f"{MENU}/{draft['items'][0]['itemId']}", json=asked)

    def preview(self, amount: int) -> None:
        self.call("GET", f"{MENU}/preview", params={"amount": amount})

    def draw(self) -> None:
        self.call("POST", "/api/lovense/patterns/preview", json=TYPED)


def item(place: int) -> Row:
    low = 1 + 10 * place
    return {
        **{"title": f"Item {place}", "minimum": low, "maximum": low + 9},
        **{"pattern": "wave", "intensity": 1 + place % 20, "durationSec": 1 + place % 60},
    }


def took(work: Callable[..., object], *given: object) -> float:
    began = time.perf_counter()
    work(*given)
    return 1000 * (time.perf_counter() - began)


def publishing(stack: BenchStack, owner: Owner) -> tuple[float, float]:
    """Medians in ms: one publication, and an insert of what it wrote."""
    client: MongoClient[Row] = MongoClient(stack.addresses["mongodb_uri"])
    menus = client.get_default_database().get_collection(
        "tip_menus", write_concern=WriteConcern("majority")
    )
    published, inserted = [], []
    for turn in range(PUBLISHED):
        owner.change(1 + turn)
        published.append(took(owner.publish))
        newest = menus.find_one({"performer_id": owner.performer_id}, sort=[("version", -1)])
        copy = {**(newest or {}), "_id": f"copy-{turn}", "performer_id": "copy", "version": turn}
        inserted.append(took(menus.insert_one, copy))
    client.close()
    return median(published), median(inserted)


def looks(large: Owner, small: Owner) -> dict[str, list[float]]:
    """ms of each call, by turns."""
    found: dict[str, list[float]] = {"large": [], "small": [], "drawn": []}
    for turn in range(PREVIEWS + 20):
        amount = 1 + turn * 7 % (10 * SMALL)
        found["large"].append(took(large.preview, amount))
        found["small"].append(took(small.preview, amount))
        found["drawn"].append(took(small.draw))
    return {name: each[20:] for name, each in found.items()}


# --- the report ----------------------------------------------------------------------------------


def ratios(rounds: int) -> Iterator[tuple[str, float, float, bool]]:
    """What, its ratio, its bound, and whether the bound is the least there may be."""
    runs = maxima(rounds)
    rates = {menu: median(row["tips_per_second"] for row in rows) for menu, rows in runs.items()}
    yield "tips/s: random, shows, offsets / plain", rates["chance"] / rates["toy"], 0.95, True
    yield "tips/s: stock and cooldown / plain", rates["terms"] / rates["toy"], 0.80, True
    with BenchStack(performers=2, web=1, menu="toy") as stack:
        large, small = Owner(stack, 0), Owner(stack, 1)
        large.fill(LARGE)
        small.fill(SMALL)
        published, inserted = publishing(stack, large)
        print(f"published {published:.1f} ms, inserted {inserted:.1f} ms")
        found = {name: percentiles(each) for name, each in looks(large, small).items()}
    print("\n".join(f"{name}: {each}" for name, each in found.items()))
    yield "publish of 500 / bare majority insert", published / inserted, 10, False
    yield "preview p99: 500 / 5", found["large"]["p99"] / found["small"]["p99"], 1.5, False
    yield "waveform p99 / preview p99", found["drawn"]["p99"] / found["small"]["p99"], 1.5, False


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.menustack")
    parser.add_argument("--rounds", type=int, default=3)
    is_good = True
    for what, found, bound, is_least in ratios(parser.parse_args().rounds):
        within = found >= bound if is_least else found <= bound
        is_good &= within
        print(f"{what:45} {found:6.2f}  (bound {bound}){'' if within else '  MISSED'}", flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
