"""The city's names are found as they sound, and names of other places are left alone."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.gazetteer import Entry, Gazetteer, How, Kind, load_entries, sound
from asr.gazetteer_file import GazetteerError

CITY = Path(__file__).parents[3] / "cti" / "demo" / "city.yaml"


@pytest.fixture(scope="module")
def city() -> Gazetteer:
    return Gazetteer(load_entries(CITY))


def names(city: Gazetteer, line: str, district: str | None = None) -> list[str]:
    return [match.entry.name for match in city.find(line, district=district)]


def test_names_are_found_from_left_to_right(city: Gazetteer) -> None:
    assert names(city, "城东区新华街道，阳光花园小区，三号楼") == ["城东区", "新华街道", "阳光花园"]


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        ("城东区新华接到", "新华街道"),
        ("城东区星华结到", "新华街道"),
        ("在东户街道", "东湖街道"),
        ("羊光花园小区", "阳光花园"),
        ("城西区有意接到", "友谊街道"),
        ("宁江区江北街道", "临江区"),
        ("世纪大豆的工地", "世纪大道"),
        ("南湖公演这一站", "南湖公园"),
        ("中三路接到", "中山路街道"),
        ("我在大学成街道", "大学城街道"),
    ],
)
def test_a_name_heard_with_other_characters_is_repaired(city: Gazetteer, heard: str, name: str) -> None:
    assert name in names(city, heard)


@pytest.mark.parametrize(
    "said",
    [
        "城东区新民街道",
        "东山街道",
        "河东区",
        "新和平小区",
        "老光明小学",
        "南湖公寓三号楼",
        "阳光家园",
        "西阳光花园",
        "春风花园",
        "明月花园",
        "胜利小学",
        "人民北路",
        "滨江公园",
        "文化宫",
        "长城路",
        "东方花园",
        "我很高兴去你们那里",
        "问题一直没有解决，他们态度也不好",
        "新世纪大的方向是好的",
    ],
)
def test_a_name_that_is_not_listed_is_not_bent_to_a_neighbour(city: Gazetteer, said: str) -> None:
    places = [match for match in city.find(said) if match.entry.kind is not Kind.DISTRICT]
    assert places == [], [match.entry.name for match in places]
    assert all(match.how is How.EXACT for match in city.find(said))


def test_a_street_implies_its_district_and_a_place_its_street(city: Gazetteer) -> None:
    place = city.named("阳光花园")
    assert place is not None
    assert city.street_of(place) == "新华街道"
    assert city.districts_of(place) == ("城东区",)


def test_a_road_may_lie_in_several_districts(city: Gazetteer) -> None:
    road = city.named("人民路")
    assert road is not None
    assert city.districts_of(road) == ("城东区", "城西区")


def twins() -> Gazetteer:
    """Two streets that sound the same, in two districts."""
    return Gazetteer(
        (
            Entry(name="甲区", kind=Kind.DISTRICT),
            Entry(name="乙区", kind=Kind.DISTRICT),
            Entry(name="友谊街道", kind=Kind.STREET, parents=("甲区",)),
            Entry(name="有义街道", kind=Kind.STREET, parents=("乙区",)),
        )
    )


def test_the_district_that_was_said_decides_between_homophones() -> None:
    assert names(twins(), "又一接到", "乙区") == ["有义街道"]
    assert names(twins(), "又一接到", "甲区") == ["友谊街道"]


def test_homophones_that_nothing_decides_are_left_alone() -> None:
    assert names(twins(), "又一接到") == []


def test_the_characters_decide_between_homophones_before_all_else() -> None:
    assert names(twins(), "有义街道") == ["有义街道"]


def test_a_line_is_repaired_with_the_names_as_listed(city: Gazetteer) -> None:
    assert city.repaired("城东区新华接到停水了") == "城东区新华街道停水了"


def test_an_empty_gazetteer_finds_nothing() -> None:
    assert Gazetteer().find("城东区新华街道") == ()


def test_blurred_pairs_sound_the_same() -> None:
    assert sound("张能英") == sound("脏冷因")


@given(st.text(max_size=300))
def test_any_line_is_searched_and_matches_lie_in_it_apart(line: str) -> None:
    matches = Gazetteer(load_entries(CITY)).find(line) if "区" in line else twins().find(line)
    for match in matches:
        assert line[match.start : match.end] == match.heard
    assert all(first.end <= second.start for first, second in pairwise(matches))


# ---------------------------------------------------------------- files


def test_a_csv_of_names_is_read(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("name,kind,parent,remark\n甲区,district,,\n友谊街道,street,甲区,1\n", "utf-8")
    assert load_entries(file) == (
        Entry(name="甲区", kind=Kind.DISTRICT),
        Entry(name="友谊街道", kind=Kind.STREET, parents=("甲区",)),
    )


def test_an_empty_file_is_an_empty_list(tmp_path: Path) -> None:
    for name in ("empty.yaml", "empty.csv"):
        (tmp_path / name).write_text("", "utf-8")
        assert load_entries(tmp_path / name) == ()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "name,kind\n甲区,district\n", "column parent is missing"),
        ("a.csv", "name,kind,parent\n甲区,county,\n", "line 2: kind is 'county'"),
        ("a.csv", "name,kind,parent\n友谊街道,street,丙区\n", "'丙区', which is in no list"),
        ("a.csv", "name,kind,parent\n甲,street,乙\n乙,street,甲\n", "lies in itself"),
        ("a.yaml", "districts: 甲区\n", "districts is str; write a list"),
        ("a.yaml", "districts: [甲区]\n", r"districts\[0\] is '甲区'"),
        ("a.yaml", "districts: [{name: 7}]\n", r"districts\[0\].name is 7"),
        ("a.yaml", "streets: [{name: 友谊街道, district: 丙区}]\n", "丙区"),
        ("a.yaml", "a: [\n", "not YAML"),
        ("a.yaml", "- 甲\n", "expected a mapping"),
        ("a.yaml", f"districts: [{{name: {'长' * 61}}}]\n", "at most 60"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(GazetteerError, match=message):
        load_entries(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match=r"none\.yaml: cannot be read"):
        load_entries(tmp_path / "none.yaml")
