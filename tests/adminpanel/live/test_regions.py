"""What the pages of staff follow: topics of their socket, and none that it does not tell."""

import re

from adminpanel.live import stamps
from adminpanel.views import listed
from config.settings import BASE_DIR


def test_a_region_follows_topics_that_there_are():
    pages = (BASE_DIR / "templates/adminpanel").rglob("*.html")
    named = [topics for page in pages for topics in re.findall(r'data-topics="([a-z ]+)"', page.read_text())]
    lists = {topic for each in listed.LISTS.values() for topic in each.topic.split()}
    assert len(named) == 5  # the Overview, the queue, dead letters, emissions, the strip
    assert {topic for topics in named for topic in topics.split()} | lists <= set(stamps.TOPICS)


def test_nothing_of_staff_asks_by_the_clock():
    pages = (BASE_DIR / "templates/adminpanel").rglob("*.html")
    assert [page.name for page in pages if re.search(r'hx-trigger="[^"]*every', page.read_text())] == []
