"""The demonstration: what its table says, what it finds wrong, and that it leaves nothing behind."""

import io
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from config.demo import features, toys
from config.demo.facts import NOT_RECORDED, TipTimes
from config.demo.runner import Cast, Runner
from config.demo.second import VendorAddress
from config.demo.show import BURST, MENU, PERFORMER_ID, script
from config.demo.table import OK, OPEN, WRONG, Table, header, line, mark
from config.stack.processes import BASE_DIR
from lovense.menus import content
from lovense.menus.matching import SOLD_OUT, MenuIndex, match, may_be_closed
from lovense.menus.publishing import validated

SENT = datetime(2026, 1, 3, 4, 15, tzinfo=UTC)
END_SECONDS = 60


def trail(scene, *offsets, verdict="", item="", position=0, total=0):
    times = [None if ms is None else SENT + timedelta(milliseconds=ms) for ms in offsets]
    return TipTimes(
        tip_id=scene.tip_id,
        times=(*times, *[None] * (6 - len(times))),
        verdict=verdict or scene.verdict,
        position=position or scene.number,
        item=scene.item if item == "" else item,
        total=total or scene.amount,
    )


@pytest.fixture
def show():
    return script()


def answered(scene, *answers):
    scene.sent_at, scene.answers = SENT.timestamp(), list(answers or scene.http)
    return scene


# --- the script --------------------------------------------------------------------------------------------


def test_every_scene_is_a_tip_of_its_own(show):
    ids = [scene.tip_id for scene in show.scenes]
    assert len(set(ids)) == len(ids) == 9 + BURST
    assert all(len(tip_id) == 24 and int(tip_id, 16) for tip_id in ids)


def test_the_menu_answers_each_scene_as_the_script_says(show):
    items = validated(MENU)
    for scene in show.scenes:
        if scene.plays:
            assert match(items, scene.amount)["title"] == scene.item
    assert match(items, show.unmatched.amount) is None


def test_no_two_tips_of_the_whole_demonstration_are_one():
    scenes = [*script().scenes, features.waiting(), *features.script(), *toys.script()]
    assert len({scene.tip_id for scene in scenes}) == len(scenes)


def test_the_second_version_answers_each_scene_as_the_script_says_and_has_each_feature_once():
    """What cools down or is sold out is passed over; the rest follows from amounts and shows alone."""
    index, closed, answered_by = MenuIndex(content.numbered(features.items())), {}, []
    for scene in features.script():
        item = index.find(scene.amount, scene.show, closed).item
        answered_by.append(item["title"] if item else features.REACTED)
        if item and may_be_closed(item):
            closed[item["itemId"]] = SOLD_OUT
    assert answered_by == [scene.item for scene in features.script()]
    assert match(validated(MENU), features.waiting().amount)["title"] == features.waiting().item
    said = {title for item in features.ITEMS for title in [item["title"]]} - {each["title"] for each in MENU}
    assert said <= set(answered_by)


# --- the table ---------------------------------------------------------------------------------------------


def test_a_line_shows_the_facts_as_milliseconds_after_the_call(show):
    scene = answered(show.exact)
    assert line(scene, trail(scene, 3, 12, 12, 40, 41, 240)).split() == (
        f"{OK} …0001 50 an exact amount 202 3 12 12 40 41 240 completed".split()
    )


def test_repeated_answers_are_counted(show):
    scene = answered(show.repeated)
    assert " 202 200×5 " in line(scene, trail(scene, 1, 2, 3, 4, 5, 6))


def test_a_wrong_verdict_says_what_it_should_be(show):
    scene = answered(show.small)
    wrong = trail(scene, 1, 2, 3, 4, 5, 6, verdict="completed")
    assert mark(scene, wrong) == WRONG
    assert line(scene, wrong).endswith("completed, not skipped (below_minimum)")


def test_a_wrong_http_answer_is_wrong_whatever_the_verdict(show):
    scene = answered(show.forged, 202)
    assert mark(scene, trail(scene, verdict=NOT_RECORDED)) == WRONG


def test_the_wrong_menu_item_is_wrong(show):
    scene = answered(show.exact)
    assert mark(scene, trail(scene, 1, 2, 3, 4, 5, 6, item="A wave")) == WRONG


@pytest.mark.parametrize("verdict", ["waiting", "dispatched", "activated", NOT_RECORDED])
def test_a_tip_on_its_way_is_neither_right_nor_wrong(show, verdict):
    scene = answered(show.exact)
    assert mark(scene, trail(scene, verdict=verdict)) == OPEN


def test_a_scene_not_sent_yet_is_open_even_if_nothing_should_be_recorded(show):
    assert mark(show.forged, trail(show.forged, verdict=NOT_RECORDED)) == OPEN


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_each_line_is_printed_once_when_it_is_final(show):
    out, one, other = io.StringIO(), answered(show.exact), answered(show.range)
    table = Table([one, other], out)
    table.begin()
    table.show({one.tip_id: trail(one), other.tip_id: trail(other, verdict="dispatched")})
    table.show({one.tip_id: trail(one), other.tip_id: trail(other, verdict="activated")})
    table.show({one.tip_id: trail(one), other.tip_id: trail(other)}, is_last=True)
    lines = out.getvalue().splitlines()
    assert lines[1] == header()
    assert [text.split()[1] for text in lines[2:]] == ["…0001", "…0002"]
    assert "\033" not in out.getvalue()


def test_on_a_terminal_the_table_is_drawn_over(show):
    out, scene = Terminal(), answered(show.exact)
    table = Table([scene, show.range], out)
    table.begin()
    for _ in range(2):
        table.show({s.tip_id: trail(s) for s in (scene, show.range)})
    first, second = out.getvalue().split("\033[3F")  # legend, header, and the one scene that was sent
    assert first.count("\n") == second.count("\n") == 3


# --- what counts as wrong ----------------------------------------------------------------------------------


@pytest.fixture
def runner():
    """Nothing is connected before it plays."""
    vendor = VendorAddress("http://127.0.0.1:1", Path("no-journal"))
    cast = Cast("t", "u", "p", "s", "x", "y", "z")
    runner = Runner("http://127.0.0.1:1", cast, vendor=vendor, speed=1, check=lambda: None)
    runner._trails = {scene.tip_id: trail(scene) for scene in runner.scenes}
    runner.device.runs = [f"{scene.tip_id}.all" for scene in runner.hers if scene.plays]
    return runner


def test_a_device_that_played_each_once_in_order_did_nothing_wrong(runner):
    assert runner._wrong_runs() == []


def test_a_run_too_many_is_found(runner):
    runner.device.runs.append(runner.device.runs[0])
    assert runner._wrong_runs() == [f"The device played {runner.device.runs[0]} 2 times."]


def test_a_lost_run_is_found(runner):
    lost = runner.device.runs.pop()
    assert runner._wrong_runs() == [f"The device never played {lost}."]


def test_a_run_that_should_not_be_is_found(runner):
    runner.device.runs.append(f"{runner.show.small.tip_id}.all")
    assert "which it should not" in runner._wrong_runs()[0]


def test_another_order_is_found(runner):
    runs = runner.device.runs
    runs[0], runs[1] = runs[1], runs[0]
    assert "in the order" in runner._wrong_runs()[0]


def test_two_at_once_are_found(runner):
    runner.device.overlaps.append(runner.device.runs[1])
    assert runner._wrong_runs() == [f"The device began {runner.device.runs[1]} while another was playing."]


def test_a_wrong_scene_is_told_with_what_it_should_have_been(runner):
    for scene in runner.scenes:
        answered(scene)
    runner.show.forged.answers = [202]
    (difference,) = runner._wrong_scenes()
    assert difference.endswith(f"{NOT_RECORDED}  [202], should be {NOT_RECORDED}  [401]")


def told(scene, *, promised=0, delivered=None):
    run = {"promisedSeconds": promised, "deliveredSeconds": delivered}
    return {"verdict": {"status": scene.verdict}, "activations": [run]}


def test_seconds_that_the_menu_did_not_promise_are_found(runner):
    scene = runner.second.scenes[0]
    assert runner._wrong_seconds(told(scene, promised=3, delivered=3.0), scene) == ""
    for promised, delivered in ((4, 4.0), (3, 1.5), (3, None)):
        assert "should be 3" in runner._wrong_seconds(
            told(scene, promised=promised, delivered=delivered), scene
        )


async def test_an_app_that_could_not_be_paired_is_told_and_waited_for_no_longer(runner):
    runner.second._failure = "There is no such code."
    assert await runner.second.differences() == ["There is no such code."]
    assert all(map(runner._ended, runner.second.scenes))


def test_a_conflict_that_changed_the_tip_or_was_not_kept_is_found(runner, db):
    scene = runner.show.conflict
    runner._trails[scene.tip_id] = trail(scene, total=scene.amount + 1)
    assert runner._wrong_record() == [
        f"{scene.tip_id}: recorded with {scene.amount + 1} tokens, should be {scene.amount}.",
        f"{scene.tip_id}: 0 conflicts on record, should be 1.",
    ]


# --- the whole ---------------------------------------------------------------------------------------------


def demonstration(*options):
    # It starts databases of its own, whatever the tests' environment says.
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", "0", *options],
        cwd=BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, sign):
    said = []
    for text in process.stdout:
        said.append(text)
        if sign in text:
            return said
    pytest.fail("".join(said))


def ended(process, *, with_code):
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=END_SECONDS)
    assert process.returncode == with_code, rest
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
    return family


def test_the_show_goes_as_written_and_ctrl_c_leaves_nothing_behind():
    process = demonstration()
    said = read_until(process, "Ctrl-C")
    of_features = 1 + len(features.script())
    assert sum(text.startswith(f" {OK} ") for text in said) == 9 + BURST + of_features + len(toys.script())
    assert not [text for text in said if WRONG in text]
    # The stack, its databases, the vendor, and the two processes that serve.
    assert len(ended(process, with_code=0)) >= 6
    assert PERFORMER_ID not in "".join(said)


def test_ctrl_c_while_it_starts_leaves_nothing_behind():
    process = demonstration("--once")
    read_until(process, "Starting")
    ended(process, with_code=130)
