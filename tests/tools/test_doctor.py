"""`make doctor` names what is missing, tells what is needed from what is not, and what to do."""

import pytest

from tools import doctor


def test_this_machine_can_run_the_tests():
    assert [finding for finding in doctor.findings() if finding.needed and not finding.is_well] == []


def test_a_package_that_is_not_as_locked_is_named():
    finding = doctor.packages("django==0.1\nno-such-package==1.0\n")
    assert not finding.is_well
    assert "django" in finding.words
    assert "no-such-package" in finding.words


def test_packages_as_locked_are_well():
    assert doctor.packages(f"django=={doctor.installed('django')}  # comment\n").is_well


def test_what_is_optional_says_what_is_left_out():
    finding = doctor.optional("no-such-program", "nothing")
    assert (finding.is_well, finding.needed) == (False, False)
    assert "nothing" in finding.words


def test_a_directory_that_cannot_be_written_is_missing(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "LEAST_FREE_GB", 1e9)
    assert not doctor.data_directory(tmp_path).is_well


def test_the_exit_says_whether_something_needed_is_missing(monkeypatch: pytest.MonkeyPatch, capsys):
    finding = doctor.Finding("mongod", is_well=False, words="install it")
    monkeypatch.setattr(doctor, "findings", lambda: iter([finding]))
    assert doctor.main() == 1
    assert capsys.readouterr().out == "MISSING  mongod        install it\n"
    monkeypatch.setattr(doctor, "findings", lambda: iter([finding._replace(needed=False)]))
    assert doctor.main() == 0
