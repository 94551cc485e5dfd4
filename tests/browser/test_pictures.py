"""Which pictures `make screenshots` takes: what pages are parts of has one each."""

from lovense.page import welcomepage
from lovense.performers import sections
from tests.browser import evenings


def test_every_part_of_her_pages_that_has_an_address_has_its_picture():
    assert evenings.SECTIONS == sections.SECTIONS
    assert evenings.STEPS == welcomepage.STEPS
    names = [shot.name for shot in evenings.SHOTS]
    assert len(names) == len(set(names))
