"""Requests that may be repeated: with an `Idempotency-Key`, what they create is created once."""

from __future__ import annotations

import hashlib

from aiohttp import web

from cti.idempotency import KeyInUse, KeyReused, hash_of
from cti.web.answers import ApiError
from cti.web.guard import DEPS, Handler, person_of

__all__ = ["once"]

KEY_MAX = 100


def once(handler: Handler) -> Handler:
    """Return the handler, made so that the same key and body get the answer of the first time for a day."""

    async def handle(request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key")
        systems = request.app[DEPS].systems
        if key is None or systems is None:
            return await handler(request)
        if not 1 <= len(key) <= KEY_MAX or not key.isprintable():
            raise ApiError(
                400, "invalid", f"Idempotency-Key 须为 1 至 {KEY_MAX} 个字符", field="Idempotency-Key"
            )
        # People and systems choose their keys apart from one another.
        place = hash_of(person_of(request).login, request.method, request.path, key)
        content = hashlib.sha256(await request.read()).hexdigest()
        try:
            kept = await systems.answers.begin(place, content)
        except KeyReused:
            raise ApiError(409, "key_reused", "此 Idempotency-Key 已用于另一个请求") from None
        except KeyInUse:
            raise ApiError(409, "in_progress", "同一请求正在处理，请稍后再试") from None
        if kept is not None:
            headers = {"Idempotent-Replay": "true"}
            return web.Response(
                text=kept.body, status=kept.status, content_type="application/json", headers=headers
            )
        try:
            response = await handler(request)
        except BaseException:
            await systems.answers.give_up(place)
            raise
        body = response.text if isinstance(response, web.Response) else None
        await systems.answers.finish(place, response.status, body or "")
        return response

    return handle
