"""Edited files are noticed once, when they lie still, and by what they say, not by when they were saved."""

from __future__ import annotations

import os
from pathlib import Path

from cti.filewatch import FileWatch


def watched(folder: Path) -> FileWatch:
    (folder / "a.yaml").write_text("one", encoding="utf-8")
    return FileWatch(lambda: sorted(folder.glob("*.yaml")))


def test_files_that_stay_as_they_were_are_not_told(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    assert [watch.look() for _ in range(3)] == [False, False, False]


def test_a_changed_file_is_told_when_two_looks_see_the_same(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    (tmp_path / "a.yaml").write_text("half", encoding="utf-8")
    assert not watch.look()
    (tmp_path / "a.yaml").write_text("half and the rest", encoding="utf-8")
    assert not watch.look()
    assert watch.look()


def test_what_was_judged_is_not_told_again(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    (tmp_path / "a.yaml").write_text("two", encoding="utf-8")
    watch.look()
    assert watch.look()
    watch.judge()
    assert not watch.look()


def test_what_was_not_judged_is_told_until_it_is(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    (tmp_path / "a.yaml").write_text("two", encoding="utf-8")
    watch.look()
    assert watch.look()
    assert watch.look()


def test_new_and_removed_files_count(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    (tmp_path / "b.yaml").write_text("new", encoding="utf-8")
    watch.look()
    assert watch.look()
    watch.judge()
    (tmp_path / "a.yaml").unlink()
    watch.look()
    assert watch.look()


def test_saving_the_same_again_is_no_change(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    (tmp_path / "a.yaml").write_text("one", encoding="utf-8")
    os.utime(tmp_path / "a.yaml", (1, 1))
    assert [watch.look() for _ in range(3)] == [False, False, False]


def test_a_judgement_that_is_forgotten_is_asked_for_again(tmp_path: Path) -> None:
    watch = watched(tmp_path)
    watch.look()
    watch.forget()
    assert watch.look()
