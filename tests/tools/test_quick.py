"""`make quick` picks what a change concerns, and never less than the rules of the house."""

from tools.concerned import concerning, dotted
from tools.quick import ALWAYS, selected


def test_a_module_is_concerned_by_the_tests_of_its_name_its_room_and_its_importers():
    found = concerning(["tips/queue/claims.py"])
    assert found[0] == "tests/tips/test_queue.py"
    assert "tests/lovense/test_dispatch.py" in found or "tests/lovense/test_retries.py" in found
    assert "tests/tips/test_commission.py" not in found


def test_a_name_of_another_floor_is_another_module():
    assert "tests/tips/test_webhooks.py" not in concerning(["ledger/webhooks.py"])


def test_whole_stacks_are_left_to_the_whole_suite():
    assert not [path for path in concerning(["lovense/consumers.py"]) if "/flows/" in path]


def test_a_changed_test_is_run_itself_and_the_rules_come_along():
    assert selected(["tests/tips/test_queue.py"]) == ["tests/tips/test_queue.py", *ALWAYS]


def test_a_package_is_its_module():
    assert dotted("lovense/models/__init__.py") == "lovense.models"
