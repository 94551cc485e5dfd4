"""`{% region "queue" %}…{% endregion %}` around what a region of a page shows, and `{% tags %}` at
the end of the page: under which tag each region was sent with it. So a page asks for nothing that
it has just been given. The tags are those of the regions alone (`views/pages.py`)."""

import json
import re

from django.template import Library, Node, NodeList
from django.template.base import Parser, Token
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from lovense.models import Performer
from lovense.page import stamps
from lovense.regions import Region

register = Library()
# In a page, for those without scripts; a region has none, and it is another one each time.
_TOKEN = re.compile(r'<input type="hidden" name="csrfmiddlewaretoken" value="\w+">')


class RegionNode(Node):
    """The stamp is taken first: what changes meanwhile is then asked for, not missed."""

    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name, self.nodelist = name, nodelist

    def render(self, context: Context) -> SafeString:
        region: Region = context["regions"][self.name]
        performer: Performer = context["performer"]
        stamp = stamps.of(region.page, region.name, region.partial, performer)
        html = self.nodelist.render(context)
        context["tags"][self.name] = stamp or stamps.tagged(_TOKEN.sub("", html))
        return html


@register.tag(name="region")
def region(parser: Parser, token: Token) -> RegionNode:
    name = token.split_contents()[1].strip('"')
    nodelist = parser.parse(("endregion",))
    parser.delete_first_token()
    return RegionNode(name, nodelist)


@register.simple_tag(takes_context=True)
def tags(context: Context) -> SafeString:
    """Read by static/js/regions.js."""
    return format_html('<i hidden data-tags="{}"></i>', json.dumps(context["tags"]))
