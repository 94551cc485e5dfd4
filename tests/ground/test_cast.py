"""Each test starts from what the migrations left, whoever wrote what before."""

import pytest

from ledger.database import collection
from ledger.models import Account


@pytest.mark.parametrize("turn", range(50))
def test_a_test_finds_nothing_of_the_test_before(turn, ana, carol, dina):
    assert collection(Account).count_documents({}) == 0
    collection(Account).insert_one({"_id": "a", "balance": turn})
