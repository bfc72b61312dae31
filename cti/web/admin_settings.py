"""The settings in effect over HTTP. They are seen here and changed in hotline.toml or the environment."""

from __future__ import annotations

from aiohttp import web

from cti.tasks import aside
from cti.web.answers import answer
from cti.web.guard import DEPS

__all__ = ["list_settings"]


async def list_settings(request: web.Request) -> web.StreamResponse:
    """GET /api/admin/settings: of the server that answers; never a secret."""
    return answer({"settings": await aside(request.app[DEPS].settings)})
