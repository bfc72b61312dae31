"""The web application: routes, what stands before them, and what runs beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from cti.faults import fault_site
from cti.web.answers import BODY_MAX
from cti.web.guard import DEPS, RATES, guarded, on_response, shield
from cti.web.health import LAG, LoopLag, measure_lag
from cti.web.ports import WebDeps
from cti.web.presence import Presence
from cti.web.routes import ROUTES
from cti.web.socket import PRESENCE, SERVER_RESTARTS, SESSION_ENDED

__all__ = ["make_app"]

log = logging.getLogger(__name__)


async def _check_sessions(app: web.Application) -> None:
    """Close the pages whose session ended, was ended elsewhere, or whose account may sign in no more."""
    deps = app[DEPS]
    while True:
        await asyncio.sleep(deps.recheck_s)
        try:
            pages = list(deps.pages)
            valid = await deps.accounts.sessions.still_valid({page.session for page in pages})
            for page in pages:
                if page.session not in valid:
                    page.close(SESSION_ENDED)
        except Exception as error:
            log.error("check of sessions failed", extra={"fault": fault_site(error)})


def _beside(
    work: Callable[[web.Application], Awaitable[None]],
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.ensure_future(work(app))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return context


async def _stop_pages(app: web.Application) -> None:
    """Tell every page that the server restarts; their people are not signed out."""
    await app[PRESENCE].stop()
    app[DEPS].pages.close_all(SERVER_RESTARTS)


def make_app(deps: WebDeps) -> web.Application:
    """Return the application; run it with `web.AppRunner(app, access_log=None)`.

    aiohttp's own access log would write paths, and some paths hold a caller's number.
    """
    app = web.Application(middlewares=[shield], client_max_size=BODY_MAX)
    app[DEPS] = deps
    deps.pages.snapshots_from(deps.floor.snapshot)
    app[PRESENCE] = Presence(deps.floor, grace_s=deps.grace_s)
    deps.pages.sign_out = app[PRESENCE].signed_out
    app[LAG] = LoopLag()
    app[RATES] = {}
    for route in ROUTES:
        app.router.add_route(route.method, route.path, guarded(route))
        if route.method == "GET" and route.path != "/api/ws":
            app.router.add_route("HEAD", route.path, guarded(route))
    app.on_response_prepare.append(on_response)
    app.on_shutdown.append(_stop_pages)
    app.cleanup_ctx.append(_beside(measure_lag))
    app.cleanup_ctx.append(_beside(_check_sessions))
    return app
