"""A table whose rows are lists where it is narrow: a browser may then take its boxes for no table's."""

import re

import pytest
from django.template import Context, Template

ROLES = {
    "table": "table",
    "thead": "rowgroup",
    "tbody": "rowgroup",
    "tr": "row",
    "th": "columnheader",
    "td": "cell",
}


def written(*, stacks):
    source = Template('{% load ui %}{% ui_table "Limits" head rows stacks=stacks %}')
    return source.render(Context({"head": ["Name", "Now"], "rows": [["Level", "20"]], "stacks": stacks}))


def test_each_of_its_boxes_says_what_it_is():
    found = re.findall(r'<(table|thead|tbody|tr|th|td)\b[^>]*?\brole="(\w+)"', written(stacks=True))
    assert dict(found) == ROLES
    assert len(found) == len(re.findall(r"<(?:table|thead|tbody|tr|th|td)\b", written(stacks=True))) == 9


@pytest.mark.parametrize("name", ROLES)
def test_of_others_html_says_it(name):
    assert not re.search(rf"<{name}\b[^>]*\brole=", written(stacks=False))
