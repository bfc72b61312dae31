"""Where the matter is: names of the city, what stands below them, and what was said of other places."""

from __future__ import annotations

import pytest

from asr.draft_lines import citizen_lines
from asr.draft_place import Places, find_places
from asr.gazetteer import Entry, Gazetteer, Kind
from asr.messages import Line, Speaker


def entry(name: str, kind: Kind, *parents: str, point: tuple[float, float] | None = None) -> Entry:
    lon, lat = point or (None, None)
    return Entry(name=name, kind=kind, parents=parents, lon=lon, lat=lat)


CITY = Gazetteer(
    (
        entry("云山区", Kind.DISTRICT),
        entry("清水区", Kind.DISTRICT),
        entry("A3区", Kind.DISTRICT),
        entry("竹园街道", Kind.STREET, "云山区"),
        entry("南湖街道", Kind.STREET, "云山区"),
        entry("东湖街道", Kind.STREET, "清水区"),
        entry("西湖街道", Kind.STREET, "清水区"),
        entry("翠竹花园", Kind.ESTATE, "竹园街道", point=(112.5, 28.25)),
        entry("明月家园", Kind.ESTATE, "东湖街道"),
        entry("五一路", Kind.ROAD, "云山区"),
        entry("朝阳路", Kind.ROAD, "云山区"),
        entry("人民路", Kind.ROAD, "云山区"),
        entry("人民路", Kind.ROAD, "清水区"),
        entry("云州市第一人民医院", Kind.LANDMARK, "南湖街道"),
        entry("丹桂小学", Kind.LANDMARK, "南湖街道"),
    )
)


def read(*spoken: str, city: Gazetteer = CITY) -> Places:
    lines = [
        Line(
            speaker=Speaker.AGENT if text.startswith("坐席：") else Speaker.CITIZEN,
            text=text.removeprefix("坐席："),
            start=float(number),
            end=number + 0.9,
        )
        for number, text in enumerate(spoken)
    ]
    return find_places(citizen_lines(lines), city)


def values(*spoken: str, city: Gazetteer = CITY) -> tuple[str | None, str | None, str | None, str | None]:
    places = read(*spoken, city=city)
    found = (places.district, places.street, places.place, places.detail)
    district, street, place, detail = (None if one is None else one.value for one in found)
    return district, street, place, detail


@pytest.mark.parametrize(
    ("spoken", "detail"),
    [
        (("翠竹花园八栋二单元六零三",), "8栋2单元603室"),
        (("翠竹花园8栋2单元603室",), "8栋2单元603室"),
        (("翠竹花园，三号楼", "坐席：哪个单元", "二单元"), "3号楼2单元"),
        (("翠竹花园停水了，我家在三栋一单元",), "3栋1单元"),
        (("五一路八十八号，不对，是八十六号",), "86号"),
        (("五一路八十八号", "说错了，是八十六号"), "86号"),
        (("五一路八十八号，不不不，我说错了，八十六",), "86号"),
        (("五一路二十号门口有个坑",), "20号门口"),
        (("翠竹花园东门口往南五十米左右",), "东门口往南50米"),
        (("五一路和朝阳路的路口",), "与朝阳路交叉口"),
        (("翠竹花园12-3-501漏水",), "12-3-501"),
        (("翠竹花园楼下有人唱歌",), None),
        (("翠竹花园对眠的路灯坏了",), "对面"),
    ],
)
def test_what_stands_below_the_place_is_put_in_order(spoken: tuple[str, ...], detail: str | None) -> None:
    assert values(*spoken)[3] == detail


@pytest.mark.parametrize(
    ("spoken", "place"),
    [
        ("我住在翠竹花园，五一路那边的井盖没了", "五一路"),
        ("我是明月家园的业主，我要说的是朝阳路，路灯不亮", "朝阳路"),
        ("在明月家园，不对，是翠竹花园", "翠竹花园"),
        ("翠竹花园，在五一路三十二号", "翠竹花园"),
        ("翠竹花园的电梯坏了，就在丹桂小学对面", "翠竹花园"),
        ("市一医院门口有人占道", "云州市第一人民医院"),
        ("翠竹花园小区停水", "翠竹花园"),
        ("五一路小学门口堵车", "五一路小学"),
        ("云山区锦绣雅苑停水了", "锦绣雅苑"),
        ("我住在竹园街道玉竹苑，没有天然气", "玉竹苑"),
        ("建业翠竹花园停水了", "建业翠竹花园"),
        ("新翠竹花园停水了", "新翠竹花园"),
        ("请问社保怎么办理", None),
        ("他们严重影响小区环境", None),
    ],
)
def test_the_place_is_where_the_matter_is(spoken: str, place: str | None) -> None:
    assert values(spoken)[2] == place


@pytest.mark.parametrize(
    ("spoken", "district", "street"),
    [
        (("我在清水区东湖街道",), "清水区", "东湖街道"),
        (("我去清水区政府问过，我家在翠竹花园",), "云山区", "竹园街道"),
        (("向东湖街道反映过好几次没人管，翠竹花园停水",), "云山区", "竹园街道"),
        (("不是东湖街道，是南湖街道",), "云山区", "南湖街道"),
        (("在东湖街道，不是东湖，是西湖",), "清水区", "西湖街道"),
        (("我在东湖街道", "说错了，是南湖街道"), "云山区", "南湖街道"),
        (("朱园接到停电了",), "云山区", "竹园街道"),
        (("A市A3区到处是垃圾",), "A3区", None),
        (("人民路的路灯坏了",), None, None),
    ],
)
def test_district_and_street_are_those_of_the_matter(
    spoken: tuple[str, ...], district: str | None, street: str | None
) -> None:
    assert values(*spoken)[:2] == (district, street)


def test_the_district_said_decides_between_roads_of_one_name() -> None:
    assert values("清水区人民路的路灯坏了")[0] == "清水区"


def test_a_listed_place_with_coordinates_gives_a_point_and_infers_street_and_district() -> None:
    places = read("翠竹花园停水了")
    assert places.point is not None and places.street is not None
    assert places.point.value == "112.5,28.25"
    assert places.street.source == "gazetteer/implied"
    assert read("明月家园停水了").point is None


def test_a_place_in_no_list_is_less_sure_than_a_listed_one() -> None:
    listed, unlisted = read("翠竹花园停水了").place, read("锦绣雅苑停水了").place
    assert listed is not None and unlisted is not None
    assert unlisted.source == "rule:place/unlisted"
    assert unlisted.confidence < listed.confidence


def test_sentences_of_a_part_of_a_call_are_read_by_their_order() -> None:
    lines = citizen_lines(
        [
            Line(speaker=Speaker.CITIZEN, text=text, start=float(number), end=number + 0.5)
            for number, text in enumerate(("先说别的", "五一路八十八号", "不对，是八十六号"))
        ]
    )
    detail = find_places(lines[1:], CITY).detail
    assert detail is not None
    assert detail.value == "86号"
    assert detail.said is lines[2]
