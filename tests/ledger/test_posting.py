"""The books: posted once, never below zero, groups together or not at all, and every balance the fold of its
entries."""

import itertools
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.errors import BulkWriteError, PyMongoError

from ground.mongodb import transactions
from ground.mongodb.collections import collection
from ledger.books import memory, posting
from ledger.books.memory import MAX_BALANCE
from ledger.gateway import ISSUER, BalanceTooLarge, InsufficientFunds, KeyReused, Posted
from ledger.models import Account, Posting
from tests.factories import NOW
from tests.ground.plans import recorded
from tests.ledger.books import balances, counts, findings, issued, order, post

pytestmark = pytest.mark.django_db

ERROR = 8000  # of the server, and not one that says "again"


@pytest.fixture(autouse=True)
def _the_books_agree(db):
    yield
    assert findings() == []


def deltas(result):
    return [(entry.account, entry.points_delta, entry.balance_after) for entry in result.entries]


# --- once, repeated, concurrent, crashed -------------------------------------------------------------------


def test_a_transfer_has_two_entries_that_sum_to_zero():
    post([issued("a", 100)])
    (result,) = post([order("t", "a", "b", 30)])
    assert deltas(result) == [("a", -30, 70), ("b", 30, 30)]
    assert [entry.entry_id for entry in result.entries] == ["t:debit", "t:credit"]
    assert {entry.posted_at for entry in result.entries} == {NOW}
    assert balances() == {ISSUER: -100, "a": 70, "b": 30}


def test_a_repeat_answers_the_same_and_moves_nothing():
    post([issued("a", 100)])
    first = post([order("t", "a", "b", 30)])
    assert post([order("t", "a", "b", 30)], now=NOW.replace(year=2027)) == first
    assert balances()["a"] == 70
    assert counts() == (2, 4)


def test_a_repeat_is_told_the_balances_of_its_own_time():
    post([issued("a", 100)])
    first = post([order("t", "a", "b", 30)])
    post([order("u", "a", "b", 30)])
    assert post([order("t", "a", "b", 30)]) == first


def test_a_repeat_inside_one_batch_moves_once():
    post([issued("a", 100)])
    first, second = post([order("t", "a", "b", 30)], [order("t", "a", "b", 30)])
    assert first == second
    assert balances()["b"] == 30


def test_eight_threads_post_one_transfer_once(in_threads):
    post([issued("a", 100)])
    results = in_threads(lambda: post([order("t", "a", "b", 30)])[0], times=16)
    assert all(result == results[0] for result in results)
    assert counts() == (2, 4)
    assert balances()["b"] == 30


def test_eight_threads_spend_what_is_there_and_no_more(in_threads):
    post([issued("a", 100)])
    number = itertools.count()
    results = in_threads(lambda: post([order(f"t{next(number)}", "a", "b", 10)])[0], times=24)
    assert Counter(type(result) for result in results) == {Posted: 10, InsufficientFunds: 14}
    assert balances() == {ISSUER: -100, "a": 0, "b": 100}


def test_eight_threads_open_one_account_once(in_threads):
    number = itertools.count()
    in_threads(lambda: post([issued("new", 1, key=f"i{next(number)}")]), times=16)
    assert balances() == {ISSUER: -16, "new": 16}


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_any_number_of_accounts_moves_at_once(monkeypatch, at_once):
    monkeypatch.setattr(posting, "ACCOUNTS_AT_ONCE", at_once)
    names = [f"v{number}" for number in range(8)]
    post(*[[issued(name, 100 + number)] for number, name in enumerate(names)])
    post(*[[order(f"t{number}", name, "b", 10 * number + 1)] for number, name in enumerate(names)])
    assert [balances()[name] for name in names] == [99 - 9 * number for number in range(8)]
    assert balances()["b"] == sum(10 * number + 1 for number in range(8))


def test_an_account_that_is_not_as_it_was_read_stops_the_posting():
    """Nothing else may write it meanwhile; should it happen all the same, no balance is lost."""
    post([issued("a", 100)])

    def body(session):
        books = memory.Books()
        books.learn(posting.states(["a", "b"], session=session))
        row = books.move([order("t", "a", "b", 30)], now=NOW)
        collection(Account).update_one({"_id": "a"}, {"$inc": {"version": 1}}, session=session)
        posting.keep([row], books.take_moved(), now=NOW, session=session)

    with pytest.raises(posting.Contended):
        transactions.run(body)
    assert balances() == {ISSUER: -100, "a": 100}


def test_what_was_taken_for_new_and_is_not_is_refused_by_its_key():
    post([issued("a", 100)], [order("t", "a", "b", 30)])
    with pytest.raises(BulkWriteError) as refused:
        transactions.run(
            lambda session: posting.post([[order("t", "a", "b", 30)]], now=NOW, session=session, are_new=True)
        )
    assert [failure["code"] for failure in refused.value.details["writeErrors"]] == [11000]
    assert (balances()["b"], counts()) == (30, (2, 4))


def test_two_postings_never_hold_one_version_of_an_account():
    """The index is the tripwire, whoever wrote and whatever was believed of the account."""
    post([issued("a", 100)], [order("t", "a", "b", 30)])
    books = memory.Books()
    books.learn({"b": (0, 0), "c": (0, 0), "a": (100, 1)})  # as it was before t
    row = books.move([order("u", "a", "c", 5)], now=NOW)
    with pytest.raises(BulkWriteError) as refused:
        transactions.run(lambda session: posting.keep([row], books.take_moved(), now=NOW, session=session))
    (failure,) = refused.value.details["writeErrors"]
    assert failure["keyPattern"] == {"legs.account": 1, "legs.version": 1}
    assert (balances()["a"], counts()) == (70, (2, 4))


def test_a_leg_is_found_by_its_account_and_version_through_the_index():
    post([issued("a", 100)], [order("t", "a", "b", 30), order("t_COMMISSION", "b", "c", 3)])
    wanted = {"legs": {"$elemMatch": {"account": "b", "version": 2}}}
    with recorded(run=True) as plans:
        assert [row["_id"] for row in collection(Posting).find(wanted)] == ["t"]
    assert (plans[0].indexes, plans[0].examined) == (["posting_account_version"], 1)


def test_a_tip_is_one_document():
    post([issued("a", 100)], tip(1))
    assert collection(Posting).count_documents({}) == 2
    assert [entry.entry_id for entry in posting.entries_of(["tip1", "tip1_COMMISSION"])] == [
        *("tip1:debit", "tip1:credit"),
        *("tip1_COMMISSION:debit", "tip1_COMMISSION:credit"),
    ]


@pytest.mark.parametrize("first", [True, False])
def test_the_reference_of_a_commission_is_nobody_elses(first):
    """Whoever comes first: it is the key of no document, so no index would refuse the second one."""
    post([issued("a", 500)])
    if first:
        assert isinstance(post([order("tip1_COMMISSION", "a", "b", 5)])[0], KeyReused)
    post(tip(1))
    (other,) = post([order("tip1_COMMISSION", "a", "b", 5)])
    assert isinstance(other, KeyReused)
    assert balances() == {ISSUER: -500, "a": 400, "performer": 75, "platform": 25}


def test_a_commission_asked_for_alone_is_answered_as_it_was_posted():
    post([issued("a", 500)], tip(1))
    (again,) = post([order("tip1_COMMISSION", "performer", "platform", 25)])
    assert deltas(again) == [("performer", -25, 75), ("platform", 25, 25)]
    assert balances()["platform"] == 25


def test_states_are_those_of_the_rows_and_of_nobody():
    post([issued("a", 100)], [order("t", "a", "b", 30)])
    assert posting.states(["a", "b", "nobody"]) == {"a": (70, 2), "b": (30, 1), "nobody": (0, 0)}
    assert posting.states([]) == {}


def test_what_was_worked_out_in_memory_is_kept_as_it_would_have_been_posted():
    """Several groups at once, old accounts and new ones, one of them moved more than once."""
    post([issued("a", 500)])
    books = memory.Books()
    books.learn(posting.states(books.unknown(["a", "performer", "platform"])))
    rows = [books.move(tip(number), now=NOW) for number in range(3)]
    transactions.run(lambda session: posting.keep(rows, books.take_moved(), now=NOW, session=session))
    assert balances() == {ISSUER: -500, "a": 200, "performer": 225, "platform": 75}
    assert [posting.entries(row) for row in rows] == [result.entries for result in post(*map(tip, range(3)))]


WRITES = [
    ("update", "ledger_accounts"),
    ("insert", "ledger_postings"),
]


@pytest.mark.parametrize(("command", "name"), [*WRITES, ("commitTransaction", None)])
def test_a_crash_at_any_write_leaves_nothing_and_a_repeat_posts_once(fail_command, command, name):
    post([issued("a", 100)])
    where = {"namespace": f"{collection(Account).database.name}.{name}"} if name else {}
    fail_command(command, errorCode=ERROR, **where)
    with pytest.raises((PyMongoError, transactions.NotCommitted)):
        post([order("t", "a", "new", 30)])
    assert balances() == {ISSUER: -100, "a": 100}
    assert counts() == (1, 2)
    post([order("t", "a", "new", 30)])
    assert balances() == {ISSUER: -100, "a": 70, "new": 30}


def test_a_crash_of_the_callers_own_step_undoes_the_posting():
    def body(session):
        posting.post([[issued("a", 100)]], now=NOW, session=session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transactions.run(body)
    assert counts() == (0, 0)


# --- never below zero --------------------------------------------------------------------------------------


def test_a_balance_goes_to_zero_and_not_below():
    post([issued("a", 30)])
    assert isinstance(post([order("t", "a", "b", 30)])[0], Posted)
    (refused,) = post([order("u", "a", "b", 1)])
    assert isinstance(refused, InsufficientFunds)
    assert refused.reason == "insufficient_funds"
    assert balances()["a"] == 0


def test_what_was_refused_may_be_posted_later():
    assert isinstance(post([order("t", "a", "b", 30)])[0], InsufficientFunds)
    assert counts() == (0, 0)
    post([issued("a", 30)])
    assert isinstance(post([order("t", "a", "b", 30)])[0], Posted)


def test_tokens_that_arrive_in_the_same_batch_may_be_spent_in_it():
    results = post(
        [issued("a", 30)], [order("t", "a", "b", 30)], [order("u", "b", "c", 30)], [order("v", "a", "b", 1)]
    )
    assert [type(result) for result in results] == [Posted, Posted, Posted, InsufficientFunds]
    assert balances() == {ISSUER: -30, "a": 0, "b": 0, "c": 30}


def test_a_balance_is_one_that_every_json_reader_holds_and_only_the_issuer_owes_more():
    assert MAX_BALANCE == 2**53 - 1
    post([issued("a", MAX_BALANCE)])
    (refused,) = post([issued("a", 1, key="more")])
    assert isinstance(refused, BalanceTooLarge)
    post([issued("b", MAX_BALANCE, key="others")])
    assert balances() == {ISSUER: -2 * MAX_BALANCE, "a": MAX_BALANCE, "b": MAX_BALANCE}


@pytest.mark.parametrize("amount", [0, -5, True, 1.0])
def test_a_transfer_moves_a_positive_whole_number(amount):
    with pytest.raises(ValueError, match="positive whole number"):
        order("t", "a", "b", amount)


def test_a_transfer_has_two_accounts():
    with pytest.raises(ValueError, match="two accounts"):
        order("t", "a", "a", 5)


# --- groups and keys ---------------------------------------------------------------------------------------


def tip(number, tipper="a", total=100, cut=25):
    return [
        order(f"tip{number}", tipper, "performer", total),
        order(f"tip{number}_COMMISSION", "performer", "platform", cut),
    ]


def test_a_groups_transfers_are_posted_together():
    post([issued("a", 500)], [issued("performer", 1000)])
    (result,) = post(tip(1))
    assert deltas(result) == [
        ("a", -100, 400),
        ("performer", 100, 1100),
        ("performer", -25, 1075),
        ("platform", 25, 25),
    ]


def test_a_group_that_fails_at_its_end_leaves_nothing_and_does_not_touch_its_neighbours():
    post([issued("a", 250)])
    results = post(tip(1), tip(2, cut=300), tip(3))
    assert [type(result) for result in results] == [Posted, InsufficientFunds, Posted]
    assert balances() == {ISSUER: -250, "a": 50, "performer": 150, "platform": 50}
    assert counts() == (5, 10)


@pytest.mark.parametrize(
    "other",
    [
        order("t", "a", "b", 31),
        order("t", "c", "b", 30),
        order("t", "a", "c", 30),
        order("t", "a", "b", 30, subject="x"),
    ],
)
def test_a_key_is_never_used_for_something_else(other):
    post([issued("a", 100)], [issued("c", 100)], [order("t", "a", "b", 30)])
    before = balances()
    (refused,) = post([other])
    assert isinstance(refused, KeyReused)
    assert refused.reason == "source_ref_reused"
    assert balances() == before


def test_a_group_of_which_a_part_is_posted_is_refused_whole():
    post([issued("a", 500)], [order("tip1", "a", "performer", 100)])
    assert isinstance(post(tip(1))[0], KeyReused)
    assert balances()["a"] == 400


def test_a_key_taken_earlier_in_the_same_batch_is_taken():
    results = post([issued("a", 100)], [order("t", "a", "b", 30)], [order("t", "a", "b", 40)])
    assert isinstance(results[2], KeyReused)


# --- versions and folds ------------------------------------------------------------------------------------


def test_versions_count_an_accounts_entries_without_gaps():
    post([issued("a", 500)])
    for number in range(5):
        post(tip(number), tip(f"{number}x", tipper="poor"))
    legs = [leg for row in collection(Posting).find() for leg in row["legs"] if leg["account"] == "performer"]
    versions = sorted(leg["version"] for leg in legs)
    assert versions == list(range(1, 11))
    assert collection(Account).find_one({"_id": "performer"})["version"] == 10


names = st.sampled_from(["a", "b", "c", ISSUER])
transfers = st.tuples(st.sampled_from(range(12)), names, names, st.integers(1, 60)).filter(
    lambda t: t[1] != t[2]
)
# A transfer alone, or with a commission: to whom, and of how much.
groups_of_transfers = st.tuples(transfers, st.none() | st.tuples(names, st.integers(1, 60))).filter(
    lambda group: group[1] is None or group[1][0] != group[0][2]
)
examples = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(groups_of_transfers, min_size=1, max_size=5), min_size=1, max_size=4))
def test_whatever_is_posted_money_is_conserved_and_the_books_agree(batches):
    world = f"{next(examples)}."  # accounts of an example are its own; the issuer is everyone's
    before = balances()

    def account(name):
        return name if name == ISSUER else world + name

    for batch in batches:
        groups = []
        for (key, debit, credit, amount), cut in batch:
            groups.append([order(f"{world}{key}", account(debit), account(credit), amount)])
            if cut:
                payee, share = cut
                groups[-1].append(order(f"{world}{key}_COMMISSION", account(credit), account(payee), share))
        for group, result in zip(groups, post(*groups), strict=True):
            if isinstance(result, Posted):
                assert [entry.points_delta for entry in result.entries] == [
                    n for o in group for n in (-o.amount, o.amount)
                ]
    after = balances()
    assert sum(after.values()) == 0
    assert all(balance >= 0 for name, balance in after.items() if name != ISSUER)
    issued_now = sum(balance for name, balance in after.items() if name.startswith(world))
    assert after.get(ISSUER, 0) == before.get(ISSUER, 0) - issued_now
    assert findings() == []
