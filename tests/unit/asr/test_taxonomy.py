"""A city's taxonomy is read whole or refused, naming row and value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.examples import shipped_matters, shipped_taxonomy
from asr.taxonomy import Taxonomy, TaxonomyError

NAMES = st.text("城乡建设供水交通教育医疗", min_size=1, max_size=6)


def load(folder: Path, content: str, name: str = "taxonomy.csv") -> Taxonomy:
    file = folder / name
    file.write_text(content, "utf-8")
    return Taxonomy.load(file)


def test_rows_name_three_levels_and_aliases(tmp_path: Path) -> None:
    found = load(tmp_path, "level1,level2,level3,aliases\n城建,供水,停水,断水|没水\n城建,供热,,\n")

    assert [node.path for node in found.nodes] == [
        ("城建",), ("城建", "供水"), ("城建", "供水", "停水"), ("城建", "供热"),
    ]  # fmt: skip
    node = found.find(("城建", "供水", "停水"))
    assert node is not None and node.aliases == ("断水", "没水")
    assert [leaf.name for leaf in found.leaves] == ["停水", "供热"]


def test_yaml_names_the_same_and_gives_the_same_version(tmp_path: Path) -> None:
    written = "- name: 城建\n  children:\n  - {name: 供水, children: [停水, 水费]}\n"

    assert (
        load(tmp_path, written, "taxonomy.yaml").version
        == load(tmp_path, "level1,level2,level3\n城建,供水,停水\n城建,供水,水费\n").version
    )


def test_a_spreadsheet_saved_in_gb18030_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes("level1,level2\n城建,供水\n".encode("gb18030"))

    assert Taxonomy.load(file).level1 == ("城建",)


def test_a_name_may_stand_below_one_of_the_same_name(tmp_path: Path) -> None:
    found = load(tmp_path, "level1,level2,level3\n交通运输,交通运输,出租车管理\n")

    assert found.leaves[0].path == ("交通运输", "交通运输", "出租车管理")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "level1,level2,level3\n甲,乙,丙\n甲,乙,丙\n",
            "row 3: 甲/乙/丙 already stands in taxonomy.csv, row 2",
        ),
        ("level1,level2,level3\n甲,乙,\n乙,甲,丁\n", "row 3: '甲' is below '乙', and above it"),
        ("level1,level2,level3\n甲,乙,甲\n", "row 2: '甲' (level3) is below itself"),
        ("level1,level2,level3\n甲,,丙\n", "row 2: level2 is ''"),
        ("level1,level2,level3\n,乙,丙\n", "row 2: level1 is ''"),
        ("level1,level2,level3\n甲,乙,丙,丁,戊\n", "row 2: 5 values for 3 columns"),
        ("level1,level2,level3,level4\n甲,乙,丙,丁\n", "level1,level2,level3,level4"),
        ("level1,level2\n甲,乙/丙\n", "row 2: level2 is '乙/丙'"),
        (f"level1\n{'长' * 41}\n", "41 characters, at most 40"),
        ("level1,level2,level3\n", "is empty"),
        ("", "empty"),
    ],
)
def test_a_wrong_row_is_refused_naming_it(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        load(tmp_path, content)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- &a\n  name: 甲\n  children: [*a]\n", "contains itself"),
        ("- name: 甲\n  children: &b\n  - name: 乙\n    children: *b\n", "contains itself"),
        ("- {name: 甲, children: [{name: 乙, children: [{name: 丙, children: [丁]}]}]}\n", "on level 4"),
        ("- {name: '', children: []}\n", "[0].name is ''"),
        ("- {name: 甲, says: 乙}\n", "the key 'says'"),
        ("甲: 乙\n", "write a list"),
    ],
)
def test_a_wrong_yaml_is_refused_naming_the_key(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        load(tmp_path, content, "taxonomy.yaml")

    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"nowhere\.csv"):
        Taxonomy.load(tmp_path / "nowhere.csv")


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=20))
def test_every_node_stands_behind_the_one_above_it(rows: list[list[str]]) -> None:
    try:
        found = Taxonomy.of((f"row {number}", row, ()) for number, row in enumerate(rows, 1))
    except TaxonomyError:
        return
    seen: set[tuple[str, ...]] = {()}
    for node in found.nodes:
        assert node.path[:-1] in seen
        seen.add(node.path)


def test_the_longest_known_beginning_of_a_path_is_found(tmp_path: Path) -> None:
    found = load(tmp_path, "level1,level2,level3\n城建,供水,停水\n")

    assert found.closest(("城建", "供水", "水费")) == ("城建", "供水")
    assert found.closest(("民政",)) == ()


def test_the_shipped_taxonomy_has_three_levels_and_hundreds_of_names() -> None:
    levels = [node.level for node in shipped_taxonomy().nodes]

    assert 14 <= levels.count(1) <= 20
    assert levels.count(2) >= 70
    assert levels.count(3) >= 200


def test_every_shipped_matter_at_the_bottom_has_cues_and_an_example() -> None:
    bottom = [matter for matter in shipped_matters() if matter.leaf]

    assert [matter.path for matter in bottom if not (matter.cues or matter.sure) or not matter.says] == []
