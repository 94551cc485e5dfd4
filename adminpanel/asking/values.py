"""The values that a field has, as somebody begins to type one."""

from collections.abc import Iterable

from adminpanel.asking.kinds import Statement
from adminpanel.asking.plan import Listed
from ground.mongodb.collections import collection


def known(listed: Listed, field: str, *, begins: str, index: str, most: int) -> Iterable[str]:
    """The values of a field that begin so: a look into the index for each, however many rows."""
    last = ""
    for _ in range(most):
        where: Statement = {"$gte": begins, "$lt": f"{begins}\U0010ffff", "$gt": last}
        row = collection(listed.model).find_one(
            {field: where}, {field: 1, "_id": 0}, sort=[(field, 1)], hint=index
        )
        if row is None:
            return
        last = row[field]
        yield last
