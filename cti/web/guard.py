"""What stands before every handler: sign-in, roles, origin, security headers, metrics, and errors as JSON."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from cti.faults import fault_site
from cti.messages import Role
from cti.ports import Person
from cti.sessions import Session
from cti.tokens import PREFIX, ApiToken, Scope
from cti.web.answers import ApiError, error_answer
from cti.web.bucket import TokenBucket
from cti.web.ports import WebDeps
from cti.web.scopes import SCOPES
from cti.web.veils import look_as, viewer_for
from orders.privacy import NOBODY

__all__ = [
    "COOKIE",
    "DEPS",
    "RATES",
    "SESSION",
    "TOKEN",
    "Handler",
    "Route",
    "check_origin",
    "client_address",
    "guarded",
    "is_secure",
    "on_response",
    "person_of",
    "shield",
]

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEPS = web.AppKey("deps", WebDeps)
SESSION = web.RequestKey("session", Session)
TOKEN = web.RequestKey("token", ApiToken)
RATES: web.AppKey[dict[str, TokenBucket]] = web.AppKey("rates", dict)
COOKIE = "hotline_session"
TOKEN_MAX = 128
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CSP = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(self), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of routes: who may do what, and what does it."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[Role] | None  # None: no sign-in needed


def is_secure(request: web.Request) -> bool:
    """Tell whether the browser speaks TLS, to us or to a proxy that we trust."""
    deps = request.app[DEPS]
    if deps.secure or request.secure:
        return True
    return request.remote in deps.trusted_proxies and request.headers.get("X-Forwarded-Proto", "") == "https"


def client_address(request: web.Request) -> str:
    """Return where the request comes from: the nearest hop that is not a proxy we trust."""
    trusted = request.app[DEPS].trusted_proxies
    address = request.remote or ""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while address in trusted and hops:
        address = hops.pop()
    return address[:64]


def check_origin(request: web.Request, *, needed: bool) -> None:
    """Refuse a request that another site's page makes a browser send.

    Raises:
        ApiError: 403 when Origin is another site's, or missing although `needed`.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        if needed:
            raise ApiError(403, "origin_missing", "请求缺少来源，已拒绝")
        return
    if origin in request.app[DEPS].allowed_origins:
        return
    if urlsplit(origin).netloc.lower() != request.host.lower() or not request.host:
        raise ApiError(403, "origin_refused", "请求来自其他网站，已拒绝")


def person_of(request: web.Request) -> Person:
    """Return who is signed in; only for handlers whose route has roles."""
    return request[SESSION].person


async def _sign_in(request: web.Request, route: Route) -> None:
    """Find the session of a request, by `Authorization: Bearer` or by the cookie, and keep it there."""
    accounts = request.app[DEPS].accounts
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    by_header = scheme.lower() == "bearer"
    if not by_header:
        token = request.cookies.get(COOKIE, "")
    if not token:
        raise ApiError(401, "signed_out", "请先登录")
    if by_header and token.startswith(PREFIX):
        await _admit_system(request, route, token.strip())
        return
    if not by_header:
        is_websocket = request.headers.get("Upgrade", "").lower() == "websocket"
        check_origin(request, needed=is_websocket or request.method not in SAFE_METHODS)
    session = await accounts.sessions.find(token.strip())
    if session is None:
        raise ApiError(401, "signed_out", "登录已失效，请重新登录")
    request[SESSION] = session


async def _admit_system(request: web.Request, route: Route, secret: str) -> None:
    """Let another system in by its token, as far as its scopes and its rate go."""
    deps = request.app[DEPS]
    token = None
    if deps.systems is not None and len(secret) <= TOKEN_MAX:
        token = await deps.systems.tokens.find(secret)
    if token is None:
        raise ApiError(401, "signed_out", "令牌无效、已过期或已吊销")
    now = time.monotonic()
    rates = request.app[RATES]
    bucket = rates.get(token.token_id)
    if bucket is None or bucket.burst != max(1.0, token.per_minute / 6):
        per_s, burst = token.per_minute / 60, max(1.0, token.per_minute / 6)
        bucket = rates[token.token_id] = TokenBucket(per_s, burst, now)
    if not bucket.take(now):
        raise ApiError(
            429, "too_many", "请求过于频繁", more={"retry_after_s": round(60 / token.per_minute, 2)}
        )
    needed = SCOPES.get(("GET" if request.method == "HEAD" else request.method, route.path))
    if needed is None or not needed <= set(token.scopes):
        raise ApiError(403, "scope_missing", "令牌没有此项权限")
    # What a token may see is what a supervisor may see, at the addresses of its scopes and no others.
    # Who it was is another matter: that it neither reads nor finds orders by, as the policy says of systems.
    viewed_as = "system_persons" if Scope.PERSONS_READ in token.scopes else "system"
    person = Person(login=f"api:{token.name}", name=token.name, role=Role.SUPERVISOR, viewed_as=viewed_as)
    request[TOKEN] = token
    request[SESSION] = Session(
        token_hash="", person=person, created_at=token.created_at, seen_at=deps.clock()
    )


def guarded(route: Route) -> Handler:
    """Return the route's handler with sign-in and role checked before it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        look_as(None, NOBODY)  # a connection's requests follow one another in one task
        if route.roles is None:
            if request.method not in SAFE_METHODS:
                check_origin(request, needed=False)
            return await route.handler(request)
        await _sign_in(request, route)
        if person_of(request).role not in route.roles:
            raise ApiError(403, "forbidden", "您没有此项权限")
        casework = request.app[DEPS].casework
        policy = None if casework is None else casework.privacy
        look_as(policy, viewer_for(person_of(request)))
        return await route.handler(request)

    return handle


def _as_api_error(error: web.HTTPException) -> ApiError:
    if error.status == 404:
        return ApiError(404, "not_found", "没有这个地址")
    if error.status == 405:
        return ApiError(405, "method_not_allowed", "不支持的请求方法")
    if error.status == 413:
        return ApiError(413, "too_large", "请求内容过大")
    return ApiError(error.status, "refused", "请求有误")


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return error_answer(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = error_answer(_as_api_error(error))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.error("request failed: database away", extra={"fault": fault_site(error)})
        return error_answer(ApiError(503, "unavailable", "数据库暂时不可用，请稍后再试"))
    except Exception as error:
        log.error("request failed", extra={"fault": fault_site(error)})
        return error_answer(ApiError(500, "internal", "服务器内部错误，请联系管理员"))


@web.middleware
async def shield(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON, and measure every request by its route, never by its path."""
    began = time.perf_counter()
    response = await _answered(request, handler)
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    if response.status != 101:
        request.app[DEPS].metrics.requests.labels(request.method, route, str(response.status)).observe(
            time.perf_counter() - began
        )
    return response


async def on_response(request: web.Request, response: web.StreamResponse) -> None:
    """Add the security headers; what holds personal data is not kept by anybody on the way."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if is_secure(request):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "hotline"  # versions are nobody's business
