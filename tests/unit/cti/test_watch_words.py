"""Words that captions flag are a file that is checked whole, and taken up while people talk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cti.errors import SettingError
from cti.watch_words import SHIPPED, WatchWords, load_watch_words

GOOD = "- {name: life, who: citizen, level: danger, title: 危险, hint: 问清位置, words: [不想活了]}\n"


def test_the_shipped_list_watches_both_sides() -> None:
    assert {group.who for group in load_watch_words(SHIPPED)} == {"citizen", "agent"}


@pytest.mark.parametrize(
    "text",
    [
        GOOD + GOOD,  # one name twice
        GOOD.replace("danger", "awful"),
        GOOD.replace("[不想活了]", "[]"),
        GOOD.replace("life", "Life!"),
        "- [",
        "words: 1",
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_setting(tmp_path: Path, text: str) -> None:
    file = tmp_path / "words.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match=r"calls\.words"):
        load_watch_words(file)


def test_a_changed_file_counts_at_once_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    file.write_text(GOOD, encoding="utf-8")
    words = WatchWords(file)
    file.write_text(GOOD.replace("不想活了", "跳楼, 割腕"), encoding="utf-8")
    os.utime(file, (1, 1))
    assert [group.words for group in words.groups()] == [("跳楼", "割腕")]
    file.write_text("- [", encoding="utf-8")
    os.utime(file, (2, 2))
    assert [group.words for group in words.groups()] == [("跳楼", "割腕")]
