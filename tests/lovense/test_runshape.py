"""What a run looks like: the compiler's own levels, as bars."""

from lovense.menus.publishing import validated
from lovense.models import Performer
from lovense.page import runshape
from lovense.page.livepage import LivePage


def shape(performer, item, *, count=10, seconds=0):
    live = LivePage(Performer.objects.get(pk=performer.pk), None)
    row = live.rules.performers[performer.pk]
    [whole] = validated([{"itemId": "a", "title": "A", "minimum": 1, **item}])
    return runshape.bars(live.rules, row, whole, count=count, seconds=seconds)


def test_one_level_is_as_many_bars_of_one_height(ana):
    assert shape(ana, {"pattern": "level", "intensity": 10, "durationSec": 10}) == [0.5] * 10


def test_what_is_longer_is_drawn_in_no_more_bars(ana):
    drawn = shape(ana, {"pattern": "level", "intensity": 20, "durationSec": 29}, count=7)
    assert drawn == [1.0] * 7


def test_a_ramp_rises(ana):
    drawn = shape(ana, {"pattern": "level", "intensity": 20, "durationSec": 10, "rampInSec": 10})
    assert drawn == sorted(drawn)
    assert drawn[0] < drawn[-1] == 1.0


def test_a_run_of_several_is_the_item_over_and_over(ana):
    item = {"pattern": "level", "intensity": 20, "durationSec": 4, "loops": 1, "rampInSec": 4}
    once, thrice = shape(ana, item, count=4), shape(ana, item, count=12, seconds=12)
    assert thrice == once * 3


def test_what_her_limits_leave_is_what_is_drawn(ana):
    ana.maximum_intensity = 5
    ana.save()
    assert shape(ana, {"pattern": "level", "intensity": 20, "durationSec": 10}) == [0.25] * 10


def test_nothing_is_drawn_where_her_extension_decides(ana):
    ana.bridge = "EXTENSION"
    ana.save()
    assert shape(ana, {"pattern": "level", "intensity": 20, "durationSec": 10}) == []
