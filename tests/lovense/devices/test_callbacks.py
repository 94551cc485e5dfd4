"""A callback's body as a value: every dialect means the same, and a wrong type is refused by its name."""

import json

import pytest

from ground.json.errors import Refusal
from ground.json.fields import Malformed
from lovense.devices import callbacks
from lovense.devices.callbacks import App
from tests.lovense.devices.apps import DOMAIN, LUSH, NORA, PORTS, UID, body, call, said

TEXTS = {name: str(port) for name, port in PORTS.items()}


def refused(*toys, **more):
    with pytest.raises(Malformed) as why:
        call(*toys, **more)
    return why.value.field


def test_what_an_app_says_is_read():
    found = call(LUSH, NORA, appType="remote")
    assert (found.uid, found.utoken_hash) == (UID, callbacks.hashed("utoken-of-ana"))
    assert found.app == App("remote", "7.95.1", "android", "101")
    assert found.address.domain == DOMAIN
    assert found.address.ports == {"http": 34567, "https": 34568, "ws": 34567, "wss": 34568}
    assert [toy.toy_id for toy in found.toys.kept] == ["toy-1", "toy-2"]


@pytest.mark.parametrize(
    "dialect",
    [
        {},
        TEXTS,
        {"version": "101"},
        {"version": 101.0},
        {"toys": json.dumps({"toy-1": LUSH, "toy-2": NORA})},
        {"toys": [LUSH, NORA]},
        {"toys": {"toy-2": NORA, "toy-1": LUSH}},
        {"toys": {"toy-1": LUSH | {"status": "on"}, "toy-2": NORA | {"status": "1", "battery": None}}},
        {"unknown": {"a": [1]}, "nickName": "x"},
    ],
    ids=lambda dialect: "-".join(dialect) or "plain",
)
def test_in_every_dialect_the_same_means_the_same(dialect):
    found = call(LUSH, NORA, **dialect)
    assert found.content == call(LUSH, NORA).content
    assert {toy.toy_id: toy for toy in found.toys.kept} == {
        toy.toy_id: toy for toy in call(LUSH, NORA).toys.kept
    }


@pytest.mark.parametrize(
    "other",
    [
        {"toys": [LUSH]},
        {"toys": [LUSH, NORA | {"status": 0}]},
        {"toys": [LUSH, NORA | {"battery": 3}]},
        {"httpPort": 1},
        {"domain": "10-0-0-1.lovense.club"},
        {"domain": "8-8-8-8.lovense.club"},
        {"platform": "ios"},
        {"appType": "connect"},
    ],
    ids=str,
)
def test_another_meaning_has_another_content(other):
    assert call(LUSH, NORA, **other).content != call(LUSH, NORA).content


def test_whose_it_is_is_no_part_of_its_content():
    assert call(uid="another", utoken="another").content == call().content


def test_what_proves_it_is_in_no_text_of_it():
    shown = repr(call())
    assert not [
        word for word in (UID, "utoken-of-ana", callbacks.hashed("utoken-of-ana"), DOMAIN) if word in shown
    ]


def test_of_many_toys_the_first_are_kept_and_all_are_counted():
    found = call(*({"id": f"t{n}", "name": "lush", "status": 1} for n in range(500)))
    assert (len(found.toys.kept), found.toys.count) == (16, 500)


@pytest.mark.parametrize("toys", [None, ..., "", {}, []], ids=repr)
def test_an_app_without_toys_is_one(toys):
    assert call(toys=toys).toys.count == 0


@pytest.mark.parametrize("message", ["c2VjcmV0", {}, 5])
def test_an_encrypted_callback_is_nobodys(message):
    assert callbacks.read(json.dumps({"message": message}).encode()) is None


def test_a_message_beside_a_uid_is_a_field_that_nobody_knows():
    assert call(message="c2VjcmV0") == call()


# --- refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["uid", "utoken"])
@pytest.mark.parametrize("value", [..., None, "", 5, True, [], {}, "x" * 129, "a\x00b", "\ud800"], ids=ascii)
def test_what_proves_it_is_a_text_of_1_to_128_characters(name, value):
    assert refused(**{name: value}) == name


def test_128_characters_are_taken():
    assert call(uid="é" * 128, utoken="☃" * 128).uid == "é" * 128


@pytest.mark.parametrize("name", ["appType", "appVersion", "platform", "version"])
@pytest.mark.parametrize("value", [True, [], {}], ids=repr)
def test_what_an_app_calls_itself_is_text_or_a_number(name, value):
    assert refused(**{name: value}) == name


@pytest.mark.parametrize("name", list(PORTS))
@pytest.mark.parametrize("value", [[], {}], ids=repr)
def test_what_could_be_no_port_refuses_the_whole(name, value):
    assert refused(**{name: value}) == name


@pytest.mark.parametrize("port", [0, "80;", True])
def test_a_port_that_is_none_refuses_the_address_alone(port):
    found = call(httpPort=port)
    assert (found.address.is_refused, found.address.domain, found.toys.connected) == (True, "", 1)


@pytest.mark.parametrize(
    ("toys", "field"),
    [
        (5, "toys"),
        (True, "toys"),
        ("{", "toys"),
        ("5", "toys"),
        ([5], "toys[0]"),
        ({"a": []}, "toys[0]"),
        ([LUSH, {"id": 5}], "toys[1].id"),
        ({"a\x00b": {"name": "lush"}}, "toys[0].id"),
    ],
    ids=str,
)
def test_toys_that_are_none_are_refused_by_their_place(toys, field):
    assert refused(toys=toys) == field


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b'{"uid":"u","utoken":"u","x":' + nested(8).encode() + b"}", "body"),
        (json.dumps({"uid": "u", "utoken": "u", "toys": nested(9)}).encode(), "toys"),
        (json.dumps({"uid": "u", "utoken": "u", "toys": '[{"\ud800":' * 9}).encode(), "toys"),
        (b"[" * 60_000, "body"),
        (b'{"toys":' * 5_000, "body"),
    ],
    ids=["body", "toys", "half a letter", "brackets", "objects"],
)
def test_nothing_is_nested_deeper_than_8(content, field):
    with pytest.raises(Malformed) as why:
        callbacks.read(content)
    assert (why.value.field, why.value.rule) == (field, "must not be nested deeper than 8")


def test_8_deep_is_taken():
    assert (
        call(x=json.loads(nested(7)), toys=json.dumps([LUSH | {"x": json.loads(nested(6))}])).toys.count == 1
    )


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"5", b"\xff", b'{"uid":NaN}', b'{"uid":"a","uid":"b"}']
)
def test_no_json_object_is_refused(content):
    with pytest.raises(Refusal) as why:
        callbacks.read(content)
    assert (why.value.status, why.value.details["field"]) == (400, "body")


@pytest.mark.parametrize("name", ["appType", "appVersion", "platform", "version"])
def test_a_word_that_is_too_long_is_cut_and_cleaned(name):
    found = call(**{name: "x\u202ey\x07" + "z" * 300}).app
    assert max(map(len, (found.type, found.version, found.platform, found.protocol))) <= 32
    assert "\u202e" not in repr(found)


def test_a_body_is_the_same_whatever_the_order_of_its_fields():
    backwards = dict(reversed(said().items()))
    assert callbacks.read(json.dumps(backwards).encode()) == callbacks.read(body())
