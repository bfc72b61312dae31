"""The city's places for the map: by name, and near a point."""

from __future__ import annotations

from asr.gazetteer import Entry, Gazetteer, Kind
from cti.control.places import Places

CITY = Places(
    Gazetteer(
        (
            Entry(name="江北区", kind=Kind.DISTRICT, lon=121.5, lat=29.9),
            Entry(name="新华街道", kind=Kind.STREET, parents=("江北区",), lon=121.51, lat=29.91),
            Entry(name="阳光花园", kind=Kind.ESTATE, parents=("新华街道",), lon=121.512, lat=29.912),
            Entry(name="新阳光小学", kind=Kind.LANDMARK, parents=("江北区",), lon=121.6, lat=29.9),
            Entry(name="解放路", kind=Kind.ROAD, parents=("江北区",)),
        )
    )
)


def test_a_place_is_found_by_part_of_its_name_with_where_it_lies() -> None:
    found = CITY.named("阳光")
    assert [place.name for place in found] == ["阳光花园", "新阳光小学"]
    assert (found[0].district, found[0].street) == ("江北区", "新华街道")


def test_other_districts_are_left_out_when_one_is_named() -> None:
    assert CITY.named("阳光", district="江南区") == ()
    assert len(CITY.named("阳光", district="江北区")) == 2


def test_the_closest_places_come_first_and_districts_are_no_places() -> None:
    assert [place.name for place in CITY.near(121.5119, 29.9119)] == ["阳光花园", "新华街道", "新阳光小学"]


def test_a_sketch_is_made_of_what_has_a_point_the_big_ones_first() -> None:
    assert [place.name for place in CITY.drawn(3)] == ["江北区", "新华街道", "新阳光小学"]
    assert all(place.lon is not None for place in CITY.drawn(100))
