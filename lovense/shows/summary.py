"""The summary of a show: the last one stays in sight after its end until the next one begins, or
until she puts it away. That she did is a fact on its row; nothing else depends on it."""

from datetime import datetime

from ground.json.errors import Refusal
from ground.mongodb.collections import collection
from lovense.models import Show
from lovense.rows import PageLeaseRow, ShowRow
from lovense.shows import onair

LONGEST_NUMBER = 16  # digits


class ShowNotFound(Refusal):
    """A show is one of hers that is over, named by its number."""

    code, status, words = "not_found", 404, "There is no such show."


def in_sight(row: PageLeaseRow, *, now: datetime) -> ShowRow | None:
    """The last show of this lease, once it is over and written down. None: she is on air, it was
    put away, or there was none. One look by key."""
    since = row.get("on_air_since")
    if since is None or onair.of_lease(row, now) is not None:
        return None
    key = onair.show_key(row["_id"], since)
    in_view = {"_id": key, "is_open": False, "put_away_at": None}
    return collection(Show).find_one(in_view, {"tally": 0})


def put_away(*, performer_id: str, number: str, now: datetime) -> bool:
    """False: it was put away before."""
    row = owned(performer_id, number)
    if row is None or row["is_open"]:
        raise ShowNotFound
    in_view = {"_id": row["_id"], "put_away_at": None}
    done = collection(Show).update_one(in_view, {"$set": {"put_away_at": now}})
    return bool(done.modified_count)


def owned(performer_id: str, number: str) -> ShowRow | None:
    """The show of hers with that number, open or over. None: there is none."""
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
        return None
    return collection(Show).find_one({"_id": f"{performer_id}.{number}"}, {"tally": 0})


def number_of(row: ShowRow) -> str:
    """What names it among hers."""
    return row["_id"].rpartition(".")[2]
