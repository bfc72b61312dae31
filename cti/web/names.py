"""Names of people behind logins over HTTP: one question for many."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from cti.staff_names import Naming
from cti.web.answers import answer, read_query
from cti.web.guard import DEPS, person_of

__all__ = ["list_names", "naming_of"]

LOGINS_MOST = 100


class NamesQuery(msgspec.Struct):
    logins: Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]  # with commas between


async def naming_of(request: web.Request) -> Naming:
    """Return how people are named to whoever asks."""
    deps, person = request.app[DEPS], person_of(request)
    units = frozenset({person.unit} - {""})
    if deps.casework is not None:
        units = await deps.casework.sights.units_of(person)
    return await deps.accounts.names.naming(person, units)


async def list_names(request: web.Request) -> web.StreamResponse:
    """GET /api/names: who stands behind these logins, as far as the person may know."""
    query = read_query(request, NamesQuery)
    naming = await naming_of(request)
    wanted = [login for login in query.logins.split(",") if login][:LOGINS_MOST]
    return answer({"names": {login: naming.of(login) for login in wanted}})
