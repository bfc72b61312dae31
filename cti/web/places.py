"""The city's places over HTTP, for the map in the desk."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.web.answers import ApiError, answer, read_query
from cti.web.guard import DEPS

__all__ = ["find_places"]

DRAWN_MOST = 2_000
"""Points of a sketch: more of them are a blot."""


class PlacesQuery(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(max_length=50)] = ""  # part of a name
    district: Annotated[str, msgspec.Meta(max_length=50)] = ""  # only in this one
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None  # near this point …
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None  # … degrees
    limit: Annotated[int, msgspec.Meta(ge=1, le=DRAWN_MOST)] = 20


async def find_places(request: web.Request) -> web.StreamResponse:
    """GET /api/places: by name, near a point, or (with neither) what a sketch of the city is drawn from."""
    query = read_query(request, PlacesQuery)
    places = request.app[DEPS].desk.places
    if (query.lon is None) != (query.lat is None):
        raise ApiError(400, "invalid", "经度和纬度须同时给出", field="lon" if query.lon is None else "lat")
    if query.lon is not None and query.lat is not None:
        found = places.near(query.lon, query.lat, limit=query.limit)
    elif query.text.strip():
        found = places.named(query.text, district=query.district, limit=query.limit)
    else:
        found = places.drawn(query.limit)
    return answer({"places": found})
