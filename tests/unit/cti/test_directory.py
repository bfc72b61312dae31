"""The directory is refused whole when anything in it is wrong, and says what and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.control.directory import DirectoryError, load_directory
from cti.control.directory_shelf import DirectoryShelf
from cti.messages import TargetKind
from tests.support.until import until

ENTRY = '{name: police, title: 公安报警, kind: service, number: "110"}'


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "directory.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_directory_has_the_three_emergency_services_with_a_button_each() -> None:
    buttons = [entry.number for entry in load_directory() if entry.one_key]
    assert buttons == ["110", "119", "120"]
    assert all(entry.conference for entry in load_directory() if entry.one_key)


def test_an_entry_is_found_by_name_with_its_kind(tmp_path: Path) -> None:
    entry = load_directory(written(tmp_path, f"entries:\n  - {ENTRY}\n")).find("police")
    assert entry is not None
    assert (entry.title, entry.target, entry.handover) == ("公安报警", TargetKind.SERVICE, "")


@pytest.mark.parametrize(
    ("number", "may"),
    [("13800000000", True), ("01088886666", True), ("88886666", True), ("0086138000000", False),
     ("900123456", False), ("12345", False), ("", False), ("1380000000a", False)],
)  # fmt: skip
def test_only_permitted_numbers_may_be_dialled(number: str, may: bool) -> None:
    assert load_directory().may_dial(number) is may


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (f"entries:\n  - {ENTRY}\n  - {ENTRY}\n", 3, "entries[1].name"),
        ('entries:\n  - {name: a, title: 甲, kind: friend, number: "110"}\n', 2, "entries[0].kind"),
        ('entries:\n  - {name: a, title: 甲, kind: unit, number: "11O"}\n', 2, "entries[0].number"),
        (
            'entries:\n  - {name: a, title: 甲, kind: unit, number: "110", one_key: true}\n',
            2,
            "entries[0].one_key",
        ),
        (f"entries:\n  - {ENTRY[:-1]}, handover: ftp://x/}}\n", 2, "entries[0].handover"),
        (f"entries:\n  - {ENTRY[:-1]}, telephone: 1}}\n", 2, "entries[0].telephone"),
        ('outside: ["(1"]\nentries: []\n', 1, "outside[0]"),
    ],
)
def test_a_wrong_value_is_named_with_line_and_key(tmp_path: Path, text: str, line: int, key: str) -> None:
    with pytest.raises(DirectoryError) as refused:
        load_directory(written(tmp_path, text))
    assert f"directory.yaml:{line}" in str(refused.value)
    assert key in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="nowhere"):
        load_directory(tmp_path / "nowhere.yaml")


async def test_a_changed_file_counts_while_serving_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    file = written(tmp_path, f"entries:\n  - {ENTRY}\n")
    shelf = DirectoryShelf(file, look_s=0.005)
    shelf.start()
    written(tmp_path, "entries:\n  - {name: fire}\n")
    await until(lambda: shelf.refused, 5)
    assert "directory.yaml:2" in shelf.refused
    assert shelf.current.find("police") is not None
    written(tmp_path, f"entries:\n  - {ENTRY.replace('police', 'guards')}\n")
    await until(lambda: shelf.current.find("guards"), 5)
    assert (shelf.refused, shelf.current.find("police")) == ("", None)
    await shelf.stop()
