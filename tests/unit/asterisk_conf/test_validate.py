"""Trouble in Asterisk's files is found before Asterisk finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from asterisk_conf import render
from asterisk_conf.validate import Problem, problems
from tests.support.asterisk_samples import fake_install, hotline_config


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Freshly rendered files."""
    fake_install(tmp_path)
    return render.render(hotline_config(tmp_path), tmp_path / "node").parent


def only(etc: Path) -> Problem:
    """Return the one problem there is."""
    found = problems(etc)
    assert len(found) == 1, found
    return found[0]


def change(file: Path, old: str, new: str) -> int:
    """Replace text once; return the line where it was."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_an_absent_file_is_found(etc: Path) -> None:
    (etc / "queues.conf").unlink()
    problem = only(etc)
    assert (problem.file.name, problem.line) == ("queues.conf", 0)


def test_a_file_that_others_can_read_is_found(etc: Path) -> None:
    (etc / "pjsip.conf").chmod(0o644)
    problem = only(etc)
    assert (problem.file.name, problem.value, problem.remedy) == (
        "pjsip.conf",
        "0o644",
        "others can read it: chmod 600",
    )


def test_a_line_that_is_no_pair_is_found_with_its_number(etc: Path) -> None:
    line = change(etc / "http.conf", "enabled = yes", "enabled yes")
    problem = only(etc)
    assert (problem.file.name, problem.line) == ("http.conf", line)


def test_a_file_that_is_not_utf_8_is_found(etc: Path) -> None:
    (etc / "queues.conf").write_bytes(b"[general]\nx = \xff\xfe\n")
    assert only(etc).remedy.startswith("the file is not UTF-8")


@pytest.mark.parametrize(
    ("new", "key"), [("port = 0", "port"), ("port = many", "port"), ("port = 65536", "port")]
)
def test_a_port_that_is_none_is_found(etc: Path, new: str, key: str) -> None:
    line = change(etc / "manager.conf", "port = 5038", new)
    problem = only(etc)
    assert (problem.line, problem.key, problem.value) == (line, key, new.partition(" = ")[2])


def test_a_switch_that_is_neither_on_nor_off_is_found(etc: Path) -> None:
    change(etc / "queues.conf", "ringinuse = no", "ringinuse = perhaps")
    assert only(etc).value == "perhaps"


def test_rights_that_are_too_wide_are_found(etc: Path) -> None:
    change(etc / "manager.conf", "write = system,", "write = command,system,")
    assert only(etc).value == "command"


def test_a_short_secret_is_found_and_not_shown(etc: Path) -> None:
    change(etc / "manager.conf", "secret = manager-secret-1", "secret = short")
    problem = only(etc)
    assert (problem.key, problem.value) == ("secret", "")


def test_an_endpoint_without_its_contacts_is_found(etc: Path) -> None:
    line = change(etc / "pjsip.conf", "aors = 8001\n", "aors = 8009\n")
    problem = only(etc)
    assert (problem.line, problem.value) == (line, "8009")
    assert problem.remedy == "[8001] needs a section [8009] with type = aor"


def test_a_dialplan_without_its_last_line_is_found(etc: Path) -> None:
    change(etc / "extensions.conf", "[hotline-fallback]", "[something-else]")
    keys = {problem.key for problem in problems(etc)}
    assert "[hotline-fallback]" in keys


def test_a_jump_that_leads_nowhere_is_found(etc: Path) -> None:
    line = change(etc / "extensions.conf", "Goto(hotline,after,1)", "Goto(hotline,afterwards,1)")
    problem = only(etc)
    assert (problem.line, problem.value) == (line, "hotline,afterwards")
