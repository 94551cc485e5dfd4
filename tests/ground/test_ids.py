"""Identifiers are those of the standard library, letter by letter."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from ground import ids


@given(st.uuids(), st.text(max_size=60).filter(lambda name: name.isprintable()))
def test_a_derived_one_is_the_standard_librarys(namespace, name):
    assert ids.derived(namespace, name) == str(uuid.uuid5(namespace, name))


def test_a_fresh_one_is_random_and_of_version_4():
    made = [uuid.UUID(ids.fresh()) for _ in range(500)]
    assert len(set(made)) == 500
    assert {(each.version, each.variant) for each in made} == {(4, uuid.RFC_4122)}
