"""What a wall needs beside the live link: what its figures mean, and the map of the city's districts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

from cti.boards import MapMissing, read_map
from cti.figures.board import BOARD, BoardFigure
from cti.figures.causes import causes_shown
from cti.figures.definitions import Definition, shown
from cti.web.answers import ApiError, answer
from cti.web.guard import DEPS

__all__ = ["city_map", "definitions"]


async def definitions(request: web.Request) -> web.StreamResponse:
    """GET /api/wall/definitions: figures with their formulas, causes of late calls."""
    rules = request.app[DEPS].figures.rules
    figures = [*(_told(one) for one in BOARD.values()), *(_told(one) for one in shown(rules))]
    return answer({"figures": figures, "causes": causes_shown(rules)})


def _told(one: BoardFigure | Definition) -> Mapping[str, str]:
    """A definition as pages show it; those of the past are the reports' own."""
    source = one.source if isinstance(one, Definition) else ""
    return {
        "key": one.key, "title": one.title, "unit": one.unit.value, "formula": one.formula, "note": one.note,
        "source": source,
    }  # fmt: skip


async def city_map(request: web.Request) -> web.StreamResponse:
    """GET /api/wall/map: GeoJSON of the districts; each has its name in `properties.name`."""
    file = request.app[DEPS].boards.city_map
    if file is None:
        raise ApiError(404, "no_map", "没有设置地图")
    try:
        body = await asyncio.to_thread(read_map, file)
    except MapMissing as error:
        raise ApiError(404, "no_map", str(error)) from None
    return web.Response(body=body, content_type="application/geo+json")
