"""Files of names: read as a whole, names told apart by what they lie in, official divisions of a city."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.gazetteer import Gazetteer
from asr.gazetteer_divisions import city_entries
from asr.gazetteer_file import Entry, GazetteerError, Kind, Row, load_entries, paths, tree_of
from asr.gazetteer_rows import read_rows, written

HEAD = "name,kind,parent,lon,lat,aliases\n"
TWO = HEAD + "甲区,district\n乙区,district\n和平街道,street,甲区\n和平街道,street,乙区\n"


def file(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "names.csv"
    path.write_text(content, "utf-8")
    return path


def test_points_aliases_and_several_parents_are_read(tmp_path: Path) -> None:
    path = file(tmp_path, HEAD + "甲区,district\n乙区,district\n长路,road,甲区|乙区,112.5,28.1,长街|老长路\n")
    assert load_entries(path)[2] == Entry(
        name="长路", kind=Kind.ROAD, parents=("甲区", "乙区"), aliases=("长街", "老长路"), lon=112.5, lat=28.1
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    entries = load_entries(file(tmp_path, TWO + "和平小区,estate,甲区/和平街道,112.5,28.1,平安里\n"))
    assert load_entries(file(tmp_path, written(entries))) == entries


def test_names_of_one_kind_in_two_places_are_told_apart(tmp_path: Path) -> None:
    names = Gazetteer(load_entries(file(tmp_path, TWO + "东风小区,estate,乙区/和平街道\n")))
    estate = names.named("东风小区")
    assert estate is not None
    assert names.districts_of(estate) == ("乙区",)
    assert [match.entry.parents for match in names.find("和平街道", district="乙区")] == [("乙区",)]


def test_the_city_as_a_parent_stands_for_no_parent(tmp_path: Path) -> None:
    path = file(tmp_path, HEAD + "甲区,district,丙市\n市图书馆,landmark,丙市\n")
    assert all(entry.parents == () for entry in load_entries(path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "东风小区,estate,和平街道\n",
            "of which there are several; write one of 乙区/和平街道, 甲区/和平街道",
        ),
        ("甲区,district\n", "line 6: 甲区 .* stands already in .*line 2"),
        ("东风小区,estate,丁区\n", "line 6: parent of 东风小区 is '丁区', which is in no list"),
        ("乙路,road,乙路\n", "line 6: .*lies in itself"),
    ],
)
def test_an_import_refuses_what_is_unclear_and_names_the_row(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(GazetteerError, match=message):
        tree_of(read_rows(file(tmp_path, TWO + rows)), strict=True)


@pytest.mark.parametrize(
    ("point", "message"),
    [("28.1,112.5", "lon is 28.1, .*swapped"), ("112.5,", "lat is ''"), ("x,28", "lon is 'x'")],
)
def test_coordinates_outside_the_country_or_by_half_are_refused(
    tmp_path: Path, point: str, message: str
) -> None:
    with pytest.raises(GazetteerError, match=f"line 2: {message}"):
        read_rows(file(tmp_path, HEAD + f"甲区,district,,{point}\n"))


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = file(tmp_path, HEAD + "".join(f"小区{number},estate,无街道\n" for number in range(25)))
    with pytest.raises(GazetteerError) as refused:
        load_entries(path)
    assert len(str(refused.value).splitlines()) == 21


@pytest.mark.parametrize(
    ("code", "city", "street"),
    [("4301", "长沙市", "文艺路街道"), ("441900", "东莞市", "莞城街道"), ("110000", "北京市", "东华门街道")],
)
def test_a_citys_divisions_hang_together(code: str, city: str, street: str) -> None:
    name, entries = city_entries(code)
    assert name == city
    tree = tree_of([Row(entry=entry, where="divisions: line 1") for entry in entries])
    assert any(entry.name == street and entry.kind is Kind.STREET for entry in tree.entries)
    assert all(up or entry.kind is Kind.DISTRICT for entry, up in zip(tree.entries, tree.above, strict=True))
    assert len(paths(tree)) == len(entries)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("43", "take one of 4301 长沙市"),
        ("430102", "write its city's, 430100"),
        ("99", "no province"),
        ("四", "digits"),
    ],
)
def test_a_code_that_is_no_citys_is_refused_with_a_remedy(code: str, message: str) -> None:
    with pytest.raises(GazetteerError, match=message):
        city_entries(code)


def test_a_parents_name_that_two_lists_have_means_that_of_its_own_list() -> None:
    official = [
        ("甲区", "district", ""),
        ("和平街道", "street", "甲区"),
        ("东风社区", "community", "和平街道"),
    ]
    own = [("乙区", "district", ""), ("和平街道", "street", "乙区"), ("金桂苑", "estate", "和平街道")]
    rows = [
        Row(
            entry=Entry(name=name, kind=Kind(kind), parents=(parent,) if parent else ()),
            where=f"{source}: line {number}",
        )
        for source, listed in (("divisions", official), ("own.csv", own))
        for number, (name, kind, parent) in enumerate(listed, start=1)
    ]
    lies_in = {entry.name: entry.parents for entry in paths(tree_of(rows, strict=True))}
    assert lies_in["东风社区"] == ("甲区/和平街道",)
    assert lies_in["金桂苑"] == ("乙区/和平街道",)
